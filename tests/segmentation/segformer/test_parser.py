"""A SegFormer as a parser: a small one, taught on drawn figures in a few seconds, finds figures where they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from checkpoints import TINY, draw_segformer, make_plan
from figures import draw_person
from torch import Tensor, nn
from torch.nn import functional

from hemline.segmentation.detect import WEIGHTS
from hemline.segmentation.garments import Garments, mask_box
from hemline.segmentation.parser import CLASSES, Parser, load_parser
from hemline.segmentation.segformer.network import STRIDE, SegformerNet
from hemline.segmentation.segformer.parser import NO_BODIES, SegformerParser, parse_with_segformer
from hemline.segmentation.segformer.weights import build_network
from hemline.segmentation.taxonomies import NUMBERED, PART_OWNERS, find_label
from hemline.tensors import ShapeError, UnknownName

pytestmark = pytest.mark.usefixtures("one_thread")
HEIGHT, WIDTH, SIDE, STEPS, LESSONS = 480, 320, 128, 120, 48
WORDS = ("Background", "Hair", "Upper-clothes", "Pants", "Left-shoe", "Face")
DRAWN = ("hair", "upper", "lower", "footwear", "skin")
LABELS = ("background", "hair", "upper", "pants", "footwear", "face")


def lesson(number: int) -> tuple[Tensor, Tensor]:
    """A figure somewhere in a portrait, widened to a square, and what lies at each pixel of a quarter of its size."""
    generator = torch.Generator().manual_seed(number)
    size, across, down = torch.rand(3, generator=generator).tolist()
    tall = (0.85 + 0.13 * size) * 192
    left, top = (0.3 + 0.4 * across) * 128 - 0.17 * tall, down * (192 - tall)
    image, masks = draw_person(192, 128, number, [(left, top, left + 0.34 * tall, top + tall)])
    shares = torch.stack([masks[name] for name in DRAWN])
    shares = torch.cat([1 - shares.sum(0, keepdim=True), shares]).clamp(0, 1).unsqueeze(0)
    planes = image.permute(0, 3, 1, 2)
    small = functional.interpolate(planes, (SIDE, SIDE), mode="bilinear", antialias=True)
    return small[0], functional.interpolate(shares, (SIDE // 4, SIDE // 4), mode="bilinear", antialias=True)[0]


def teach() -> SegformerNet:
    pictures, shares = (torch.stack(column) for column in zip(*map(lesson, range(LESSONS)), strict=True))
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (SegformerParser.mean, SegformerParser.std))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        net = SegformerNet(make_plan((16, 32, 48, 64), (1, 1, 1, 1), 48, len(WORDS), growth=2)).train()
        steps = torch.optim.AdamW(net.parameters(), 4e-3)
        pace = torch.optim.lr_scheduler.OneCycleLR(steps, 4e-3, total_steps=STEPS)
        small_things_count_more = torch.tensor((1.0, 4.0, 1.0, 1.0, 4.0, 4.0))
        for _ in range(STEPS):
            chosen = torch.randint(LESSONS, (6,))
            logits = net((pictures[chosen] - mean) / std)
            loss = functional.cross_entropy(logits, shares[chosen], weight=small_things_count_more)
            steps.zero_grad()
            loss.backward()
            steps.step()
            pace.step()
    return net.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def taught() -> SegformerParser:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    net = teach()
    torch.set_num_threads(before)
    return SegformerParser(net, WORDS, LABELS, long_side=SIDE)


@pytest.fixture(scope="module")
def shipped() -> Parser:
    return load_parser(WEIGHTS)


def random_parser(taxonomy: str = "atr", seed: int = 0) -> SegformerParser:
    words = NUMBERED[taxonomy]
    net = build_network(draw_segformer(replace(TINY, labels=len(words)), seed=seed))
    return SegformerParser(net, words, tuple(find_label(word) for word in words), long_side=64)


class Spy(nn.Module):
    """A network, and the sizes of what it is shown."""

    def __init__(self, network: SegformerNet) -> None:
        super().__init__()
        self.network, self.plan = network, network.plan
        self.seen: list[tuple[int, int]] = []

    def forward(self, planes: Tensor) -> Tensor:
        self.seen.append((planes.shape[2], planes.shape[3]))
        return self.network(planes)


def iou(found: Tensor, wanted: Tensor) -> float:
    found, wanted = found >= 0.5, wanted >= 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


def mask_of(garments: Garments, label: str) -> Tensor:
    (item,) = (item for item in garments.items if item.label == label)
    return item.mask


@pytest.mark.parametrize("seed", [100, 101, 102])
def test_what_a_figure_wears_is_found_where_it_was_drawn(taught: SegformerParser, seed: int) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, seed)
    found, looks = parse_with_segformer(image, taught)
    assert found.method == "segformer" and not found.notes and len(looks) == 1
    assert {(item.label, item.native_label) for item in found.items} == {
        ("upper", "Upper-clothes"), ("pants", "Pants"), ("footwear", "shoe")
    }  # fmt: skip
    assert iou(mask_of(found, "upper"), masks["upper"]) > 0.93
    assert iou(mask_of(found, "pants"), masks["lower"]) > 0.93
    assert iou(mask_of(found, "footwear"), masks["footwear"]) > 0.8
    assert iou(found.parts["hair"][0], masks["hair"]) > 0.7
    assert iou(found.parts["skin"][0], masks["skin"]) > 0.6


@pytest.mark.parametrize("size", [(480, 320), (500, 500), (333, 241), (960, 640)])
def test_borders_lie_within_two_percent_of_where_they_were_drawn(
    taught: SegformerParser, size: tuple[int, int]
) -> None:
    image, masks = draw_person(*size, 103)
    found, _ = parse_with_segformer(image, taught)
    for label, drawn in (("upper", "upper"), ("pants", "lower")):
        got, wanted = mask_box(mask_of(found, label)), mask_box(masks[drawn])
        assert got is not None and wanted is not None
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= 0.02 * size[0]


def test_every_person_is_looked_at_with_boxes(taught: SegformerParser) -> None:
    boxes = [(20.0, 24.0, 184.0, 456.0), (236.0, 24.0, 400.0, 456.0)]
    image, masks = draw_person(HEIGHT, 420, 7, boxes)
    found, looks = parse_with_segformer(image, taught, person_boxes=[boxes])
    assert [look.person for look in looks] == [0, 1]
    for person, side in ((0, slice(0, 210)), (1, slice(210, 420))):
        (upper,) = (item.mask for item in found.items if item.person == person and item.label == "upper")
        assert iou(upper[:, side], masks["upper"][:, side]) > 0.85
        assert float(upper.sum() - upper[:, side].sum()) < 0.05 * float(upper.sum())


def test_neighbours_are_told_apart_by_a_companion(taught: SegformerParser, shipped: Parser) -> None:
    image, _ = draw_person(HEIGHT, 420, 7, [(20.0, 24.0, 184.0, 456.0), (236.0, 24.0, 400.0, 456.0)])
    found, looks = parse_with_segformer(image, taught, companion=shipped)
    assert {look.person for look in looks} == {item.person for item in found.items} == {0, 1}
    assert sorted(item.box[0] >= 210 for item in found.items if item.label == "upper") == [False, True]


def test_masks_stay_soft_at_the_edges(taught: SegformerParser) -> None:
    found, _ = parse_with_segformer(draw_person(HEIGHT, WIDTH, 100)[0], taught)
    upper = mask_of(found, "upper")
    assert upper.dtype == torch.float32 and 0 < int(((upper > 0.1) & (upper < 0.9)).sum()) < 0.2 * int(
        (upper > 0).sum()
    )


def test_without_skin_and_hair_the_whole_picture_is_one_person_and_a_note_says_so(taught: SegformerParser) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, 100)
    clothes = replace(taught, labels=("background", "background", "upper", "pants", "footwear", "background"))
    found, (look,) = parse_with_segformer(image, clothes)
    assert found.notes == (NO_BODIES,)
    assert look.frame == (0, 0, WIDTH, HEIGHT)
    assert iou(mask_of(found, "pants"), masks["lower"]) > 0.9
    assert not found.parts["hair"].any()


def test_a_companion_finds_persons_and_lends_skin_and_hair(taught: SegformerParser, shipped: Parser) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, 100)
    clothes = replace(taught, labels=("background", "background", "upper", "pants", "footwear", "background"))
    found, (look,) = parse_with_segformer(image, clothes, companion=shipped)
    assert not found.notes
    assert look.box != (0, 0, WIDTH, HEIGHT)
    assert iou(mask_of(found, "pants"), masks["lower"]) > 0.9
    assert iou(found.parts["hair"][0], masks["hair"]) > 0.4
    assert {item.native_label for item in found.items} == {"Upper-clothes", "Pants", "shoe"}


def test_a_companion_leaves_a_model_that_knows_bodies_its_own_eyes(taught: SegformerParser, shipped: Parser) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, 100)
    found, _ = parse_with_segformer(image, taught, companion=shipped)
    assert iou(mask_of(found, "upper"), masks["upper"]) > 0.9
    assert iou(found.parts["hair"][0], masks["hair"]) > 0.7


def test_a_batch_is_the_same_as_its_pictures_alone(taught: SegformerParser) -> None:
    pictures = [draw_person(240, 160, seed)[0] for seed in (100, 101)]
    together, _ = parse_with_segformer(torch.cat(pictures), taught)
    for index, picture in enumerate(pictures):
        alone, _ = parse_with_segformer(picture, taught)
        of_image = together.of_image(index)
        assert [item.label for item in of_image.items] == [item.label for item in alone.items] != []
        assert all(torch.equal(a.mask, b.mask) for a, b in zip(of_image.items, alone.items, strict=True))


def test_only_what_is_asked_for_is_a_garment(taught: SegformerParser) -> None:
    found, _ = parse_with_segformer(draw_person(240, 160, 100)[0], taught, ("pants",))
    assert [item.label for item in found.items] == ["pants"]


def test_alpha_is_ignored_and_the_picture_untouched(taught: SegformerParser) -> None:
    image = draw_person(240, 160, 100)[0]
    with_alpha = torch.cat([image, torch.rand_like(image[..., :1])], -1)
    before = with_alpha.clone()
    (a, _), (b, _) = (parse_with_segformer(picture, taught) for picture in (image, with_alpha))
    assert all(torch.equal(one.mask, other.mask) for one, other in zip(a.items, b.items, strict=True))
    assert torch.equal(with_alpha, before)


def test_half_precision_pictures_change_little(taught: SegformerParser) -> None:
    image = draw_person(240, 160, 100)[0]
    (a, _), (b, _) = (parse_with_segformer(picture, taught) for picture in (image, image.half()))
    assert iou(a.union()[0], b.union()[0]) > 0.99
    assert {item.mask.dtype for item in b.items} == {torch.float32}


def test_nobody_is_found_in_an_empty_room(taught: SegformerParser) -> None:
    found, looks = parse_with_segformer(torch.full((2, 120, 90, 3), 0.7), taught)
    assert not found.items and not looks and "picture 1, 2" in found.notes[0]
    assert found.union().shape == (2, 120, 90)


@pytest.mark.parametrize(("aspect", "seen"), [("trained", (128, 128)), ("kept", (128, 96))])
def test_the_aspect_is_a_choice(taught: SegformerParser, aspect: str, seen: tuple[int, int]) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, 100)
    spy = Spy(taught.network)
    found, _ = parse_with_segformer(image, replace(taught, network=spy), aspect=aspect)
    assert spy.seen[0] == seen
    assert iou(mask_of(found, "upper"), masks["upper"]) > 0.9


def test_what_is_no_aspect_or_no_image_is_an_error(taught: SegformerParser) -> None:
    with pytest.raises(UnknownName, match="trained"):
        parse_with_segformer(torch.rand(1, 9, 9, 3), taught, aspect="squashed")
    with pytest.raises(ShapeError):
        parse_with_segformer(torch.zeros(2, 5), taught)


def test_progress_and_cancel_are_polled(taught: SegformerParser) -> None:
    told: list[tuple[int, int]] = []
    pictures = torch.full((2, 60, 40, 3), 0.7)
    parse_with_segformer(pictures, taught, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        parse_with_segformer(pictures, taught, check_cancelled=stop)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (40, 300), (301, 33)])
def test_every_size_gives_chances_that_add_up(size: tuple[int, int]) -> None:
    picture = torch.rand((3, *size), generator=torch.Generator().manual_seed(0))
    for taxonomy in ("atr", "fashionpedia"):
        parser = random_parser(taxonomy)
        words = parser.look(picture, flip=True)
        assert words.shape[0] == len(parser.words) and max(words.shape[1:]) == 32
        for planes in (words, parser.understand(words)):
            assert float((planes.sum(0) - 1).abs().max()) < 1e-4 and float(planes.min()) >= 0


def test_pictures_are_widened_as_in_the_training() -> None:
    spy = Spy(random_parser().network)
    parser = replace(random_parser(), network=spy, long_side=512)
    for size in ((900, 600), (600, 900), (512, 512), (1, 900)):
        chances = parser.look(torch.rand(3, *size))
        assert chances.shape[1:] == tuple(max(1, round(256 * side / max(size))) for side in size)
    assert spy.seen == [(512, 512), (352, 768), (512, 768), (STRIDE, 768)]


def test_a_mirrored_picture_gives_mirrored_chances_with_sides_exchanged() -> None:
    parser = random_parser()
    picture = torch.rand((3, 60, 40), generator=torch.Generator().manual_seed(0))
    there, back = parser.look(picture, flip=True), parser.look(picture.flip(-1), flip=True).flip(-1)
    words = list(parser.words)
    left, right = words.index("Left-shoe"), words.index("Right-shoe")
    assert float((there[left] - back[right]).abs().max()) < 1e-5
    assert float((there[words.index("Hat")] - back[words.index("Hat")]).abs().max()) < 1e-5
    assert float((there[left] - back[left]).abs().max()) > 1e-3


def test_body_parts_are_skin_and_both_shoes_footwear() -> None:
    parser = random_parser()
    chances = torch.softmax(torch.randn((18, 9, 7), generator=torch.Generator().manual_seed(0)), 0)
    merged = parser.understand(chances)
    assert set(parser.classes) <= set(CLASSES) and parser.classes[0] == "background"
    skin = sum(chances[number] for number in (11, 12, 13, 14, 15))
    assert torch.allclose(merged[parser.classes.index("skin")], skin)
    assert torch.allclose(merged[parser.classes.index("footwear")], chances[9] + chances[10])


def test_face_arms_and_legs_lie_where_the_words_say() -> None:
    parser = random_parser()
    chances = painted(
        parser.words, **{"Face": (slice(0, 12), slice(20, 40)), "Left-arm": (slice(12, 30), slice(0, 12)),
                         "Right-leg": (slice(30, 48), slice(20, 40))},
    )  # fmt: skip
    skin = parser.understand(chances)[parser.classes.index("skin")]
    nothing = torch.zeros_like(skin)
    guess = {"skin": skin, "hair": nothing, "head": skin * 0.5, "face": skin * 0.5, "neck": skin * 0.25,
             "hands": skin * 0.25, "arms": nothing, "legs": nothing}  # fmt: skip
    parts = parser.divide_body(guess, chances)
    total = sum(parts[name] for name in ("face", "neck", "hands", "arms", "legs"))
    assert torch.allclose(total, skin, atol=1e-4)
    assert float(parts["legs"][30:, 20:40].min()) > 0.99 and float(parts["legs"][:30].max()) < 1e-2
    assert float(parts["hands"][12:30, :12].min()) > 0.99
    face, neck = (parts[name][:12, 20:40] for name in ("face", "neck"))
    assert torch.allclose(face, 2 * neck, atol=1e-2) and float((face + neck).min()) > 0.99
    assert float(parts["head"][12:].max()) < 0.01 and torch.allclose(parts["head"][:12, 20:40], face, atol=1e-2)


def test_a_network_without_words_for_all_parts_leaves_them_to_the_rules(taught: SegformerParser) -> None:
    parts = {"skin": torch.rand(4, 4), "face": torch.rand(4, 4)}
    assert taught.divide_body(parts, torch.rand(6, 4, 4)) is parts


def painted(words: tuple[str, ...], **areas: tuple[slice, slice]) -> Tensor:
    labels = torch.zeros(48, 64, dtype=torch.long)
    for name, area in areas.items():
        labels[area] = words.index(name)
    return functional.one_hot(labels, len(words)).permute(2, 0, 1).float()


def test_a_part_belongs_to_the_garment_beside_it_that_may_hold_it() -> None:
    parser = random_parser("fashionpedia")
    whole = slice(4, 24)
    chances = painted(
        parser.words, jacket=(whole, slice(8, 20)), sleeve=(whole, slice(20, 26)), dress=(whole, slice(40, 56)),
        pants=(slice(24, 48), slice(8, 26)), buckle=(slice(30, 34), slice(12, 16)),
    )  # fmt: skip
    merged = dict(zip(parser.classes, parser.understand(chances), strict=True))
    assert float(merged["outer"][whole, 8:26].min()) > 0.95  # with its sleeve, though the pants are as near
    assert float(merged["pants"][24:48, 8:26].min()) > 0.95  # with its buckle
    assert float(merged["dress"][whole, 40:56].min()) > 0.99
    assert float(merged["background"][:, 30:38].min()) > 0.99


def test_a_part_that_no_garment_of_the_model_may_hold_is_background() -> None:
    parser = replace(random_parser(), words=("Background", "Pants", "sleeve"), labels=("background", "pants", None))
    merged = parser.understand(painted(parser.words, sleeve=(slice(0, 9), slice(0, 9))))
    assert parser.classes == ("background", "pants")
    assert float(merged[0].min()) == 1


def test_every_part_of_fashionpedia_has_garments_that_may_hold_it() -> None:
    parts = {word for word, label in zip(NUMBERED["fashionpedia"], random_parser("fashionpedia").labels, strict=True)
             if label is None}  # fmt: skip
    assert parts == set(PART_OWNERS) and len(parts) == 19
