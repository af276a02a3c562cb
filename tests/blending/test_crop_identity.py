"""What a crop must lose on its way there and back, untouched: nothing but what resampling costs."""

from __future__ import annotations

import functools
import math

import pytest
import torch

from hemline.blending.crop import TARGETS, crop_for_inpainting
from hemline.blending.crop_boxes import FRAME_POLICIES
from hemline.blending.crop_sizes import LEAVE_FRAME
from hemline.blending.stitch import stitch_inpainted
from hemline.kernels import gaussian_blur
from hemline.segmentation.shape import feather_mask

MASKS = {
    "in the middle": (0.3, 0.2, 0.7, 0.8),
    "in the corner": (0.7, 0.6, 1.0, 1.0),
    "thin": (0.5, 0.1, 0.5, 0.9),
    "full": (0.0, 0.0, 1.0, 1.0),
}


@functools.cache
def photo(height: int, width: int) -> torch.Tensor:
    """A picture with the fine and coarse detail of a photo: noise of several scales."""
    generator = torch.Generator().manual_seed(0)
    planes = torch.zeros(1, 3, height, width)
    for sigma, share in ((0.7, 0.35), (3.0, 1.0)):
        planes = planes + share * (gaussian_blur(torch.rand(planes.shape, generator=generator), sigma) - 0.5) * sigma
    return (planes / (4 * planes.std()) + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def mask_of(name: str, height: int, width: int) -> torch.Tensor:
    x0, y0, x1, y1 = MASKS[name]
    left, top = int(x0 * width), int(y0 * height)
    mask = torch.zeros(1, height, width)
    mask[:, top : max(top + 1, int(y1 * height)), left : max(left + 1, int(x1 * width))] = 1
    return mask if name == "full" else feather_mask(mask, 8)


def shift_px(image: torch.Tensor, back: torch.Tensor, mask: torch.Tensor) -> float:
    """By how much `back` lies beside `image` in the mask: least squares on the gradient."""
    smooth, moved = (gaussian_blur(planes.mean(-1).unsqueeze(1), 1.5) for planes in (image, back))
    inside = mask[0] > 0
    slopes = [torch.gradient(smooth, dim=axis)[0][0][:, inside].flatten().double() for axis in (2, 3)]
    square = torch.stack([torch.stack([(a * b).sum() for b in slopes]) for a in slopes])
    right = torch.stack([((moved - smooth)[0][:, inside].flatten() * slope).sum() for slope in slopes])
    return float((torch.linalg.pinv(square) @ right).norm())


def check_identity(image: torch.Tensor, mask: torch.Tensor, **options: object) -> None:
    crop = crop_for_inpainting(image, mask, **options)
    back = stitch_inpainted(crop.stitch, crop.image)
    assert not ((back != image).any(-1) & (mask == 0)).any()
    x0, y0, x1, y1 = crop.stitch.boxes[0]
    window = slice(None), slice(max(y0, 0), y1), slice(max(x0, 0), x1)
    image, back, mask = image[window], back[window], mask[window]
    inside = (back - image)[mask > 0]
    if (x1 - x0, y1 - y0) == (crop.stitch.width, crop.stitch.height):
        assert inside.abs().max() <= 1e-6
    assert inside.mean().abs() < 0.1 / 255
    if min(x1 - x0, y1 - y0) > 8 and int((mask > 0).sum()) > 500:
        assert shift_px(image, back, mask) < 0.05
    if crop.stitch.width >= x1 - x0 and crop.stitch.height >= y1 - y0:
        assert -10 * math.log10(float(inside.square().mean()) + 1e-12) >= 50


CASES = [((1003, 777), "in the middle"), *(((64, 64), name) for name in MASKS)]


@pytest.mark.parametrize(("size", "name"), CASES)
@pytest.mark.parametrize("target", TARGETS)
def test_an_untouched_crop_comes_back_as_it_was(target, size, name):
    check_identity(photo(*size), mask_of(name, *size), target=target)


@pytest.mark.parametrize("name", ["in the corner", "thin", "full"])
@pytest.mark.parametrize("target", ["as is", "FLUX Kontext"])
def test_it_does_at_an_odd_size_with_any_mask(target, name):
    check_identity(photo(1003, 777), mask_of(name, 1003, 777), target=target)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("leave_frame", LEAVE_FRAME)
@pytest.mark.parametrize("target", ["as is", "FLUX Kontext", "custom"])
def test_whether_it_leaves_the_frame_or_not(target, leave_frame, name):
    check_identity(photo(231, 174), mask_of(name, 231, 174), target=target, leave_frame=leave_frame, multiple=32)


@pytest.mark.parametrize("target", ["as is", "SDXL"])
def test_large_pictures_too(target):
    image = photo(256, 256).repeat(1, 16, 12, 1)
    mask = torch.zeros(1, 4096, 3072)
    mask[0, 3400:, 2400:2800] = 1
    check_identity(image, mask, target=target)


@pytest.mark.parametrize("target", TARGETS)
def test_an_empty_mask_changes_nothing_whatever_comes_back(target):
    image = photo(150, 90)
    crop = crop_for_inpainting(image, torch.zeros(1, 150, 90), target=target, fill="noise", leave_frame="for context")
    assert not crop.hard_mask.any() and not crop.noise_mask.any() and torch.equal(crop.agnostic, crop.image)
    assert torch.equal(stitch_inpainted(crop.stitch, torch.rand_like(crop.image)), image)


@pytest.mark.parametrize("frames", FRAME_POLICIES)
@pytest.mark.parametrize("target", ["as is", "SD 1.5"])
def test_pictures_of_a_batch_come_back_whatever_way_their_boxes_go(target, frames):
    image = photo(120, 200).repeat(4, 1, 1, 1)
    mask = torch.zeros(4, 120, 200)
    for index in range(3):  # the last has none
        mask[index, 30:80, 10 + 50 * index : 50 + 50 * index] = 1
    crop = crop_for_inpainting(image, mask, target=target, frames=frames)
    back = stitch_inpainted(crop.stitch, crop.image)
    assert torch.equal(back[mask == 0], image[mask == 0])
    assert (back - image).abs().max() < (0.02 if target == "SD 1.5" else 1e-6)
