"""What the widget of Preview & Compare is sent: reduced pictures, and outlines as shares of the picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..blending.placement import place_layer
from ..segmentation.polygons import garment_outlines
from ..segmentation.vocabulary import LEGEND
from ..tensors import resize_mask
from .compare_scene import Scene

# The longer side of what the browser is sent. Long batches get smaller pictures, so that all together stay below the
# budget, but never smaller than the least.
PROXY_PX, LEAST_PX = 2048, 512
BUDGET_PX = 2**25
# Outlines are found on a reduction and told in steps of 1 / UNIT of the picture's width and height.
OUTLINE_PX, UNIT = 1024, 10_000
# A mask whose border is longer than this, in px of that reduction, is noise: its outline would cover everything.
LONGEST_BORDER_PX = 60_000
MOST_GARMENTS = 254

Outlines = list[list[int]]


def make_proxies(scene: Scene) -> dict[str, Tensor]:
    """A, B, mask and garments as pictures of one size, "a", "b", "mask", "garments"; batches of 1 stay such.

    garments: red the number of the garment, from 1 on, green what lies there by `LEGEND`, both in steps of 1/255.
    """
    height, width = scene.first.shape[1:3]
    size = _proxy_size(height, width, _count(scene))
    proxies = {"a": _reduce(scene.first, *size)}
    if scene.second is not None:
        proxies["b"] = _reduce(scene.second, *size)
    if scene.mask is not None:
        proxies["mask"] = resize_mask(scene.mask, *size).unsqueeze(-1).expand(-1, -1, -1, 3)
    if scene.garments is not None:
        indices = range(scene.garments.batch)
        proxies["garments"] = torch.stack([_garment_map(scene, index, size) for index in indices])
    return proxies


def reduce_image(image: Tensor) -> Tensor:
    """The pictures no larger than the browser is sent them."""
    return _reduce(image, *_proxy_size(image.shape[1], image.shape[2], len(image)))


def make_outlines(scene: Scene) -> dict[str, object]:
    """Outlines of mask and garments by picture, flat lists x, y, x, y of shares times `UNIT`, and `LEGEND`.

    Lists of 1 count for every picture. A mask that is all border has none.
    """
    masks = [] if scene.mask is None else [_outlines(mask) for mask in scene.mask]
    batch = 0 if scene.garments is None else scene.garments.batch
    garments = [[_outlines(item.mask) for item in scene.items(index)] for index in range(batch)]
    return {"unit": UNIT, "mask": masks, "garments": garments, "legend": LEGEND}


def _count(scene: Scene) -> int:
    return sum(len(tensor) for tensor in (scene.first, scene.second) if tensor is not None)


def _proxy_size(height: int, width: int, count: int) -> tuple[int, int]:
    longest = max(height, width)
    budget = (BUDGET_PX / count / (height * width)) ** 0.5 * longest
    scale = min(1.0, max(min(PROXY_PX, budget), LEAST_PX) / longest)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _reduce(image: Tensor, height: int, width: int) -> Tensor:
    if tuple(image.shape[1:3]) == (height, width):
        return image
    return place_layer(image, height, width, fit="stretch", offset=(0, 0), premultiplied=False).layer


def _garment_map(scene: Scene, index: int, size: tuple[int, int]) -> Tensor:
    """Which garment lies where, ``[h,w,3]``: of several the one with the highest value, of equal ones the smallest."""
    items, garments = scene.items(index)[:MOST_GARMENTS], scene.garments
    number, highest = torch.zeros(size), torch.full(size, 0.5)
    by_area = sorted(enumerate(items, start=1), key=lambda entry: -float(entry[1].mask.sum()))
    for at, item in by_area:
        values = resize_mask(item.mask.float().cpu().unsqueeze(0), *size)[0]
        above = values >= highest
        number, highest = torch.where(above, float(at), number), torch.where(above, values, highest)
    legend = torch.zeros(size)
    if garments is not None and garments.labels is not None:
        labels = garments.labels[min(index, len(garments.labels) - 1)].cpu()
        legend = functional.interpolate(labels[None, None].float(), size, mode="nearest-exact")[0, 0]
    return torch.stack([number, legend, torch.zeros(size)], dim=-1) / 255


def _outlines(mask: Tensor) -> Outlines:
    height, width = mask.shape
    scale = min(1.0, OUTLINE_PX / max(height, width))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    reduced = resize_mask(mask.float().cpu().unsqueeze(0), rows, columns)[0]
    inside = (reduced >= 0.5).to(torch.int8)
    if int(inside.diff(dim=0).abs().sum() + inside.diff(dim=1).abs().sum()) > LONGEST_BORDER_PX:
        return []
    shares = (UNIT / columns, UNIT / rows)
    return [
        [round(value * share) for point in outline for value, share in zip(point, shares, strict=True)]
        for outline in garment_outlines(reduced)
    ]
