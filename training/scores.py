"""What a parser's labels are worth: confusion over a whole data set, and figures per photo."""

from __future__ import annotations

import torch
from ccp import IGNORED
from losses import GARMENT_IDS
from torch import Tensor

from hemline.segmentation.parser import CLASSES

GARMENT_CLASSES = tuple(CLASSES[number] for number in GARMENT_IDS)
# A boundary counts as found within this share of the picture's diagonal (Csurka et al., BMVC 2013).
BOUNDARY_SHARE = 0.0075


def confusion(found: Tensor, wanted: Tensor) -> Tensor:
    """Pixels by wanted and found class, float64 ``[classes,classes]``; ignored pixels are left out."""
    count = len(CLASSES)
    valid = wanted != IGNORED
    pairs = wanted[valid].long() * count + found[valid].long()
    return torch.bincount(pairs, minlength=count * count).reshape(count, count).double()


def class_ious(table: Tensor) -> dict[str, float]:
    """The intersection over union of each class over the whole data set; NaN where it neither is nor was found."""
    both = table.diagonal()
    either = table.sum(0) + table.sum(1) - both
    return {name: float(both[i] / either[i]) if either[i] else float("nan") for i, name in enumerate(CLASSES)}


def mean_iou(ious: dict[str, float], names: tuple[str, ...]) -> float:
    """The mean over the named classes, those that never occur left out."""
    values = torch.tensor([ious[name] for name in names])
    return float(values.nanmean())


def is_garment(labels: Tensor) -> Tensor:
    """Where labels of the parser's order are garments, bool."""
    return torch.isin(labels, torch.tensor(GARMENT_IDS, dtype=labels.dtype, device=labels.device))


def mask_iou(found: Tensor, wanted: Tensor) -> float:
    """The intersection over union of two bool masks; NaN where both are empty."""
    either = int((found | wanted).sum())
    return int((found & wanted).sum()) / either if either else float("nan")


def boundary_score(found: Tensor, wanted: Tensor) -> float:
    """The F measure of the outlines of two bool masks ``[H,W]`` within `BOUNDARY_SHARE` of the diagonal."""
    height, width = found.shape
    radius = max(1, round(BOUNDARY_SHARE * (height**2 + width**2) ** 0.5))
    ours, theirs = _outline(found), _outline(wanted)
    precision = float((ours & _near(theirs, radius)).sum() / ours.sum().clamp_min(1))
    recall = float((theirs & _near(ours, radius)).sum() / theirs.sum().clamp_min(1))
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _outline(mask: Tensor) -> Tensor:
    """The pixels of the mask that have a side in common with the rest."""
    padded = torch.nn.functional.pad(mask.float()[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    least = torch.minimum(padded[1:-1, :-2], padded[1:-1, 2:])
    least = torch.minimum(least, torch.minimum(padded[:-2, 1:-1], padded[2:, 1:-1]))
    return mask & (least == 0)


def _near(outline: Tensor, radius: int) -> Tensor:
    """Pixels within a disc of `radius` about the outline, row by row of the disc."""
    planes = outline.float()[None, None]
    near = torch.zeros_like(outline)
    for down in range(-radius, radius + 1):
        across = int((radius**2 - down**2) ** 0.5)
        wide = torch.nn.functional.max_pool2d(planes, (1, 2 * across + 1), stride=1, padding=(0, across))[0, 0] > 0
        rows = slice(max(0, down), outline.shape[0] + min(0, down))
        source = slice(max(0, -down), outline.shape[0] - max(0, down))
        near[rows] |= wide[source]
    return near
