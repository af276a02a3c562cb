"""Laws of the parts: which skin is a face, a neck, a hand, an arm or a leg, on drawn label maps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hemline.segmentation.parser import CLASSES
from hemline.segmentation.parts import PARTS, find_parts

HEAD = 25  # crown to chin of the drawn person, px


def draw(*, bare: bool = False, skirt: bool = False) -> Tensor:
    """Labels ``[200,120]`` of a standing person, 180 px tall; `bare`: no sleeves."""
    labels = torch.zeros(200, 120, dtype=torch.long)

    def paint(label: str, y0: int, y1: int, x0: int, x1: int) -> None:
        labels[y0:y1, x0:x1] = CLASSES.index(label)

    paint("hair", 10, 28, 50, 70)
    paint("skin", 16, 35, 53, 67)
    paint("skin", 35, 43, 57, 63)
    paint("upper", 40, 90, 44, 76)
    labels[40:43, 57:63] = CLASSES.index("skin")
    for x in (34, 79):
        paint("skin" if bare else "upper", 48, 95, x, x + 7)
        paint("skin", 95, 112, x, x + 7)
    if bare:
        paint("upper", 43, 50, 34, 86)
    paint("skirt" if skirt else "pants", 90, 125 if skirt else 180, 46, 74)
    if skirt:
        paint("skin", 125, 180, 48, 56)
        paint("skin", 125, 180, 64, 72)
    paint("footwear", 180, 190, 46, 58)
    paint("footwear", 180, 190, 62, 74)
    return labels


def chances_of(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, len(CLASSES)).permute(2, 0, 1).float()


def found(labels: Tensor) -> dict[str, Tensor]:
    return find_parts(chances_of(labels), CLASSES)


def rows_of(mask: Tensor) -> tuple[int, int]:
    rows = (mask > 0.5).any(1).nonzero()
    return int(rows[0]), int(rows[-1])


def test_the_face_is_the_skin_that_touches_the_hair() -> None:
    face = found(draw())["face"]
    assert face[18:33, 54:66].min() > 0.5
    assert rows_of(face)[1] < 40


def test_the_neck_lies_below_the_face() -> None:
    parts = found(draw())
    assert rows_of(parts["neck"])[0] >= rows_of(parts["face"])[1]
    assert parts["neck"][38:42, 58:62].min() > 0.5


def test_what_leaves_a_long_sleeve_is_a_hand() -> None:
    parts = found(draw())
    assert parts["hands"][96:111, 35:40].min() > 0.5
    assert parts["hands"][96:111, 80:85].min() > 0.5
    assert parts["arms"].max() < 0.5


def test_the_last_piece_of_a_bare_arm_is_a_hand() -> None:
    parts = found(draw(bare=True))
    assert parts["hands"][100:111, 35:40].min() > 0.5
    assert parts["arms"][55:80, 35:40].min() > 0.5
    assert 0.5 * HEAD < rows_of(parts["hands"])[1] - rows_of(parts["hands"])[0] < HEAD


def test_skin_below_a_skirt_is_legs() -> None:
    parts = found(draw(skirt=True))
    assert parts["legs"][128:178, 49:55].min() > 0.5
    assert parts["hands"][96:111, 35:40].min() > 0.5


def test_nobody_has_no_parts() -> None:
    assert all(float(mask.abs().max()) == 0 for mask in found(torch.zeros(60, 40, dtype=torch.long)).values())


def test_without_legs_in_the_picture_none_are_invented() -> None:
    parts = found(draw()[:92])
    assert float(parts["legs"].max()) == 0
    assert parts["face"][20:32, 55:65].min() > 0.5


def test_without_a_head_in_the_picture_there_is_no_face() -> None:
    parts = found(draw(skirt=True)[60:])
    assert float(parts["face"].max()) == 0
    assert parts["legs"][80:118, 49:55].min() > 0.5


@pytest.mark.parametrize("bare", [False, True])
def test_parts_of_the_skin_add_up_to_it(bare: bool) -> None:
    chances = torch.softmax(3 * chances_of(draw(bare=bare)), 0)
    parts = find_parts(chances, CLASSES)
    total = torch.stack([parts[name] for name in PARTS])
    assert torch.allclose(total.sum(0), parts["skin"], atol=1e-5)
    assert bool((total <= parts["skin"] + 1e-6).all()) and float(total.min()) >= 0


def test_a_larger_picture_has_the_same_parts() -> None:
    labels = draw(bare=True)
    small, large = found(labels), found(labels.repeat_interleave(2, 0).repeat_interleave(2, 1))
    for name in PARTS:
        assert float(large[name].mean()) == pytest.approx(float(small[name].mean()), abs=0.002)


@pytest.mark.parametrize("bare", [False, True])
def test_a_mirrored_person_has_mirrored_parts(bare: bool) -> None:
    labels = draw(bare=bare)
    labels[95:112, 79:86] = 0  # one hand in a pocket
    plain, mirrored = found(labels), found(labels.flip(1))
    assert all(torch.allclose(plain[name], mirrored[name].flip(1), atol=1e-4) for name in plain)


@pytest.mark.parametrize("size", [(1, 1), (3, 7)])
@pytest.mark.parametrize("label", ["skin", "hair", "background"])
def test_tiny_crops_work(size: tuple[int, int], label: str) -> None:
    parts = found(torch.full(size, CLASSES.index(label)))
    assert all(mask.shape == size and bool(mask.isfinite().all()) for mask in parts.values())


def test_a_portrait_has_a_large_face_and_no_hands() -> None:
    labels = torch.zeros(200, 160, dtype=torch.long)
    down, across = torch.meshgrid(torch.arange(200), torch.arange(160), indexing="ij")

    def paint(label: str, middle: int, high: int, wide: int) -> None:
        labels[((down - middle) / high) ** 2 + ((across - 80) / wide) ** 2 <= 1] = CLASSES.index(label)

    for label, middle, high, wide in (
        ("upper", 200, 70, 70), ("skin", 125, 30, 14), ("hair", 62, 42, 36), ("skin", 75, 42, 28)
    ):  # fmt: skip
        paint(label, middle, high, wide)
    parts = found(labels)
    assert rows_of(parts["face"])[1] > 95
    assert rows_of(parts["neck"])[0] < 110
    assert not (parts["hands"] > 0.5).any()


def test_arms_beside_a_skirt_are_no_legs_where_the_frame_cuts_them_and_hair_hides_the_face() -> None:
    labels = draw(bare=True, skirt=True)[:128]
    for x in (53, 63):
        labels[16:35, x : x + 4] = CLASSES.index("hair")  # the head looks smaller than it is
    parts = found(labels)
    for x in (36, 81):
        assert parts["hands"][105:111, x : x + 4].min() > 0.5 and parts["arms"][60:80, x : x + 4].min() > 0.5
    assert parts["legs"][126:, 49:55].min() > 0.5


def test_a_hand_that_lies_on_a_bare_leg_is_still_a_hand() -> None:
    labels = draw(bare=True, skirt=True)
    labels[104:125, 48:56] = CLASSES.index("skin")  # the skirt ends higher
    labels[104:112, 41:48] = CLASSES.index("skin")  # and the hand reaches over
    parts = found(labels)
    assert parts["arms"][55:80, 35:40].min() > 0.5 and parts["hands"][107:111, 35:40].min() > 0.5
    assert parts["legs"][130:175, 49:55].min() > 0.5
