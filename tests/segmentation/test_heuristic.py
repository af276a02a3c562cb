"""Garments without a model: what is found on drawn figures, what is left alone, and the manners of the function."""

from __future__ import annotations

import pytest
import torch
from figures import draw_person
from torch import Tensor

from hemline.segmentation.body_prior import GROUPS, load_body_prior, place_maps
from hemline.segmentation.color_model import learn_parts
from hemline.segmentation.garments import Garments
from hemline.segmentation.heuristic import detect_garments
from hemline.tensors import BadFile, ShapeError

OUTFIT = ("upper", "lower")
# Measured .93 to .98 on the drawn figures; photos are harder, training/evaluate.py measures those.
FULL_IOU, HALF_IOU = 0.85, 0.75


def iou(found: Tensor, wanted: Tensor) -> float:
    found, wanted = found >= 0.5, wanted >= 0.5
    return float((found & wanted).sum() / (found | wanted).sum().clamp_min(1))


def outfit(found: Garments, picture: int = 0) -> Tensor:
    return found.select(OUTFIT).union()[picture]


def drawn_outfit(masks: dict[str, Tensor]) -> Tensor:
    return masks["upper"] + masks["lower"]


def same(one: Garments, other: Garments) -> bool:
    pairs = zip(one.items, other.items, strict=True)
    return all(torch.equal(a.mask, b.mask) and (a.label, a.score, a.box) == (b.label, b.score, b.box) for a, b in pairs)


@pytest.mark.parametrize("seed", range(4))
def test_the_outfit_of_a_standing_figure_is_found(seed: int) -> None:
    image, masks = draw_person(600, 400, seed)
    assert iou(outfit(detect_garments(image)), drawn_outfit(masks)) > FULL_IOU


def test_a_given_box_is_enough_where_the_figure_stands_aside() -> None:
    box = (20.0, 100.0, 156.0, 500.0)
    image, masks = draw_person(600, 800, 1, [box])
    found = detect_garments(image, person_boxes=[[box]])
    assert iou(outfit(found), drawn_outfit(masks)) > FULL_IOU


def test_upper_lower_and_footwear_are_told_apart() -> None:
    image, masks = draw_person(600, 400)
    found = detect_garments(image)
    assert [item.label for item in found.items] == ["upper", "lower", "footwear"]
    for item in found.items[:2]:
        assert iou(item.mask, masks[item.label]) > FULL_IOU


@pytest.mark.parametrize("given", [True, False])
def test_a_half_body_that_the_lower_edge_cuts_is_found(given: bool) -> None:
    image, masks = draw_person(400, 360, 1, [(60, 30, 320, 820)])
    found = detect_garments(image, person_boxes=[[(60, 30, 320, 400)]] if given else None)
    assert iou(outfit(found), drawn_outfit(masks)) > HALF_IOU
    assert "footwear" not in [item.label for item in found.items]


def test_hair_and_skin_stay_uncovered() -> None:
    image, masks = draw_person(600, 400)
    found = detect_garments(image)
    for part in ("hair", "skin"):
        covered = (outfit(found) >= 0.5) & (masks[part] >= 0.5)
        assert covered.sum() < 0.05 * (masks[part] >= 0.5).sum()
        assert iou(found.parts[part][0], masks[part]) > 0.5


def test_each_given_person_has_garments_of_their_own() -> None:
    boxes = [(30.0, 30.0, 220.0, 570.0), (330.0, 60.0, 510.0, 570.0)]
    image, masks = draw_person(600, 560, boxes=boxes)
    found = detect_garments(image, person_boxes=[boxes])
    assert {item.person for item in found.items} == {0, 1}
    assert iou(outfit(found), drawn_outfit(masks)) > FULL_IOU
    for item in found.items:
        assert (item.box[0] + item.box[2] < 560) == (item.person == 0)


def flat(height: int, width: int) -> Tensor:
    return torch.full((1, height, width, 3), 0.5)


def gradient(height: int, width: int) -> Tensor:
    return torch.linspace(0, 1, height).view(1, -1, 1, 1).expand(1, height, width, 3)


def noise(height: int, width: int) -> Tensor:
    return torch.rand((1, height, width, 3), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("draw", [flat, gradient, noise])
@pytest.mark.parametrize("boxes", [None, [[(20.0, 10.0, 80.0, 190.0)]]])
def test_where_nobody_stands_out_nothing_is_found_and_it_is_said(draw, boxes) -> None:
    found = detect_garments(draw(200, 100), person_boxes=boxes)
    assert len(found) == 0
    assert not found.parts["skin"].any()
    assert "No person stands out" in found.notes[0]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (1, 300), (300, 1), (17, 16)])
def test_tiny_pictures_hold_nobody_and_do_no_harm(height: int, width: int) -> None:
    for boxes in (None, [[(0.0, 0.0, float(width), float(height))]]):
        found = detect_garments(noise(height, width), person_boxes=boxes)
        assert (found.height, found.width, len(found)) == (height, width, 0)


def test_a_box_outside_the_picture_finds_nothing() -> None:
    image, _ = draw_person(200, 150)
    assert len(detect_garments(image, person_boxes=[[(500.0, 500.0, 600.0, 800.0)]])) == 0


def test_odd_sizes_keep_their_size() -> None:
    image, masks = draw_person(1003, 777)
    found = detect_garments(image)
    assert all(tuple(item.mask.shape) == (1003, 777) for item in found.items)
    assert iou(outfit(found), drawn_outfit(masks)) > FULL_IOU


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_give_float32_masks_that_agree(dtype: torch.dtype) -> None:
    image, masks = draw_person(300, 200)
    found = detect_garments(image.to(dtype))
    assert all(item.mask.dtype == torch.float32 for item in found.items)
    assert iou(outfit(found), drawn_outfit(masks)) > FULL_IOU


def test_alpha_is_ignored() -> None:
    image, _ = draw_person(300, 200)
    alpha = torch.rand((1, 300, 200, 1), generator=torch.Generator().manual_seed(1))
    assert same(detect_garments(torch.cat([image, alpha], dim=-1)), detect_garments(image))


def test_memory_layout_does_not_matter() -> None:
    image, _ = draw_person(300, 200)
    strided = image.permute(0, 3, 2, 1).contiguous().permute(0, 3, 2, 1)
    assert not strided.is_contiguous()
    assert same(detect_garments(strided), detect_garments(image))


def test_numbers_that_are_none_do_no_harm() -> None:
    image, masks = draw_person(300, 200)
    image[0, :5] = float("nan")
    image[0, 5:8] = float("inf")
    assert iou(outfit(detect_garments(image)), drawn_outfit(masks)) > FULL_IOU


def test_batch_equals_stack_of_singles() -> None:
    pictures = [draw_person(300, 200, seed)[0] for seed in range(2)] + [flat(300, 200)]
    together = detect_garments(torch.cat(pictures))
    singles = [detect_garments(picture) for picture in pictures]
    assert [item.image for item in together.items] == [0] * len(singles[0]) + [1] * len(singles[1])
    masks = [item.mask for single in singles for item in single.items]
    assert all(torch.equal(item.mask, mask) for item, mask in zip(together.items, masks, strict=True))
    for part, mask in together.parts.items():
        assert torch.equal(mask, torch.cat([single.parts[part] for single in singles]))
    assert "in picture 3" in together.notes[0]


def test_the_input_stays_and_the_result_repeats() -> None:
    image, _ = draw_person(300, 200)
    before = image.clone()
    assert same(detect_garments(image), detect_garments(image))
    assert torch.equal(image, before)


def test_masks_are_soft_shares_with_tight_boxes_and_modest_scores() -> None:
    image, _ = draw_person(300, 200)
    for item in detect_garments(image).items:
        rows, columns = (item.mask >= 0.5).nonzero().unbind(1)
        assert item.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert 0 <= float(item.mask.min()) and float(item.mask.max()) <= 1
        assert 0 < item.score <= 0.9


def test_progress_and_cancel_are_polled_per_picture() -> None:
    image, _ = draw_person(300, 200)
    polled: list[tuple[int, int]] = []
    detect_garments(image.repeat(2, 1, 1, 1), progress=lambda done, total: polled.append((done, total)))
    assert polled == [(1, 2), (2, 2)]

    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_garments(image, check_cancelled=cancel)


def test_boxes_for_another_number_of_pictures_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 pictures"):
        detect_garments(flat(50, 50), person_boxes=[[], []])


def test_maps_land_where_their_frame_lies() -> None:
    placed = place_maps(torch.ones(1, 1, 4, 4), torch.tensor([[2.0, 3.0, 6.0, 9.0]]), 12, 10)[0, 0]
    assert placed[4:8, 3:5].eq(1).all()
    assert placed[:2].eq(0).all() and placed[:, 8:].eq(0).all()


def test_the_prior_is_a_probability_and_mirrored() -> None:
    prior = load_body_prior()
    assert prior.modes.shape[1] == len(GROUPS)
    assert prior.modes.sum(1).max() <= 1 + len(GROUPS) / 255
    assert float(prior.shares.sum()) == pytest.approx(1)
    assert (prior.modes - prior.modes.flip(-1)).abs().max() <= 2 / 255


def test_a_file_that_is_no_prior_is_refused(tmp_path) -> None:
    path = tmp_path / "prior.safetensors"
    with pytest.raises(BadFile, match="no body prior"):
        load_body_prior(path)
    path.write_bytes(b"not a model")
    with pytest.raises(BadFile, match="no body prior"):
        load_body_prior(path)


def test_colours_that_agree_with_the_prior_are_learnt_and_the_rest_follows() -> None:
    memberships = torch.eye(2)[torch.tensor([0, 0, 0, 1, 1, 1])]
    share = torch.tensor([0.9, 0.9, 0.5, 0.5, 0.1, 0.1])
    posterior, evidence = learn_parts(memberships, torch.stack([share, 1 - share]).unsqueeze(0), 20)
    assert posterior[0, 0, 2] > 0.9 and posterior[0, 0, 3] < 0.1
    assert evidence[0] > 0.2
