"""How far the border of a YOLO's mask is from where the network saw it: ours, and two usual ways back.

    python benchmarks/yolo_borders.py

The network's part is exact: the prototype of a rectangle is the signed distance from its edges at the middle of each
cell, which bilinear reading restores wherever it is read. So all that is measured is the way from the frame to the
picture, for rectangles whose edges lie at many places. The two others are written from descriptions of what leading
packs do, both with masks at the size of the frame, cut at logit 0, that are then stretched over the picture:

- cut by aspect: along one axis (difference of the aspects of frame and picture) x side is cut off at each end first.
- stretched: the padding stays in.

Figures are the largest error of an edge in px of the picture, along the axis that is padded and the other one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.garments import mask_box
from hemline.segmentation.yolo.instance_masks import prototype_masks
from hemline.segmentation.yolo.letterbox import Letterbox, fit_letterbox

SIZES = ((1500, 1000), (1152, 896), (1080, 1920), (1024, 1024), (777, 1003))
LONG_SIDE, STRIDE, CELL, SURE = 640, 32, 4, 8.0
# Edges as shares of the picture; the last reach near its end, where the padding tells most.
SHARES = ((0.2, 0.15, 0.71, 0.83), (0.02, 0.03, 0.97, 0.98), (0.05, 0.4, 0.33, 0.97), (0.45, 0.02, 0.96, 0.5))


def prototypes_of(frame_box: Tensor, box: Letterbox) -> Tensor:
    """Signed distances ``[1,h,w]``, px of the frame, inside positive."""
    x0, y0, x1, y1 = frame_box
    x, y = ((torch.arange(side // CELL) + 0.5) * CELL for side in (box.frame_width, box.frame_height))
    across, down = torch.minimum(x - x0, x1 - x), torch.minimum(y - y0, y1 - y)
    return torch.minimum(across, down.unsqueeze(1)).unsqueeze(0)


def ours(prototypes: Tensor, boxes: Tensor, box: Letterbox) -> Tensor:
    (patch,) = prototype_masks(torch.full((1, 1), SURE), prototypes, boxes, box)
    return patch.whole(box.height, box.width)


def at_frame(prototypes: Tensor, box: Letterbox) -> Tensor:
    size = (box.frame_height, box.frame_width)
    return (functional.interpolate(prototypes.unsqueeze(0), size, mode="bilinear") > 0).float()


def stretched(prototypes: Tensor, box: Letterbox) -> Tensor:
    return functional.interpolate(at_frame(prototypes, box), (box.height, box.width), mode="bilinear")[0, 0]


def cut_by_aspect(prototypes: Tensor, box: Letterbox) -> Tensor:
    mask = at_frame(prototypes, box)
    tall, wide = box.frame_height, box.frame_width
    rows = max(0, int((tall / wide - box.height / box.width) * tall))
    columns = max(0, int((wide / tall - box.width / box.height) * wide))
    mask = mask[..., rows : tall - rows, columns : wide - columns]
    return functional.interpolate(mask, (box.height, box.width), mode="bilinear")[0, 0]


def errors(mask: Tensor, wanted: Tensor) -> tuple[float, float]:
    """The largest error across and down, px."""
    found = torch.tensor(mask_box(mask) or (0.0,) * 4)
    apart = (found - wanted).abs()
    return float(apart[::2].max()), float(apart[1::2].max())


def main() -> None:
    print(f"{'picture':12}" + "".join(f"{name:>24}" for name in ("ours", "cut by aspect", "stretched")))
    for height, width in SIZES:
        box = fit_letterbox(height, width, LONG_SIDE, STRIDE)
        worst = torch.zeros(3, 2)
        for shares in SHARES:
            wanted = (torch.tensor(shares) * torch.tensor((width, height) * 2)).round()
            prototypes = prototypes_of(box.to_frame(wanted), box)
            ways = (
                ours(prototypes, wanted.unsqueeze(0), box),
                cut_by_aspect(prototypes, box),
                stretched(prototypes, box),
            )
            worst = torch.maximum(worst, torch.tensor([errors(way, wanted) for way in ways]))
        shown = "".join(f"{f'{across:.0f} x {down:.0f} px':>24}" for across, down in worst.tolist())
        print(f"{width}x{height}".ljust(12) + shown)


if __name__ == "__main__":
    main()
