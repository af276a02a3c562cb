"""Where a person stands in a picture and how much of the body is in it, from colours and a body prior alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..resampling import resize_planes
from .body_prior import BodyPrior, place_maps
from .color_model import colour_memberships, learn_parts

# The search works on a picture this small: a head is still a few pixels.
SEARCH_SIDE_PX = 72
SEARCH_COLOURS = 24
SEARCH_ROUNDS = 3
# Never quite sure of person or background, however clear the prior.
SEARCH_FLOOR = 0.02
# Height of a full figure over its box's width: median and spread (of the logarithm) over the labelled photos.
FULL_ASPECT = 3.3
ASPECT_SPREAD = 0.16
ASPECT_WEIGHT = 0.1
# Share of the body that is in the picture -> what that costs in log evidence (fitted with CENTRE_COST on training
# photos cut at random): a larger area explains colours more easily, so the closer view must earn its place.
VISIBLE_COSTS = {1.0: 0.0, 0.75: 0.3, 0.5: 0.6, 0.3: 0.9}
# Photographers turn the camera for whole figures: pictures of at most the first height over width pay only this share
# of those costs, from the second on the whole.
COST_ASPECTS = (1.2, 1.7)
SQUARE_COST_SHARE = 0.3
# Cost of standing off the middle, per square of the distance as a share of the width.
CENTRE_COST = 8.0
# Below this many nats per pixel nothing separates from the background: soft noise reaches .03, photos have over .06.
MIN_EVIDENCE = 0.045

# A picture without a single edge (a plain wall, a gradient) shows nobody: the contrast between neighbouring pixels of
# the small picture, in any channel, that one in a hundred must pass. A smooth fall from white to black has .014 to .03.
EDGE_SHARE = 0.99
MIN_EDGE = 0.04

# What is tried: the visible height as a share of the picture's, the upper edge, the middle.
FULL_HEIGHTS = (0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93)
FULL_TOPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
CUT_HEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.88, 0.95)
MIDDLES = tuple(0.2 + 0.05 * step for step in range(13))
# So many of each visible share are looked at part by part after the quick search for a person.
FINALISTS = 3
# Steps of the local search, as shares of the box: first round, second round.
NUDGES = (0.08, 0.04)


@dataclass(frozen=True)
class Body:
    """box: of the whole body in pixels, reaching beyond the picture where that cuts it; visible: share that is in it.

    evidence: nats per pixel by which the person separates from the background.
    """

    box: tuple[float, float, float, float]
    visible: float
    evidence: float


def find_body(image: Tensor, prior: BodyPrior) -> Body | None:
    """The likeliest body in a picture ``[H,W,3]``, or None where nothing separates from the background."""
    height, width = image.shape[:2]
    search = _Search(image, prior)
    table = _hypotheses(height / width).to(image.device)
    boxes, visible = search.pixels(table[:, :4]), table[:, 4]
    off_middle = (table[:, 0] + table[:, 2]) / 2 - 0.5
    quick = search.person_evidence(boxes).log() - CENTRE_COST * off_middle**2
    finalists = torch.cat([
        quick.masked_fill((visible - share).abs() > 1e-3, -math.inf).topk(FINALISTS).indices for share in VISIBLE_COSTS
    ])  # fmt: skip
    boxes, visible, off_middle = boxes[finalists], visible[finalists], off_middle[finalists]
    costs = _visible_costs(visible) * _cost_share(height / width) + CENTRE_COST * off_middle**2
    best = int((search.support(boxes) - costs).argmax())
    box, share = boxes[best], float(visible[best])
    for step in NUDGES:
        nudged = _nudge(box, step, share < 1)
        box = nudged[int(search.support(nudged).argmax())]
    return _body(search, box, share)


def complete_body(image: Tensor, box: Sequence[float], prior: BodyPrior) -> Body | None:
    """The body whose visible part fills a given box (pixels) of a picture ``[H,W,3]``; None as `find_body`.

    How much is visible is weighed by the box's aspect and by the colours.
    """
    search = _Search(image, prior)
    corners = torch.tensor([box], device=image.device, dtype=torch.float32)
    corners = search.pixels(corners / corners.new_tensor([image.shape[1], image.shape[0]] * 2))
    visible = torch.tensor(tuple(VISIBLE_COSTS), device=image.device)
    boxes = corners.repeat(len(visible), 1)
    boxes[:, 3] = boxes[:, 1] + (boxes[:, 3] - boxes[:, 1]) / visible
    aspect = (boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0]) / FULL_ASPECT
    costs = _visible_costs(visible) + ASPECT_WEIGHT * (aspect.log() / ASPECT_SPREAD) ** 2 / 2
    best = int((search.support(boxes) - costs).argmax())
    return _body(search, boxes[best], float(visible[best]))


class _Search:
    """A small picture whose colours are known, and the evidence for bodies in it."""

    def __init__(self, image: Tensor, prior: BodyPrior) -> None:
        self.full_height, self.full_width = image.shape[:2]
        shrink = min(1.0, SEARCH_SIDE_PX / max(image.shape[:2]))
        self.height, self.width = (max(1, round(side * shrink)) for side in image.shape[:2])
        small = resize_planes(image.permute(2, 0, 1).unsqueeze(0), self.height, self.width).clamp(0, 1)
        small = small[0].permute(1, 2, 0)
        self.edge = _typical_edge(small)
        self.memberships = colour_memberships(small, SEARCH_COLOURS)
        self.mean = prior.mean().to(image.device)
        self.prior = prior

    def pixels(self, shares: Tensor) -> Tensor:
        """Boxes given as shares of the picture, in pixels of the small one."""
        return shares * shares.new_tensor([self.width, self.height] * 2)

    def person_evidence(self, boxes: Tensor) -> Tensor:
        """The evidence ``[N]`` for persons in `boxes` ``[N,4]`` (pixels of the small picture); positive."""
        return self._evidence(self.mean.sum(1, keepdim=True), boxes)

    def support(self, boxes: Tensor) -> Tensor:
        """The mean of the log evidence for a person and for the body's parts, ``[N]``."""
        return (self.person_evidence(boxes).log() + self._evidence(self.mean, boxes).log()) / 2

    def _evidence(self, maps: Tensor, boxes: Tensor) -> Tensor:
        planes = place_maps(maps.clamp(0, 1), self.prior.enlarge(boxes), self.height, self.width).flatten(2)
        planes = torch.cat([(1 - planes.sum(1, keepdim=True)).clamp_min(0), planes], dim=1) + SEARCH_FLOOR
        _, evidence = learn_parts(self.memberships, planes / planes.sum(1, keepdim=True), SEARCH_ROUNDS)
        return evidence.clamp_min(torch.finfo(torch.float32).tiny)


def _body(search: _Search, box: Tensor, visible: float) -> Body | None:
    evidence = float(search.person_evidence(box.unsqueeze(0)))
    if evidence < MIN_EVIDENCE or search.edge < MIN_EDGE:
        return None
    across, down = search.full_width / search.width, search.full_height / search.height
    x0, y0, x1, y1 = (float(value) for value in box)
    return Body((x0 * across, y0 * down, x1 * across, y1 * down), visible, evidence)


def _typical_edge(image: Tensor) -> float:
    if min(image.shape[:2]) < 2:
        return 0.0
    across = (image[1:, 1:] - image[1:, :-1]).abs()
    down = (image[1:, 1:] - image[:-1, 1:]).abs()
    return float(torch.maximum(across, down).amax(-1).flatten().quantile(EDGE_SHARE))


def _visible_costs(visible: Tensor) -> Tensor:
    costs = torch.zeros_like(visible)
    for share, cost in VISIBLE_COSTS.items():
        costs[(visible - share).abs() < 1e-3] = cost
    return costs


def _cost_share(aspect: float) -> float:
    low, high = COST_ASPECTS
    tall = min(1.0, max(0.0, (aspect - low) / (high - low)))
    return SQUARE_COST_SHARE + (1 - SQUARE_COST_SHARE) * tall


def _hypotheses(aspect: float) -> Tensor:
    """Boxes of whole bodies as shares of a picture of this height over width, and their visible share: ``[N,5]``."""
    rows: list[tuple[float, ...]] = []
    for visible in VISIBLE_COSTS:
        stands = [(top, tall) for tall in FULL_HEIGHTS for top in FULL_TOPS if top + tall <= 1]
        if visible < 1:
            stands = [(1 - tall, tall) for tall in CUT_HEIGHTS]
        for top, tall in stands:
            whole = tall / visible
            half = whole * aspect / FULL_ASPECT / 2
            rows += [(middle - half, top, middle + half, top + whole, visible) for middle in MIDDLES]
    return torch.tensor(rows)


def _nudge(box: Tensor, step: float, cut: bool) -> Tensor:
    """The box and its neighbours ``[N,4]``: moved, widened and lengthened by `step`."""
    x0, y0, x1, y1 = (float(value) for value in box)
    width, height = x1 - x0, y1 - y0
    changes = (-step, 0.0, step)
    rows: list[tuple[float, ...]] = []
    for shift in changes:
        for rise in changes:
            for wide in changes:
                for tall in changes:
                    half = width * math.exp(2 * wide) / 2
                    middle = (x0 + x1) / 2 + shift * width
                    top = y0 + rise * height / (3 if cut else 1)
                    rows.append((middle - half, top, middle + half, top + height * math.exp(tall)))
    return box.new_tensor(rows)
