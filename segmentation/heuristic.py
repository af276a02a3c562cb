"""Garments found without any model: a body prior laid on a person's box, sharpened by the picture's own colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..resampling import resize_planes
from ..tensors import as_image
from .body_prior import GROUPS, BodyPrior, load_body_prior, place_maps
from .box_text import check_person_boxes
from .color_model import colour_memberships, learn_parts
from .garments import Box, Garment, Garments, mask_box, name_pictures
from .person_box import Body, complete_body, find_body
from .refine import refine_edges

METHOD = "heuristic"
LABELS = ("upper", "lower", "footwear")
PARTS = ("hair", "skin")

# The whole body's longer side is brought to this many pixels; finer, colours only get noisier.
WORK_SIDE_PX = 224
WORK_COLOURS = 48
WORK_ROUNDS = 6
# No part is impossible anywhere in the person's surroundings.
FLOOR = 0.01
# Nats per pixel are turned into odds between body shapes by this factor: neighbouring pixels say much the same.
SHAPE_SHARPNESS = 80.0
# Between upper and lower garment the soft step is made this much steeper, so that the two meet without a dip.
SPLIT_STEEPNESS = 4.0
# Window and colour variance of the edge filter, in working pixels and squared 0..1 colours.
EDGE_RADIUS_WORK_PX = 2.0
EDGE_EPSILON = 1e-3
# Probabilities become masks by this contrast about one half: below 1/4 nothing, above 3/4 all. A veil of small odds on
# half the picture would stretch every crop, and tint what nobody asked for.
MASK_CONTRAST = 2.0
# A picture with a shorter side than this shows no person.
SMALLEST_SIDE_PX = 24
# A label counts as found from this share of the body's visible box on; less is a speck.
SMALLEST_SHARE = 0.002
# Offset and slope of the IoU to expect over a mask's mean inside: training/fit_heuristic_scores.py, training photos.
SCORE_LINES = {"upper": (-1.55, 2.57), "lower": (-0.85, 1.82), "footwear": (-1.22, 2.29)}
# Without a model nothing is surer than this.
MAX_SCORE = 0.9

NOTES = (
    "No model was used: the masks are a guess from a typical body and the picture's colours; check them.",
    "This method cannot tell a dress from a top with a bottom, or outerwear from what is under it.",
    "Bags, hats, scarves and accessories are not looked for.",
)
NOTHING = "No person stands out from the background{where}; give a person box or a model."


def detect_garments(
    image: Tensor, *, person_boxes: Sequence[Sequence[Box]] | None = None,
    check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Garments:  # fmt: skip
    """The garments "upper", "lower" and "footwear" of each person, and soft "hair" and "skin"; possibly nothing.

    image: ``[B,H,W,3|4]``, 0..1; alpha is ignored. person_boxes: for each picture the boxes of its persons in pixels;
    where it is None or has none for a picture, one person is looked for. Masks are float32 on the image's device; the
    score is about the intersection over union to be expected. progress is called with (pictures done, pictures).
    Raises `ShapeError` for something that is no image, and for boxes for another number of pictures.
    """
    image = as_image(image)
    batch, height, width = image.shape[:3]
    check_person_boxes(person_boxes, batch)
    parts = {name: torch.zeros((batch, height, width), device=image.device) for name in PARTS}
    items: list[Garment] = []
    missed: list[int] = []
    for index in range(batch):  # each picture has a palette and a crop size of its own
        check_cancelled()
        found = _detect_in_picture(image[index, ..., :3], person_boxes[index] if person_boxes else (), index, parts)
        items += found
        missed += [] if found else [index]
        progress(index + 1, batch)
    notes = NOTES if items else ()
    if missed:
        notes = (NOTHING.format(where=name_pictures(missed, batch)), *notes)
    return Garments(width, height, batch, tuple(items), METHOD, parts, notes)


def _detect_in_picture(picture: Tensor, boxes: Sequence[Box], index: int, parts: dict[str, Tensor]) -> list[Garment]:
    """The garments in one picture ``[H,W,3]``; the hair and skin found go into `parts`."""
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE_PX:
        return []
    prior = load_body_prior()
    items: list[Garment] = []
    for person, body in enumerate(_find_bodies(picture, boxes, prior)):
        if body is None:
            continue
        window, masks = _segment_body(picture, body, prior)
        x0, y0, x1, y1 = window
        for name in PARTS:
            there = parts[name][index, y0:y1, x0:x1]
            parts[name][index, y0:y1, x0:x1] = torch.maximum(there, masks[name])
        for label in LABELS:
            garment = _garment(label, masks[label], window, (height, width))
            if garment is not None:
                mask, box, score = garment
                items.append(Garment(mask, label, score, box, index, person))
    return items


def _find_bodies(picture: Tensor, boxes: Sequence[Box], prior: BodyPrior) -> list[Body | None]:
    if not boxes:
        return [find_body(_sane(picture), prior)]
    return [_body_in_box(picture, box, prior) for box in boxes]


def _body_in_box(picture: Tensor, box: Box, prior: BodyPrior) -> Body | None:
    """The body in a given box, judged against the surroundings that its prior needs."""
    window = _window(prior.enlarge(torch.tensor(box)), picture)
    x0, y0, x1, y1 = window
    if min(x1 - x0, y1 - y0, box[2] - box[0], box[3] - box[1]) < 2:
        return None
    local = complete_body(_sane(picture[y0:y1, x0:x1]), (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0), prior)
    if local is None:
        return None
    left, top, right, bottom = local.box
    return Body((left + x0, top + y0, right + x0, bottom + y0), local.visible, local.evidence)


def _segment_body(picture: Tensor, body: Body, prior: BodyPrior) -> tuple[tuple[int, int, int, int], dict[str, Tensor]]:
    """The window of the picture around a body and, in it, a soft mask for each of `LABELS` and `PARTS`."""
    frame = prior.enlarge(torch.tensor(body.box, device=picture.device))
    window = _window(frame, picture)
    x0, y0, x1, y1 = window
    crop = _sane(picture[y0:y1, x0:x1])
    longest = float(torch.maximum(frame[2] - frame[0], frame[3] - frame[1])) * body.visible
    shrink = min(1.0, WORK_SIDE_PX / longest)
    height, width = (max(1, round(side * shrink)) for side in crop.shape[:2])
    small = resize_planes(crop.permute(2, 0, 1).unsqueeze(0), height, width)[0].permute(1, 2, 0).clamp(0, 1)
    corner = torch.tensor((x0, y0) * 2, device=picture.device)
    scale = torch.tensor((width / (x1 - x0), height / (y1 - y0)) * 2, device=picture.device)
    groups = _learn_groups(small, (frame - corner) * scale, prior)
    return window, _full_size_masks(crop, groups, radius_px=math.ceil(EDGE_RADIUS_WORK_PX / shrink))


def _learn_groups(small: Tensor, frame: Tensor, prior: BodyPrior) -> Tensor:
    """The probability of each of `GROUPS` in a small picture ``[h,w,3]``: ``[G,h,w]``.

    Every body shape learns by itself; then they are mixed by how common they are and how well they explain the colours.
    """
    height, width = small.shape[:2]
    maps = place_maps(prior.modes.to(small.device), frame.unsqueeze(0), height, width).flatten(2)
    priors = torch.cat([(1 - maps.sum(1, keepdim=True)).clamp_min(0), maps], dim=1) + FLOOR
    priors = priors / priors.sum(1, keepdim=True)
    posteriors, evidence = learn_parts(colour_memberships(small, WORK_COLOURS), priors, WORK_ROUNDS)
    odds = torch.softmax(evidence * SHAPE_SHARPNESS + prior.shares.to(small.device).log(), dim=0)
    return (posteriors * odds.view(-1, 1, 1)).sum(0)[1:].reshape(-1, height, width)


def _full_size_masks(crop: Tensor, groups: Tensor, radius_px: int) -> dict[str, Tensor]:
    """The groups ``[G,h,w]`` at the size of the crop ``[H,W,3]``, their edges laid on its edges."""
    by_name = dict(zip(GROUPS, groups, strict=True))
    cloth = by_name["upper"] + by_name["lower"]
    split = (by_name["upper"] / cloth.clamp_min(1e-6) - 0.5) * SPLIT_STEEPNESS + 0.5
    small = torch.stack([cloth, split.clamp(0, 1), by_name["footwear"], *(by_name[name] for name in PARTS)])
    planes = functional.interpolate(small.unsqueeze(0), crop.shape[:2], mode="bilinear")[0]
    # One plane at a time: the filter's own planes are many, and the crop may be a whole camera picture.
    cloth, split, footwear, hair, skin = (
        refine_edges(crop.unsqueeze(0), plane.unsqueeze(0), radius_px=radius_px, epsilon=EDGE_EPSILON)[0]
        for plane in planes
    )
    upper, lower = cloth * (2 * split).clamp(max=1), cloth * (2 - 2 * split).clamp(max=1)
    return {"upper": upper, "lower": lower, "footwear": footwear, "hair": hair, "skin": skin}


def _garment(
    label: str, local: Tensor, window: tuple[int, int, int, int], size: tuple[int, int]
) -> tuple[Tensor, Box, float] | None:
    """A mask of the picture's size with its tight box and score, or None where hardly anything is left."""
    x0, y0, x1, y1 = window
    inside = local >= 0.5
    area = int(inside.sum())
    if area < max(1.0, SMALLEST_SHARE * (x1 - x0) * (y1 - y0)):
        return None
    decided = ((local - 0.5) * MASK_CONTRAST + 0.5).clamp(0, 1)
    mask = functional.pad(decided, (x0, size[1] - x1, y0, size[0] - y1))
    box = mask_box(local)
    if box is None:
        return None
    placed = (x0 + box[0], y0 + box[1], x0 + box[2], y0 + box[3])
    return mask, placed, expected_iou(label, float(local[inside].mean()))


def expected_iou(label: str, confidence: float) -> float:
    """The intersection over union to expect of a mask whose pixels from 0.5 on have this mean; 0 to `MAX_SCORE`."""
    offset, slope = SCORE_LINES[label]
    return min(MAX_SCORE, max(0.0, offset + slope * confidence))


def _window(frame: Tensor, picture: Tensor) -> tuple[int, int, int, int]:
    """The whole pixels of the picture that a frame touches; possibly none."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = (float(value) for value in frame)
    left, top = min(max(math.floor(x0), 0), width), min(max(math.floor(y0), 0), height)
    return left, top, min(max(math.ceil(x1), left), width), min(max(math.ceil(y1), top), height)


def _sane(picture: Tensor) -> Tensor:
    """The colours as float32 in 0..1, holes in the numbers black."""
    return picture.float().nan_to_num(0.0).clamp(0, 1)
