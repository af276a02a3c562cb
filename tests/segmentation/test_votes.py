from __future__ import annotations

import pytest
import torch

from hemline.segmentation import votes
from hemline.segmentation.parser import CLASSES
from hemline.segmentation.vocabulary import GARMENT_LABELS
from hemline.segmentation.votes import is_told, vote
from hemline.tensors import ShapeError

HEIGHT, WIDTH = 180, 90
SKIN, GREY = (0.85, 0.65, 0.5), (0.6, 0.6, 0.62)
RED, BLUE, BLACK, GREEN = (0.75, 0.1, 0.12), (0.1, 0.15, 0.6), (0.06, 0.06, 0.07), (0.1, 0.5, 0.2)
HEAD, TORSO, HIPS = (10, 30, 36, 54), (30, 90, 27, 63), (90, 130, 27, 63)
LEGS, SHOES = ((130, 162, 30, 42), (130, 162, 48, 60)), ((162, 172, 26, 42), (162, 172, 48, 64))
GARMENTS = [number for number, name in enumerate(CLASSES) if name in GARMENT_LABELS]


class Figure:
    """A drawn person: boxes (top, bottom, left, right) in a colour, with what a network might say of them."""

    def __init__(self) -> None:
        noise = torch.randn(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
        self.grain = 0.01 * noise
        self.picture = torch.tensor(GREY).view(3, 1, 1).expand(3, HEIGHT, WIDTH).clone()
        self.chances = torch.full((len(CLASSES), HEIGHT, WIDTH), 0.0005)
        self.chances[0] = 1 - 0.0005 * (len(CLASSES) - 1)
        self.paint(HEAD, SKIN, skin=0.95)
        for leg in LEGS:
            self.paint(leg, SKIN, skin=0.95)
        for shoe in SHOES:
            self.paint(shoe, BLACK, footwear=0.9)

    def paint(self, box: tuple[int, int, int, int], colour: tuple[float, ...] | None, **odds: float) -> Figure:
        """Colours a box (None leaves it) and says what is there; what is left of 1 goes to all classes."""
        rows, columns = slice(box[0], box[1]), slice(box[2], box[3])
        if colour is not None:
            self.picture[:, rows, columns] = torch.tensor(colour).view(3, 1, 1)
        self.chances[:, rows, columns] = (1 - sum(odds.values())) / len(CLASSES)
        for name, chance in odds.items():
            self.chances[CLASSES.index(name), rows, columns] += chance
        return self

    def vote(self) -> dict[str, torch.Tensor]:
        picture = (self.picture + self.grain).clamp(0, 1)
        return {region.label: region.mask for region in vote(picture, self.chances, CLASSES)}


def area(masks: dict[str, torch.Tensor], label: str, box: tuple[int, int, int, int]) -> float:
    """The share of a box that a mask covers, edges left out."""
    mask = masks.get(label, torch.zeros(HEIGHT, WIDTH))
    return float((mask[box[0] + 3 : box[1] - 3, box[2] + 3 : box[3] - 3] > 0.5).float().mean())


def coat() -> Figure:
    """A coat to the hips over bare legs that the network takes for a patchwork of outer, upper and skirt."""
    figure = Figure().paint(TORSO, BLUE, outer=0.5, upper=0.35).paint(HIPS, BLUE, outer=0.5, skirt=0.35)
    for box in ((40, 60, 30, 45), (70, 85, 45, 60)):
        figure.paint(box, None, upper=0.5, outer=0.35)
    return figure.paint((100, 120, 27, 45), None, skirt=0.5, outer=0.35)


def random_chances(height: int, width: int, seed: int = 0) -> torch.Tensor:
    logits = torch.randn(len(CLASSES), height, width, generator=torch.Generator().manual_seed(seed))
    return torch.softmax(3 * logits, dim=0)


def garment_total(regions: list[votes.Region], size: tuple[int, int]) -> torch.Tensor:
    return sum((r.mask for r in regions if r.label in GARMENT_LABELS), torch.zeros(size))


def test_a_patchwork_coat_becomes_one_garment() -> None:
    masks = coat().vote()
    assert set(masks) == {"outer", "footwear"}
    assert area(masks, "outer", TORSO) == area(masks, "outer", HIPS) == 1


@pytest.mark.parametrize(("colour", "whole"), [(RED, True), (BLUE, False)])
def test_upper_half_and_lower_half_are_a_dress_if_they_look_alike_and_two_garments_if_not(colour, whole) -> None:
    figure = Figure().paint(TORSO, RED, upper=0.42, dress=0.38).paint(HIPS, colour, skirt=0.42, dress=0.38)
    masks = figure.vote()
    assert set(masks) == ({"dress", "footwear"} if whole else {"upper", "skirt", "footwear"})
    assert area(masks, "dress" if whole else "upper", TORSO) == area(masks, "dress" if whole else "skirt", HIPS) == 1


def test_sure_chances_stay_two_garments_of_one_colour() -> None:
    masks = Figure().paint(TORSO, BLACK, upper=0.9).paint(HIPS, BLACK, skirt=0.9).vote()
    assert set(masks) == {"upper", "skirt", "footwear"}
    assert area(masks, "upper", TORSO) > 0.97 and area(masks, "skirt", HIPS) > 0.97


def test_pants_are_never_mixed_with_a_skirt() -> None:
    figure = Figure().paint(TORSO, RED, upper=0.9).paint(HIPS, BLACK, pants=0.4, skirt=0.5)
    for leg in LEGS:
        figure.paint(leg, BLACK, pants=0.65, skirt=0.2)
    masks = figure.vote()
    assert "pants" in masks and "skirt" not in masks
    assert all(area(masks, "pants", box) == 1 for box in (HIPS, *LEGS))


def test_a_speck_of_neckwear_vanishes_and_a_scarf_stays() -> None:
    dressed = Figure().paint(TORSO, RED, upper=0.9).paint(HIPS, BLACK, skirt=0.9)
    speck = dressed.paint((30, 34, 42, 48), None, neckwear=0.6, upper=0.3).vote()
    assert "neckwear" not in speck and area(speck, "upper", TORSO) == 1
    scarf = dressed.paint((30, 52, 33, 57), GREEN, neckwear=0.75, upper=0.2).vote()
    assert area(scarf, "neckwear", (30, 52, 33, 57)) > 0.95


def test_haze_in_the_background_is_no_garment() -> None:
    """As the stars of a flag, which a network may take for a dress by a third."""
    figure = Figure().paint(TORSO, RED, upper=0.9).paint(HIPS, BLUE, pants=0.9)
    plain = figure.vote()
    hazy = figure.paint((60, 120, 2, 14), GREEN, dress=0.35, background=0.6).vote()
    assert set(hazy) == set(plain) == {"upper", "pants", "footwear"}
    assert all(area(hazy, label, (60, 120, 2, 14)) == 0 for label in hazy)


def test_a_hazy_garment_alone_is_told() -> None:
    chances = torch.full((len(CLASSES), 60, 40), 0.001)
    chances[0] = 1 - 0.001 * (len(CLASSES) - 1)
    chances[CLASSES.index("dress"), 20:40, 10:30] = 0.3
    chances[CLASSES.index("dress"), 29:32, 19:22] = 0.9
    assert [region.label for region in vote(torch.rand(3, 60, 40), chances, CLASSES)] == ["dress"]


def test_a_thing_too_small_to_be_one_is_not_told() -> None:
    def told(figure: Figure) -> set[str]:
        return {region.label for region in vote(figure.picture, figure.chances, CLASSES) if is_told(region)}

    assert told(coat().paint((80, 82, 65, 67), None, accessory=0.55)) == {"outer", "footwear"}
    assert told(coat().paint((80, 95, 65, 80), GREEN, accessory=0.9)) == {"outer", "footwear", "accessory"}


def test_shoes_are_one_region() -> None:
    masks = coat().vote()
    assert all(area(masks, "footwear", shoe) == 1 for shoe in SHOES)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (40, 31), (128, 64)])
def test_masks_sum_to_the_probability_of_garment(size: tuple[int, int]) -> None:
    chances = random_chances(*size)
    regions = vote(torch.rand(3, *size), chances, CLASSES)
    if garments := [region for region in regions if region.label in GARMENT_LABELS]:
        assert torch.allclose(garment_total(garments, size), chances[GARMENTS].sum(0), atol=1e-5)
    assert size == (1, 1) or garments
    assert all(region.mask.shape == size and region.mask.dtype == torch.float32 for region in regions)


def test_masks_sum_to_the_probability_of_garment_on_a_figure() -> None:
    figure = coat()
    regions = vote(figure.picture, figure.chances, CLASSES)
    assert torch.allclose(garment_total(regions, (HEIGHT, WIDTH)), figure.chances[GARMENTS].sum(0), atol=1e-5)


def test_between_neighbours_the_step_is_narrow() -> None:
    masks = Figure().paint(TORSO, RED, upper=0.9).paint(HIPS, BLUE, skirt=0.9).vote()
    column = masks["upper"][:, 45] / (masks["upper"] + masks["skirt"])[:, 45]
    assert int(((column > 0.1) & (column < 0.9))[TORSO[0] + 3 : HIPS[1] - 3].sum()) <= 3


def test_a_bag_keeps_its_own_mask_and_order_is_that_of_the_classes() -> None:
    figure = coat().paint((80, 105, 65, 80), GREEN, bag=0.8)
    masks = figure.vote()
    assert list(masks) == [name for name in CLASSES if name in masks] and "bag" in masks
    assert torch.equal(masks["bag"], figure.chances[CLASSES.index("bag")])


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (60, 40)])
def test_where_nothing_is_nothing_is_found(size: tuple[int, int]) -> None:
    chances = torch.full((len(CLASSES), *size), 0.001)
    chances[0] = 1 - 0.001 * (len(CLASSES) - 1)
    assert vote(torch.rand(3, *size), chances, CLASSES) == []


def test_a_mirrored_picture_gives_mirrored_masks() -> None:
    figure = coat()
    picture = figure.picture + figure.grain  # without any grain pixels are equally far from two superpixels
    plain = vote(picture, figure.chances, CLASSES)
    mirrored = vote(picture.flip(-1), figure.chances.flip(-1), CLASSES)
    assert [region.label for region in plain] == [region.label for region in mirrored]
    for one, other in zip(plain, mirrored, strict=True):
        assert torch.allclose(one.mask, other.mask.flip(-1), atol=1e-3)
        assert one.score == pytest.approx(other.score, abs=1e-3)


def test_a_surer_network_scores_higher() -> None:
    scores = []
    for chance in (0.6, 0.95):
        figure = Figure().paint(TORSO, RED, upper=chance).paint(HIPS, BLUE, pants=chance)
        scores.append({r.label: r.score for r in vote(figure.picture, figure.chances, CLASSES)})
    assert all(0 <= scores[0][label] < scores[1][label] <= 1 for label in ("upper", "pants"))


def test_other_classes_and_sizes_are_checked() -> None:
    names = ("background", "lower", "upper")
    chances = torch.zeros(3, 40, 20)
    chances[1, 20:], chances[2, :20] = 0.9, 0.9
    assert [region.label for region in vote(torch.rand(3, 40, 20), chances, names)] == ["lower", "upper"]
    with pytest.raises(ShapeError):
        vote(torch.rand(3, 40, 21), chances, names)


def test_inputs_stay_as_they_are() -> None:
    figure = coat()
    picture, chances = figure.picture.clone(), figure.chances.clone()
    vote(figure.picture, figure.chances, CLASSES)
    assert torch.equal(picture, figure.picture) and torch.equal(chances, figure.chances)
