"""Smart strokes: they end at the picture's edge, stay in their own area, and are plain brushes where nothing ends."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.stroke_golden import at, base_picture
from torch import Tensor

from hemline.errors import ShapeError
from hemline.segmentation.strokes.raster import apply_strokes
from hemline.segmentation.strokes.smart import WORKING_PX, working_picture
from hemline.segmentation.strokes.text import UNIT, Stroke

shares = st.integers(-2000, UNIT + 2000)
smart_strokes = st.builds(
    Stroke, st.just("smart"), st.lists(st.tuples(shares, shares), min_size=1, max_size=4).map(tuple), st.booleans(),
    st.integers(1, 4000), st.integers(0, 100), st.integers(0, 100),
)  # fmt: skip
sizes = st.sampled_from(((1, 1), (3, 7), (29, 40), (61, 33)))


def plain(stroke: Stroke) -> Stroke:
    return Stroke("brush", stroke.points, stroke.erase, stroke.radius, stroke.hardness, stroke.opacity, stroke.pressure)


def two_colours(height: int, width: int, border: float, left: Tensor, right: Tensor) -> Tensor:
    """``[1,H,W,3]``: one colour left of the share `border` of the width, another one right of it."""
    side = ((torch.arange(width) + 0.5) / width > border).reshape(1, 1, width, 1)
    return torch.where(side, right, left).expand(1, height, width, 3)


GARMENT, GROUND = torch.tensor([0.7, 0.25, 0.3]), torch.tensor([0.55, 0.55, 0.5])


@pytest.mark.parametrize("size", [(120, 160), (101, 77), (900, 1500)])
@pytest.mark.parametrize("erase", [False, True])
def test_a_rough_stroke_along_an_edge_ends_at_the_edge(size: tuple[int, int], erase: bool) -> None:
    height, width = size
    picture = two_colours(height, width, 0.5, GARMENT, GROUND)
    rough = Stroke("smart", at(0.43, 0.2, 0.45, 0.5, 0.42, 0.8), erase, radius=1500)
    before = torch.full((1, height, width), float(erase))
    drawn = (apply_strokes(before, [rough], picture) - before).abs()[0]
    area = (apply_strokes(before, [plain(rough)]) - before).abs()[0]
    edge = round(width * 0.5)
    rows = slice(height * 3 // 10, height * 7 // 10)
    assert float(area[rows, edge + 2 : edge + 5].min()) == 1  # the brush itself goes beyond
    torch.testing.assert_close(drawn[rows, edge - 5 : edge - 1], area[rows, edge - 5 : edge - 1], atol=0.02, rtol=0)
    assert float(drawn[rows, edge + 1 :].max()) < 0.02


def test_of_a_large_picture_the_edge_is_as_fine_as_the_picture() -> None:
    height, width = 1100, 3 * WORKING_PX + 1
    picture = two_colours(height, width, 0.5, GARMENT, GROUND)
    rough = Stroke("smart", at(0.48, 0.3, 0.48, 0.7), radius=1500)
    drawn = apply_strokes(torch.zeros(1, height, width), [rough], picture)[0, height // 2]
    edge = int((picture[0, 0, :, 0] == GARMENT[0]).sum())
    assert float(drawn[edge - 4 : edge - 1].min()) > 0.9 and float(drawn[edge + 1 : edge + 5].max()) < 0.1


@settings(deadline=None, max_examples=40)
@given(smart_strokes, sizes, st.integers(0, 5))
def test_a_stroke_never_goes_beyond_its_own_area(stroke: Stroke, size: tuple[int, int], seed: int) -> None:
    mask, picture = torch.rand(1, *size, generator=torch.Generator().manual_seed(seed)), base_picture(*size, seed)
    drawn, brushed = apply_strokes(mask, [stroke], picture), apply_strokes(mask, [plain(stroke)])
    low, high = torch.minimum(mask, brushed), torch.maximum(mask, brushed)
    assert bool(((drawn >= low - 1e-6) & (drawn <= high + 1e-6)).all())


@settings(deadline=None, max_examples=40)
@given(smart_strokes, sizes)
def test_on_a_flat_ground_it_is_the_plain_brush(stroke: Stroke, size: tuple[int, int]) -> None:
    # With its middle beside the picture it has no colour.
    assume(any(0 <= x <= UNIT and 0 <= y <= UNIT for x, y in stroke.points))
    mask, picture = torch.full((1, *size), 0.3), GARMENT.expand(1, *size, 3)
    drawn, brushed = apply_strokes(mask, [stroke], picture), apply_strokes(mask, [plain(stroke)])
    torch.testing.assert_close(drawn, brushed, atol=0.1 / 255, rtol=0)


def test_grain_alone_is_no_edge() -> None:
    picture = GARMENT + 0.05 * torch.randn(1, 120, 160, 3, generator=torch.Generator().manual_seed(1))
    stroke, nothing = Stroke("smart", at(0.3, 0.5, 0.7, 0.5), radius=1500), torch.zeros(1, 120, 160)
    drawn, brushed = apply_strokes(nothing, [stroke], picture), apply_strokes(nothing, [plain(stroke)])
    assert float((drawn - brushed).abs().mean()) < 0.005


def test_a_pattern_under_the_middle_belongs_as_a_whole() -> None:
    """Checks of two colours, both of them under the middle of the brush."""
    checks = (torch.arange(160) // 6).unsqueeze(0) + (torch.arange(120) // 6).unsqueeze(1)
    garment = torch.where((checks % 2 == 0).unsqueeze(-1), GARMENT, torch.tensor([0.9, 0.85, 0.7]))
    side = (torch.arange(160) > 80).reshape(1, 160, 1)
    picture = torch.where(side, GROUND, garment).unsqueeze(0)
    stroke = Stroke("smart", at(0.4, 0.2, 0.4, 0.8), radius=2000)
    drawn = apply_strokes(torch.zeros(1, 120, 160), [stroke], picture)[0, 40:80]
    assert float(drawn[:, 50:78].min()) > 0.9 and float(drawn[:, 83:].max()) < 0.1


def test_batch_equals_stack_of_singles() -> None:
    pictures = torch.cat([base_picture(), base_picture().flip(2), GARMENT.expand(1, 40, 56, 3)])
    stroke, masks = Stroke("smart", at(0.3, 0.3, 0.6, 0.6), radius=2000), torch.rand(3, 40, 56)
    together = apply_strokes(masks, [stroke], pictures)
    singles = [apply_strokes(mask[None], [stroke], one[None]) for mask, one in zip(masks, pictures, strict=True)]
    assert torch.equal(together, torch.cat(singles)) and not torch.equal(together[0], together[1])
    one_mask = apply_strokes(masks[:1], [stroke], pictures)
    assert one_mask.shape == masks.shape and torch.equal(one_mask[0], together[0])


def test_without_a_picture_it_is_the_plain_brush() -> None:
    stroke, mask = Stroke("smart", at(0.3, 0.3, 0.6, 0.6), radius=2000), torch.rand(1, 40, 56)
    assert torch.equal(apply_strokes(mask, [stroke]), apply_strokes(mask, [plain(stroke)]))


def test_inputs_stay_and_dtype_comes_back() -> None:
    picture, mask = base_picture().half(), torch.zeros(1, 40, 56, dtype=torch.float16)
    before = picture.clone()
    drawn = apply_strokes(mask, [Stroke("smart", at(0.3, 0.3, 0.6, 0.6), radius=2000)], picture)
    assert drawn.dtype == torch.float16 and float(drawn.max()) > 0.9
    assert torch.equal(picture, before) and float(mask.abs().max()) == 0


def test_a_picture_with_what_is_no_number_harms_nothing() -> None:
    picture = base_picture().clone()
    picture[0, 10:20, 10:20] = float("nan")
    drawn = apply_strokes(torch.zeros(1, 40, 56), [Stroke("smart", at(0.3, 0.3, 0.6, 0.6), radius=2000)], picture)
    assert bool(drawn.isfinite().all())


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match="one size"):
        apply_strokes(torch.zeros(1, 40, 56), [Stroke("smart", at(0.5, 0.5))], torch.rand(1, 41, 56, 3))


def test_the_working_picture_is_small_and_in_whole_levels() -> None:
    working = working_picture(torch.rand(2, 30, 3000, 4))
    assert working.shape == (2, 10, WORKING_PX, 3) and torch.equal(working, working.round())
    assert torch.equal(working_picture(base_picture()), base_picture() * 255)
    assert working_picture(torch.rand(1, 1, 5000, 3)).shape == (1, 1, WORKING_PX, 3)
