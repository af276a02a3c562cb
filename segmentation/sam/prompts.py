"""What a SAM is asked about a garment: its box, points inside it, points on what it is not, and its rough mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import nearest_pixels
from ..edges import enlarge
from ..garments import Box
from ..part_masks import PartMasks
from .frame import Frame, grow_box
from .model import Prompts

# Points are looked for in a picture reduced to this longer side.
WORK_SIDE_PX = 384
# From here on a mask is sure, and up to here it is surely none.
SURE, NONE = 0.8, 0.2
# At most so many points inside; each further one at least half as deep as the first and this many depths away from it.
INSIDE, NEXT_DEPTH, NEXT_AWAY = 3, 0.5, 1.5
# A point on what the garment is not lies at least so deep in it, in work px; at most so many per garment.
LEAST_DEPTH, OUTSIDE = 1.5, 8
# Parts of the body that are no part of a garment, and how many points each may get.
PARTS = {"hands": 2, "face": 1, "hair": 2}
# Boxes are grown by this share on each side, at least one cell of the mask.
BOX_SHARE = 0.03
# Logits of a sure mask; what SAM itself gives for sure pixels is about as large.
SURE_LOGIT = 10.0


@dataclass(frozen=True)
class Target:
    """One thing to mask anew: mask ``[H,W]``, float32, its box, and places ``[N,2]`` in px inside and beside it."""

    mask: Tensor
    box: Box
    inside: Tensor
    outside: Tensor


class Surroundings:
    """What lies in one picture beside a garment: body parts and other garments, reduced, where points are found."""

    def __init__(self, size: tuple[int, int], parts: Mapping[str, Tensor], image: int, device: torch.device) -> None:
        self.size = size
        scale = min(1.0, WORK_SIDE_PX / max(size))
        self.work = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        found = ((name, _part_plane(parts, name, image, self.work)) for name in PARTS)
        self.parts = {name: plane.to(device) for name, plane in found if plane is not None}

    def reduce(self, mask: Tensor) -> Tensor:
        """A mask ``[H,W]`` at the size at which points are looked for."""
        if tuple(mask.shape) == self.work:
            return mask
        return functional.interpolate(mask[None, None], self.work, mode="bilinear", antialias=True)[0, 0]

    def target(self, mask: Tensor, box: Box, own: Tensor, others: Iterable[Tensor]) -> Target:
        """What to ask about a mask ``[H,W]`` in its box. own: the mask, reduced; others: other garments', reduced."""
        inside = deepest_points(own >= SURE, INSIDE)
        near = self._near(box, own.device) & (own <= NONE)
        beside = [self._deep((other >= SURE) & near, 1) for other in others]
        beside += [self._deep((plane >= SURE) & near, PARTS[name]) for name, plane in self.parts.items()]
        outside = torch.cat([own.new_zeros((0, 2)), *beside])[:OUTSIDE]
        return Target(mask, box, self._places(inside), self._places(outside))

    def _deep(self, region: Tensor, count: int) -> Tensor:
        return deepest_points(region, count, least=LEAST_DEPTH)

    def _near(self, box: Box, device: torch.device) -> Tensor:
        """Where the box, grown, lies at the reduced size."""
        x0, y0, x1, y1 = grow_box(box, 2 * BOX_SHARE, 0.0, self.size)
        down, across = self.work[0] / self.size[0], self.work[1] / self.size[1]
        near = torch.zeros(self.work, dtype=torch.bool, device=device)
        near[int(y0 * down) : int(y1 * down) + 1, int(x0 * across) : int(x1 * across) + 1] = True
        return near

    def _places(self, points: Tensor) -> Tensor:
        """Reduced pixels, column and row, as places in the picture."""
        scale = points.new_tensor((self.size[1] / self.work[1], self.size[0] / self.work[0]))
        return (points + 0.5) * scale


def _part_plane(parts: Mapping[str, Tensor], name: str, image: int, work: tuple[int, int]) -> Tensor | None:
    """A body part of one picture at the reduced size; parts that are still small are not brought to full size first."""
    if not isinstance(parts, PartMasks):
        if name not in parts:
            return None
        whole = parts[name][image].float()
        return functional.interpolate(whole[None, None], work, mode="bilinear", antialias=True)[0, 0]
    plane = torch.zeros(work, device=parts.device)
    down, across = work[0] / parts.shape[1], work[1] / parts.shape[2]
    for person in parts.persons:
        x0, y0, x1, y1 = person.frame
        rows = slice(round(y0 * down), max(round(y1 * down), round(y0 * down) + 1))
        columns = slice(round(x0 * across), max(round(x1 * across), round(x0 * across) + 1))
        spot = plane[rows, columns]
        if person.image == image and spot.numel():
            torch.maximum(spot, enlarge(person.planes[name].float(), spot.shape), out=spot)
    return plane


def deepest_points(region: Tensor, count: int, *, least: float = 0.0) -> Tensor:
    """The pixels ``[N,2]``, column and row, N <= count, that lie deepest in a region ``[h,w]`` (bool), well apart.

    The frame counts as its rim. least: depth in px that a point must have.
    """
    places: list[tuple[int, int]] = []
    padded = functional.pad(region, (1, 1, 1, 1)).unsqueeze(0)
    squares = nearest_pixels(~padded, padded)[1] if bool(region.any()) else None
    if squares is not None:
        depth = torch.zeros_like(region, dtype=torch.float32)
        depth[region] = squares.float().sqrt()
        rows, columns = (torch.arange(side, device=region.device) for side in region.shape)
        first = float(depth.max())
        while len(places) < count:
            deepest = int(depth.argmax())
            row, column = divmod(deepest, region.shape[1])
            if float(depth[row, column]) < max(least, NEXT_DEPTH * first):
                break
            places.append((column, row))
            away = (rows - row).square().unsqueeze(1) + (columns - column).square()
            depth[away <= (NEXT_AWAY * first) ** 2] = 0
    return torch.tensor(places, dtype=torch.float32, device=region.device).reshape(-1, 2)


def make_prompts(frame: Frame, targets: Sequence[Target], shares: Tensor, size: tuple[int, int]) -> Prompts:
    """The prompts about some targets in one encoded frame. shares: their masks ``[N,1,g,g]`` by `Frame.cells`."""
    cell = frame.cell_px / min(frame.scale)
    boxes = [grow_box(target.box, BOX_SHARE, cell, size) for target in targets]
    corners = frame.places(shares.new_tensor(boxes).view(-1, 2, 2)).clamp(0, frame.side)
    most = max(len(target.inside) + len(target.outside) for target in targets)
    points, marks = shares.new_zeros((len(targets), most, 2)), shares.new_full((len(targets), most), -1.0)
    for number, target in enumerate(targets):
        given = torch.cat((target.inside, target.outside))
        points[number, : len(given)] = frame.places(given)
        marks[number, : len(target.inside)] = 1
        marks[number, len(target.inside) : len(given)] = 0
    return Prompts(corners.flatten(1), points, marks, (shares * 2 - 1) * SURE_LOGIT)
