"""Masks of frames hold still, follow the garment, and survive drop-outs, jumps and cuts."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from figures import draw_person
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hemline.kernels import gaussian_blur
from hemline.segmentation.tracking.motion import find_shifts, identity_maps, move_planes, refine_maps
from hemline.segmentation.tracking.stabilise import Stabilised, stabilise_masks
from hemline.tensors import RangeError, ShapeError

HEIGHT, WIDTH = 150, 130


@functools.cache
def walk(count: int = 9, part: str = "upper", step_px: float = 3.5) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames and true masks of a figure that walks by and comes nearer."""
    images, masks = [], []
    for number in range(count):
        tall = 110 * (1 + 0.01 * number)
        x, y = 40 + step_px * number, 75 + 1.5 * math.sin(number)
        box = (x - 0.17 * tall, y - tall / 2, x + 0.17 * tall, y + tall / 2)
        image, drawn = draw_person(HEIGHT, WIDTH, 0, [box])
        images.append(image)
        masks.append(drawn[part])
    return torch.cat(images), torch.stack(masks)


def flickering(masks: torch.Tensor, seed: int = 0, wobble_px: float = 1.5) -> torch.Tensor:
    """The masks with a contour that wanders to and fro, anew in each frame."""
    generator = torch.Generator().manual_seed(seed)
    noise = gaussian_blur(torch.randn((len(masks), 1, *masks.shape[1:]), generator=generator), 3)[:, 0]
    hard = (masks >= 0.5).numpy()
    inside = np.stack([ndimage.distance_transform_edt(one) - ndimage.distance_transform_edt(~one) for one in hard])
    return (torch.from_numpy(inside).float() + wobble_px * noise / noise.std() + 0.5).clamp(0, 1)


def overlap(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The IoU ``[B]`` of masks cut at one half."""
    one, other = found >= 0.5, truth >= 0.5
    return (one & other).sum((1, 2)) / (one | other).sum((1, 2)).clamp(min=1)


with_and_without_pictures = pytest.mark.parametrize("pictures", [False, True], ids=["masks", "pictures"])


# --- what must not change --------------------------------------------------------------------------------------------


@with_and_without_pictures
def test_masks_that_do_not_change_stay_bit_for_bit(pictures):
    image, mask = (part[:1].expand(6, *part.shape[1:]) for part in walk())
    soft = gaussian_blur(mask.unsqueeze(1), 2)[:, 0]
    assert torch.equal(stabilise_masks(soft, image if pictures else None).mask, soft)


def test_a_single_frame_no_strength_and_no_window_change_nothing():
    masks = flickering(walk()[1])
    assert torch.equal(stabilise_masks(masks[:1]).mask, masks[:1])
    assert torch.equal(stabilise_masks(masks, strength=0).mask, masks)
    assert torch.equal(stabilise_masks(masks, window=0).mask, masks)


def test_empty_frames_stay_empty_and_full_ones_full():
    for value in (0.0, 1.0, 0.3):
        masks = torch.full((5, 20, 30), value)
        found = stabilise_masks(masks)
        assert torch.equal(found.mask, masks) and not found.events


@pytest.mark.parametrize("shift", [(3, 0), (0, -4), (2, 5)])
def test_a_mask_that_slides_by_whole_pixels_stays_as_it_is(shift):
    still = walk()[1][0]
    masks = torch.stack([still.roll((shift[1] * number, shift[0] * number), (0, 1)) for number in range(6)])
    found = stabilise_masks(masks)
    assert torch.allclose(found.mask, masks, atol=1e-4) and not found.events


@with_and_without_pictures
def test_a_walking_figure_neither_lags_nor_smears(pictures):
    image, truth = walk()
    found = stabilise_masks(truth, image if pictures else None).mask
    assert overlap(found, truth).min() > 0.985
    band = torch.nn.functional.max_pool2d(truth.unsqueeze(1), 3, 1, 1)[:, 0]
    core = -torch.nn.functional.max_pool2d(-truth.unsqueeze(1), 3, 1, 1)[:, 0]
    assert bool((found[core >= 0.99] > 0.5).all()) and bool((found[band <= 0.01] < 0.5).all())  # within a pixel


# --- what must get better --------------------------------------------------------------------------------------------


@with_and_without_pictures
@pytest.mark.parametrize("part", ["upper", "lower"])
def test_flicker_falls_and_the_masks_come_nearer_to_the_truth(part, pictures):
    image, truth = walk(part=part)
    noisy = flickering(truth)
    found = stabilise_masks(noisy, image if pictures else None)
    # Pictures tell the motion; masks that flicker this much tell it less well.
    assert found.flicker_after < (0.5 if pictures else 0.65) * found.flicker_before
    assert overlap(found.mask, truth).mean() > overlap(noisy, truth).mean() + 0.01
    assert not found.events


@with_and_without_pictures
def test_flicker_measured_along_a_motion_known_exactly_falls(pictures):
    image, still = (part[0] for part in walk())
    frames = torch.stack([image.roll(4 * number, 1) for number in range(8)])
    truth = torch.stack([still.roll(4 * number, 1) for number in range(8)])

    def flicker(masks: torch.Tensor) -> float:
        return float(torch.stack([one.roll(-4 * n, 1) for n, one in enumerate(masks)]).diff(dim=0).abs().mean())

    noisy = flickering(truth)
    found = stabilise_masks(noisy, frames if pictures else None).mask
    assert flicker(found) < (0.4 if pictures else 0.65) * flicker(noisy)


def test_half_the_strength_goes_half_the_way():
    noisy = flickering(walk()[1])
    full, half = stabilise_masks(noisy).mask, stabilise_masks(noisy, strength=0.5).mask
    assert torch.allclose(half, (full + noisy) / 2, atol=1e-5)


def test_a_hole_of_one_frame_is_closed_by_what_the_others_say():
    truth = walk()[1]
    masks = truth.clone()
    rows, columns = (truth[4] >= 0.5).nonzero().unbind(1)
    middle = (int(rows.float().mean()), int(columns.float().mean()))
    hole = (slice(middle[0] - 8, middle[0] + 8), slice(middle[1] - 8, middle[1] + 8))
    masks[4][hole] = 0
    assert stabilise_masks(masks).mask[4][hole].min() > 0.5


@with_and_without_pictures
@pytest.mark.parametrize("lost", [(4,), (3, 4), (2, 6)])
def test_a_mask_that_dropped_out_is_filled_where_the_garment_is_now(lost, pictures):
    image, truth = walk()
    masks = truth.clone()
    masks[list(lost)] = 0
    found = stabilise_masks(masks, image if pictures else None)
    assert overlap(found.mask, truth).min() >= 0.9
    assert [(event.frame, event.kind) for event in found.events] == [(frame, "filled") for frame in lost]
    assert torch.equal(stabilise_masks(masks, fill=False).mask[lost[0]], masks[lost[0]])


@with_and_without_pictures
def test_a_mask_that_lost_most_of_its_area_is_filled(pictures):
    image, truth = walk()
    masks = truth.clone()
    masks[4, : int((truth[4] >= 0.5).any(1).nonzero().float().quantile(0.7))] = 0
    found = stabilise_masks(masks, image if pictures else None)
    assert overlap(found.mask, truth).min() >= 0.9 and [event.kind for event in found.events] == ["filled"]


@with_and_without_pictures
def test_a_mask_that_jumped_is_replaced(pictures):
    image, truth = walk()
    masks = truth.clone()
    masks[4] = truth[4].roll((30, 25), (0, 1))
    found = stabilise_masks(masks, image if pictures else None)
    assert overlap(found.mask, truth).min() >= 0.9
    assert [(event.frame, event.kind, event.sources) for event in found.events] == [(4, "replaced", (3, 5))]
    kept = stabilise_masks(masks, image if pictures else None, reject=False).mask
    assert overlap(kept, masks)[4] > 0.99


def test_a_mask_that_leaked_over_the_frame_is_replaced():
    truth = walk()[1]
    masks = truth.clone()
    masks[4] = 1
    found = stabilise_masks(masks)
    assert overlap(found.mask, truth)[4] >= 0.9 and [event.kind for event in found.events] == ["replaced"]


def test_a_longer_gap_than_the_window_stays():
    image, truth = walk()
    masks = truth.clone()
    masks[3:6] = 0
    assert not stabilise_masks(masks, image, window=2).mask[3:6].any()
    assert bool((overlap(stabilise_masks(masks, image, window=3).mask, truth) > 0.9).all())


# --- cuts ------------------------------------------------------------------------------------------------------------


def cut() -> tuple[torch.Tensor, torch.Tensor]:
    """Two scenes: from the fifth frame on the figure stands elsewhere, before something else."""
    image, masks = (part.clone() for part in walk())
    masks[4:] = masks[4:].roll((25, 35), (1, 2)).flip(1)
    image[4:] = 1 - image[4:].roll((25, 35), (1, 2)).flip(1)
    return image, masks


@with_and_without_pictures
@pytest.mark.parametrize("window", [2, 3, 5])
def test_both_sides_of_a_cut_are_kept(pictures, window):
    image, masks = cut()
    found = stabilise_masks(masks, image if pictures else None, window=window)
    assert overlap(found.mask, masks).min() > 0.97
    assert [(event.kind, event.sources) for event in found.events] == [("cut", (3, 4))]


def test_a_scene_of_one_frame_is_kept_where_the_pictures_show_it():
    image, masks = (part.clone() for part in walk())
    masks[4], image[4] = masks[4].roll((30, 40), (0, 1)), 1 - image[4].flip(0)
    found = stabilise_masks(masks, image)
    assert torch.equal(found.mask[4], masks[4]) and [event.kind for event in found.events] == ["cut", "cut"]


def test_a_garment_that_comes_in_or_goes_is_not_held_back():
    masks = walk()[1].clone()
    masks[:3] = 0
    found = stabilise_masks(masks)
    assert not found.mask[:3].any() and overlap(found.mask, masks)[3:].min() > 0.97


# --- the contract ----------------------------------------------------------------------------------------------------


@with_and_without_pictures
def test_time_runs_both_ways(pictures):
    image, truth = walk()
    masks = flickering(truth)
    masks[3] = 0
    forth = stabilise_masks(masks, image if pictures else None).mask
    back = stabilise_masks(masks.flip(0), image.flip(0) if pictures else None).mask.flip(0)
    assert torch.allclose(forth, back, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99), st.integers(0, 8), st.booleans())
def test_any_size_gives_soft_masks_of_that_size(count, height, width, seed, window, pictures):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand((count, height, width), generator=generator)
    image = torch.rand((count, 7, 5, 3), generator=generator) if pictures else None
    before = masks.clone()
    found = stabilise_masks(masks, image, window=window).mask
    assert found.shape == masks.shape and found.dtype == masks.dtype and torch.equal(masks, before)
    assert found.min() >= -1e-5 and found.max() <= 1 + 1e-5 and bool(found.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_is_kept(dtype):
    masks = flickering(walk()[1])[:4]
    found = stabilise_masks(masks.to(dtype)).mask
    assert found.dtype == dtype and torch.allclose(found.float(), stabilise_masks(masks).mask, atol=0.02)


def test_soft_stays_soft():
    soft = gaussian_blur(flickering(walk()[1]).unsqueeze(1), 3)[:, 0]
    found = stabilise_masks(soft).mask
    assert ((found > 0.1) & (found < 0.9)).sum() > 0.7 * ((soft > 0.1) & (soft < 0.9)).sum()


def test_each_frame_is_told_and_a_cancel_goes_through():
    seen: list[tuple[int, int]] = []
    masks = walk()[1][:4]
    stabilise_masks(masks, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 4) for number in range(1, 5)]
    calls = iter(range(100))

    def cancel() -> None:
        if next(calls) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stabilise_masks(masks, check_cancelled=cancel)


def test_a_report_is_plain_values():
    masks = walk()[1].clone()
    masks[4] = 0
    report = stabilise_masks(masks).report()
    assert report["frames"] == 9 and report["events"] == [{"frame": 4, "kind": "filled", "sources": [3, 5]}]
    assert Stabilised(masks).report()["events"] == []


def test_what_cannot_be_is_refused():
    masks = walk()[1]
    with pytest.raises(ShapeError, match="batch of 2"):
        stabilise_masks(masks, walk()[0][:2])
    for wrong in ({"window": 9}, {"window": -1}, {"strength": 1.5}, {"strength": math.nan}):
        with pytest.raises(RangeError):
            stabilise_masks(masks, **wrong)
    with pytest.raises(RangeError, match="NaN"):
        stabilise_masks(torch.full((2, 4, 4), math.nan))


# --- motion ----------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.floats(-12, 12), st.floats(-9, 9), st.floats(0.94, 1.06), st.floats(-0.06, 0.06))
def test_a_shift_with_zoom_and_turn_is_found_to_a_small_part_of_a_pixel(x, y, zoom, turn):
    mask = walk()[1][3]
    half = torch.tensor([WIDTH / 2, HEIGHT / 2])
    spin = zoom * torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    linear = spin * half.view(1, 2) / half.view(2, 1)  # in units of the frame's half sides
    there = torch.cat([linear, (torch.tensor([x, y]) / half).unsqueeze(1)], 1).unsqueeze(0)
    moved = move_planes(mask[None, None], there)
    whole = torch.cat([there, torch.tensor([[[0.0, 0, 1]]])], 1)
    found = refine_maps(mask.unsqueeze(0), moved, torch.ones_like(mask), find_shifts(mask, moved[:, 0]))
    rows, columns = (mask >= 0.5).nonzero().unbind(1)
    places = torch.stack([(columns + 0.5) * 2 / WIDTH - 1, (rows + 0.5) * 2 / HEIGHT - 1, torch.ones(len(rows))])
    error = (found[0] @ places - torch.linalg.inv(whole)[0, :2] @ places) * half.view(2, 1)
    assert error.norm(dim=0).max() < 0.5


def test_no_motion_is_found_as_none():
    mask = walk()[1][:1]
    for plane in (mask, torch.ones_like(mask), torch.zeros_like(mask)):
        found = refine_maps(plane, plane.unsqueeze(1), torch.ones_like(plane[0]), find_shifts(plane[0], plane))
        assert torch.equal(found, identity_maps(1, mask.device))
