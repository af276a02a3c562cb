"""Detect Garments as its user meets it: the shipped parser on drawn people, and what happens without its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from figures import draw_person
from torch import Tensor

from hemline.context import ModelCache
from hemline.segmentation import detect as detection
from hemline.segmentation.detect import WEIGHTS, Detection, detect
from hemline.segmentation.parser import load_parser
from hemline.segmentation.vocabulary import LABELS, LEGEND, PRESETS
from hemline.tensors import BadFile, MissingModel, UnknownName

HEIGHT, WIDTH = 480, 320
MODELS = ModelCache()
OUTFIT = PRESETS["outfit"]


def find(image: Tensor, labels: tuple[str, ...] = OUTFIT, **options: object) -> Detection:
    return detect(image, labels, models=MODELS, **options)


def iou(found: Tensor, wanted: Tensor) -> float:
    found, wanted = found >= 0.5, wanted >= 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


def cloth(masks: dict[str, Tensor]) -> Tensor:
    return torch.maximum(masks["upper"], masks["lower"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_outfit_of_a_standing_figure_is_found(seed: int) -> None:
    image, masks = draw_person(HEIGHT, WIDTH, seed=seed)
    found = find(image)
    assert found.garments.method == "parser"
    assert iou(found.mask[0], cloth(masks)) > 0.8
    assert {item.person for item in found.garments.items} == {0}


def test_labels_that_were_not_asked_for_are_no_garments_but_stand_in_the_picture_of_labels() -> None:
    image, masks = draw_person(HEIGHT, WIDTH)
    found = find(image, ("footwear",))
    assert {item.label for item in found.garments.items} <= {"footwear"}
    painted = found.garments.labels
    assert painted is not None and painted.dtype == torch.uint8
    hair = painted[0] == LEGEND.index("hair")
    assert iou(hair.float(), masks["hair"]) > 0.4
    assert float((painted[0] == 0).float().mean()) > 0.5


def test_a_person_has_parts_that_divide_the_skin() -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    parts = find(image).garments.parts
    rest = sum(parts[name] for name in ("face", "neck", "hands", "arms", "legs"))
    assert float((rest - parts["skin"]).abs().max()) < 1e-2
    top = parts["face"][0, : HEIGHT // 3].sum()
    assert float(top) > 0.9 * float(parts["face"].sum()) > 0


def test_parts_can_be_asked_for() -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    found = find(image, ("face",))
    assert found.count == 1 and not found.garments.items
    assert torch.equal(found.mask, found.garments.parts["face"])


def test_a_batch_is_the_same_as_its_pictures_alone() -> None:
    pictures = [draw_person(HEIGHT, WIDTH, seed=seed)[0] for seed in range(3)]
    together = find(torch.cat(pictures))
    for index, picture in enumerate(pictures):
        alone = find(picture)
        assert torch.equal(together.mask[index], alone.mask[0])
        labels = [item.label for item in together.garments.items if item.image == index]
        assert labels == [item.label for item in alone.garments.items]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_pictures_give_nearly_the_same_mask(dtype: torch.dtype) -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    limit = 1e-2 if dtype == torch.float16 else 5e-2
    difference = (find(image).mask - find(image.to(dtype)).mask).abs()
    assert float(difference.mean()) < limit / 10
    assert float((difference > limit).float().mean()) < 2e-3


def test_a_mirrored_picture_gives_the_mirrored_mask() -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    assert iou(find(image.flip(2)).mask.flip(2), find(image).mask) > 0.95


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.mean(-1, keepdim=True),
        lambda image: torch.cat([image, torch.rand_like(image[..., :1])], dim=-1),
        lambda image: image.flip(1).flip(1).transpose(1, 2).contiguous().transpose(1, 2),
    ],
    ids=["grey", "alpha", "layout"],
)
def test_grey_pictures_alpha_and_layout_do_no_harm(change) -> None:
    image, masks = draw_person(HEIGHT, WIDTH)
    found = find(change(image))
    assert found.mask.shape == (1, HEIGHT, WIDTH)
    assert iou(found.mask[0], cloth(masks)) > 0.6


@pytest.mark.parametrize(("height", "width"), [(32, 32), (300, 4000), (1, 1), (3, 7), (777, 103)])
def test_every_size_is_taken(height: int, width: int) -> None:
    picture = torch.rand((1, height, width, 3), generator=torch.Generator().manual_seed(0))
    found = find(picture)
    assert found.mask.shape == (1, height, width)
    assert bool(found.mask.isfinite().all())


def test_a_person_in_a_very_wide_picture_is_found() -> None:
    image, masks = draw_person(300, 2400, boxes=[(1500, 15, 1592, 285)])
    assert iou(find(image).mask[0], cloth(masks)) > 0.6


def test_two_persons_have_garments_of_their_own() -> None:
    boxes = [(60, 30, 210, 450), (430, 30, 580, 450)]
    image, masks = draw_person(HEIGHT, 640, boxes=boxes)
    found = find(image)
    assert iou(found.mask[0], cloth(masks)) > 0.75
    sides = {(item.person, item.box[0] > 320) for item in found.garments.items}
    assert {person for person, _ in sides} == {0, 1}
    assert len(sides) == 2  # nobody wears something on both sides
    for item in found.garments.items:
        assert any(x0 < (item.box[0] + item.box[2]) / 2 < x1 for x0, _, x1, _ in boxes)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_picture_without_people_gives_a_zero_mask_and_says_so(value: float) -> None:
    slope = torch.linspace(0, 0.2, WIDTH).view(1, 1, -1, 1)
    found = find((value * torch.ones(1, HEIGHT, WIDTH, 3) + slope).clamp(0, 1))
    assert found.count == 0 and not bool(found.mask.any())
    assert "nothing found" in found.describe() and "No person was found" in found.describe()


def test_lower_is_whatever_the_parser_knows_of_it() -> None:
    image, masks = draw_person(HEIGHT, WIDTH)
    found = find(image, ("lower",))
    assert {item.label for item in found.garments.items} <= {"pants", "skirt"}
    assert iou(found.mask[0], masks["lower"]) > 0.6


def test_numbers_are_what_they_are_said_to_be() -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    found = find(image, LABELS)
    for item in found.garments.items:
        assert 0 <= float(item.mask.min()) and float(item.mask.max()) <= 1
        assert 0 <= item.score <= 1
        x0, y0, x1, y1 = item.box
        assert 0 <= x0 < x1 <= WIDTH and 0 <= y0 < y1 <= HEIGHT
    assert found.looks and found.looks[0]["image"] == 0
    assert found.seconds > 0


def test_a_given_box_is_the_only_person() -> None:
    image, _ = draw_person(HEIGHT, 640, boxes=[(60, 30, 210, 450), (430, 30, 580, 450)])
    found = find(image, person_boxes="50 20 220 460")
    assert found.garments.items
    assert all(item.box[2] < 320 for item in found.garments.items)


def test_missing_weights_are_named_with_the_remedy_and_the_fallback(tmp_path: Path) -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    with pytest.raises(MissingModel, match=r"parser\.safetensors.*install Hemline again.*fallback"):
        detect(image, OUTFIT, weights=tmp_path / "parser.safetensors")


def test_the_heuristic_stands_in_only_where_it_is_allowed_and_says_so(tmp_path: Path) -> None:
    image, _ = draw_person(HEIGHT, WIDTH)
    found = detect(image, OUTFIT, weights=tmp_path / "parser.safetensors", fallback="heuristic")
    assert found.garments.method == "heuristic"
    assert "heuristic stands in" in found.garments.notes[0]


@pytest.mark.parametrize("keep", [0, 100, 2_000_000])
def test_damaged_weights_are_an_error_whatever_is_allowed(tmp_path: Path, keep: int) -> None:
    damaged = tmp_path / "parser.safetensors"
    damaged.write_bytes(WEIGHTS.read_bytes()[:keep])
    with pytest.raises(BadFile, match=r"parser\.safetensors"):
        detect(draw_person(HEIGHT, WIDTH)[0], OUTFIT, weights=damaged, fallback="heuristic")


def test_the_weights_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []

    def load(path: Path):
        loads.append(path)
        return load_parser(path)

    monkeypatch.setattr(detection, "load_parser", load)
    models, image = ModelCache(), draw_person(HEIGHT, WIDTH)[0]
    detect(image, OUTFIT, models=models)
    detect(image, OUTFIT, models=models)
    assert loads == [WEIGHTS]


def test_the_shipped_weights_say_where_they_come_from() -> None:
    assert WEIGHTS.stat().st_size <= 8_000_000
    said = load_parser(WEIGHTS).metadata
    assert {"classes", "data", "split", "date", "recipe", "metrics", "limits"} <= said.keys()


def test_progress_and_cancel_are_polled() -> None:
    pictures = torch.cat([draw_person(HEIGHT, WIDTH, seed=seed)[0] for seed in range(2)])
    told: list[tuple[int, int]] = []
    find(pictures, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]

    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        find(pictures, check_cancelled=stop)


@pytest.mark.parametrize("options", [{"method": "magic"}, {"fallback": "heuristics"}])
def test_unknown_names_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(UnknownName):
        find(torch.rand(1, 8, 8, 3), **options)
