"""What a crop loses on its way there and back, untouched, for every target: PSNR, shift, tone.

    python benchmarks/identity.py [PHOTO]

The photo, or a drawn picture, at three sizes; masks in the middle, at the frame, thin and full. Inside the mask: PSNR,
the shift by which the picture comes back (least squares on its gradient, in px) and the mean error (of 255). Outside it
every pixel must be the same bit for bit, or the script ends with an error.
"""

from __future__ import annotations

import math
import sys

import torch
from torch import Tensor

from hemline.blending.crop import TARGETS, crop_for_inpainting
from hemline.blending.stitch import stitch_inpainted
from hemline.hosts.pictures import load_image
from hemline.kernels import gaussian_blur
from hemline.resampling import resize_planes
from hemline.segmentation.shape import feather_mask

SIZES = ((1003, 777), (64, 64), (4096, 3072))
# Shares of the picture: x0, y0, x1, y1.
MASKS = {
    "middle": (0.3, 0.2, 0.7, 0.8),
    "at the frame": (0.6, 0.5, 1.0, 1.0),
    "thin": (0.49, 0.1, 0.5, 0.9),
    "full": (0.0, 0.0, 1.0, 1.0),
}


def drawn(height: int, width: int) -> Tensor:
    """A picture with the fine and coarse detail of a photo: noise of several scales."""
    generator = torch.Generator().manual_seed(0)
    planes = torch.zeros(1, 3, height, width)
    for sigma, share in ((0.7, 0.35), (3.0, 1.0), (12.0, 3.0)):
        planes += share * (gaussian_blur(torch.rand(planes.shape, generator=generator), sigma) - 0.5) * sigma
    return (planes / (4 * planes.std()) + 0.5).clamp(0, 1).permute(0, 2, 3, 1)


def picture_of(photo: Tensor | None, height: int, width: int) -> Tensor:
    """The photo scaled to fill the size and cut to it."""
    if photo is None:
        return drawn(height, width)
    scale = max(height / photo.shape[1], width / photo.shape[2])
    rows, columns = math.ceil(photo.shape[1] * scale), math.ceil(photo.shape[2] * scale)
    return resize_planes(photo.permute(0, 3, 1, 2), rows, columns)[..., :height, :width].clamp(0, 1).permute(0, 2, 3, 1)


def mask_of(name: str, height: int, width: int) -> Tensor:
    x0, y0, x1, y1 = MASKS[name]
    mask = torch.zeros(1, height, width)
    left, top = round(x0 * width), round(y0 * height)
    mask[:, top : max(top + 1, round(y1 * height)), left : max(left + 1, round(x1 * width))] = 1
    return feather_mask(mask, 12) if name != "full" else mask


def measure(image: Tensor, back: Tensor, mask: Tensor) -> tuple[float, float, float]:
    """PSNR in dB, shift in px and mean error of 255, where the mask is."""
    inside = (mask > 0)[0]
    error = (back - image)[0][inside]
    psnr = -10 * math.log10(float(error.square().mean()) + 1e-14)
    planes = gaussian_blur(image.permute(0, 3, 1, 2), 1.0)
    moved = gaussian_blur((back - image).permute(0, 3, 1, 2), 1.0)
    across = torch.gradient(planes, dim=3)[0][0].permute(1, 2, 0)[inside].flatten().double()
    down = torch.gradient(planes, dim=2)[0][0].permute(1, 2, 0)[inside].flatten().double()
    difference = moved[0].permute(1, 2, 0)[inside].flatten().double()
    slopes = torch.stack((across, down, torch.ones_like(down)), 1)
    square = slopes.T @ slopes + 1e-9 * torch.eye(3, dtype=torch.float64)
    shift = torch.linalg.solve(square, slopes.T @ difference)[:2]
    return psnr, float(shift.norm()), float(error.double().mean().abs()) * 255


def main() -> None:
    torch.set_num_threads(1)
    photo = None
    if len(sys.argv) > 1:
        photo = load_image(sys.argv[1]).image
    write = sys.stdout.write
    for height, width in SIZES:
        image = picture_of(photo, height, width)
        for name in MASKS:
            mask = mask_of(name, height, width)
            write(f"\n{width}x{height}, mask {name}\n| target | box -> crop | PSNR dB | shift px | mean error /255 |\n")
            for target in TARGETS:
                crop = crop_for_inpainting(image, mask, target=target)
                back = stitch_inpainted(crop.stitch, crop.image)
                if not torch.equal(back[mask == 0], image[mask == 0]):
                    sys.exit(f"{target}: a pixel outside the mask has changed")
                psnr, shift, tone = measure(image, back, mask)
                x0, y0, x1, y1 = crop.stitch.boxes[0]
                size = f"{x1 - x0}x{y1 - y0} -> {crop.stitch.width}x{crop.stitch.height}"
                write(f"| {target} | {size} | {psnr:.1f} | {shift:.4f} | {tone:.4f} |\n")


if __name__ == "__main__":
    main()
