from __future__ import annotations

import pytest
import torch

from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.shape import feather_mask, grow_mask
from hemline.segmentation.split import SPLITS, split_mask
from hemline.tensors import HemlineError, RangeError, ShapeError, UnknownName

H, W = 120, 100


def area(x0: int, y0: int, x1: int, y1: int, height: int = H, width: int = W) -> torch.Tensor:
    mask = torch.zeros(height, width)
    mask[y0:y1, x0:x1] = 1
    return mask


def garment(mask: torch.Tensor, label: str, image: int = 0, person: int = 0) -> Garment:
    return Garment(mask, label, 1.0, (0, 0, 1, 1), image=image, person=person)


def outfit(*items: Garment, batch: int = 1) -> Garments:
    return Garments(W, H, batch, items, "drawn")


def soft(mask: torch.Tensor) -> torch.Tensor:
    return feather_mask(mask.unsqueeze(0), 4)[0]


def dressed() -> Garments:
    return outfit(garment(soft(area(30, 20, 70, 60)), "upper"), garment(soft(area(32, 58, 68, 100)), "pants"))


def grown(garments: Garments, by: float = 8) -> torch.Tensor:
    return feather_mask(grow_mask(garments.union(), by), 6)


@pytest.mark.parametrize("by", SPLITS)
def test_the_pieces_sum_to_the_mask_everywhere(by):
    mask = grown(dressed())
    pieces = split_mask(mask, dressed(), by)
    assert torch.allclose(torch.stack([piece.mask for piece in pieces]).sum(0), mask[0], atol=1e-6)
    assert all(piece.mask.amin() >= 0 for piece in pieces)


def test_a_garments_own_pixels_and_the_rim_nearest_to_it_are_its_piece():
    upper, pants = split_mask(grown(dressed()), dressed(), "per garment")
    assert (upper.label, pants.label) == ("upper", "pants")
    assert upper.mask[40, 50] == 1 and upper.mask[40, 24] > 0.9 and not upper.mask[80].any()
    assert pants.mask[90, 50] == 1 and pants.mask[104, 50] > 0.9 and not pants.mask[30].any()


def test_where_garments_overlap_a_pixel_is_divided_in_their_proportion():
    first, second = 0.6 * area(20, 20, 60, 60), 0.2 * area(40, 20, 80, 60)
    garments = outfit(garment(first, "outer"), garment(second, "upper"))
    outer, upper = split_mask(garments.union() * 0 + area(20, 20, 80, 60), garments, "per garment")
    assert abs(outer.mask[40, 50] - 0.75) < 1e-6 and abs(upper.mask[40, 50] - 0.25) < 1e-6
    assert outer.mask[40, 30] == 1 and upper.mask[40, 70] == 1


def test_the_rim_is_divided_halfway_and_softly():
    garments = outfit(garment(area(10, 40, 40, 80), "upper"), garment(area(60, 40, 90, 80), "bag"))
    upper, bag = split_mask(area(10, 40, 90, 80).unsqueeze(0), garments, "per garment")
    line = upper.mask[60]
    assert line[46] > 0.9 and line[53] < 0.1 and torch.allclose(line[49] + line[50], torch.tensor(1.0), atol=0.02)
    assert ((line > 0.1) & (line < 0.9)).sum() >= 3 and bag.mask[60, 53] > 0.9


def test_a_person_is_all_that_the_person_wears():
    left = (garment(area(5, 10, 30, 50), "upper"), garment(area(5, 50, 30, 90), "pants"))
    right = (garment(area(60, 10, 90, 50), "dress", person=1),)
    garments = outfit(*left, *right)
    first, second = split_mask(grown(garments, 3), garments, "per person")
    assert (first.label, second.label) == ("person 1", "person 2")
    assert first.mask[70, 20] == 1 and second.mask[30, 70] == 1 and not (first.mask * second.mask).any()


def test_regions_need_no_garments_and_crumbs_join_the_nearest():
    mask = soft(area(10, 10, 30, 40)) + soft(area(60, 70, 90, 110)) + area(40, 20, 41, 21)
    first, second = split_mask(mask.unsqueeze(0), None, "per region")
    assert (first.label, second.label) == ("region 1", "region 2")
    assert first.mask[20, 20] == 1 and first.mask[20, 40] == 1 and second.mask[90, 70] == 1


def test_garments_beside_the_mask_and_nearly_empty_pieces_are_left_out():
    garments = outfit(
        garment(area(20, 20, 60, 60), "upper"), garment(area(20, 60, 60, 61), "accessory"),
        garment(area(80, 100, 95, 115), "footwear"),
    )  # fmt: skip
    mask = area(20, 20, 60, 60).unsqueeze(0)
    mask[0, 60, 20:22] = 1
    (piece,) = split_mask(mask, garments, "per garment")
    assert piece.label == "upper" and torch.equal(piece.mask, mask[0])


def test_labels_that_come_twice_are_numbered():
    garments = outfit(*(garment(area(10 + 30 * k, 10, 30 + 30 * k, 60), "upper", person=k) for k in range(3)))
    pieces = split_mask(garments.union(), garments, "per garment")
    assert [piece.label for piece in pieces] == ["upper", "upper 2", "upper 3"]


def test_each_picture_of_a_batch_is_divided_by_its_own_garments():
    garments = outfit(
        garment(area(20, 20, 60, 60), "upper"), garment(area(20, 20, 60, 60), "dress", image=2),
        garment(area(20, 60, 60, 90), "bag", image=2), batch=3,
    )  # fmt: skip
    mask = garments.union()
    pieces = split_mask(mask, garments, "per garment")
    assert [(piece.image, piece.label) for piece in pieces] == [(0, "upper"), (2, "dress"), (2, "bag")]


def test_garments_of_one_picture_divide_all_masks():
    mask = grown(dressed()).repeat(3, 1, 1)
    assert [piece.image for piece in split_mask(mask, dressed(), "per garment")] == [0, 0, 1, 1, 2, 2]


def test_where_nothing_lies_in_the_mask_it_stays_whole():
    mask = area(80, 100, 95, 115).unsqueeze(0)
    (piece,) = split_mask(mask, dressed(), "per garment")
    assert piece.label == "whole" and torch.equal(piece.mask, mask[0])
    empty = torch.zeros(2, H, W)
    assert [piece.label for piece in split_mask(empty, dressed(), "per person")] == ["whole", "whole"]


def test_a_faint_mask_is_divided_too():
    mask = 0.3 * grown(dressed())
    upper, pants = split_mask(mask, dressed(), "per garment")
    assert torch.allclose(upper.mask + pants.mask, mask[0], atol=1e-6)


def test_the_mask_is_not_written_to_and_pieces_are_no_windows_on_it():
    mask = grown(dressed())
    before = mask.clone()
    for piece in split_mask(mask, dressed(), "per garment"):
        piece.mask.zero_()
    assert torch.equal(mask, before)


def test_bad_input_is_an_error_that_says_what_to_do():
    mask = torch.ones(1, H, W)
    with pytest.raises(HemlineError, match="connect Detect Garments' garments"):
        split_mask(mask, None, "per person")
    with pytest.raises(ShapeError, match="the garments are of a 100x120 picture, the mask is 50x60"):
        split_mask(torch.ones(1, 60, 50), dressed(), "per garment")
    with pytest.raises(ShapeError, match="garments are of 2 pictures"):
        split_mask(torch.ones(3, H, W), outfit(batch=2), "per garment")
    with pytest.raises(UnknownName, match="Did you mean 'per person'"):
        split_mask(mask, None, "per persons")
    with pytest.raises(RangeError, match="NaN"):
        split_mask(mask * torch.nan, None, "per region")
