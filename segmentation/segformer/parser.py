"""A SegFormer of the user's as a parser: its words become canonical classes; the shipped parser's path does the rest.

Persons, second looks, edges, one label per garment and body parts are those of `parsing`; only who looks is another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ...kernels import gaussian_blur
from ...tensors import check_name
from ..garments import Box, Garments
from ..parser import CLASSES, Looker
from ..parsing import Look, parse_garments, tells_bodies
from ..part_masks import LEAST_WHOLE
from ..taxonomies import BACKGROUND, PART_OWNERS
from ..vocabulary import CARRIED_LABELS, GARMENT_LABELS, PART_LABELS
from .network import STRIDE, SegformerNet

METHOD = "segformer"
ASPECTS = ("trained", "kept")
"""trained: pictures are widened as the training's were, so that people look as they did there; kept: they are not."""

# Width over height of the photos of persons that such networks were trained on (ATR, LIP, Fashionpedia: portraits).
PHOTO_ASPECT = 2 / 3
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# A part belongs to the garment near it: five blurs, each twice as wide and a hundredth as strong; the nearest wins.
REACH_SHARE, OCTAVES, FADE = 0.01, 5, 0.01
# What a garment anywhere in the picture claims of a part that is near none.
FAR_CLAIM = 1e-12
SIDE, OTHER_SIDE = re.compile(r"^(left|right)[-_ ]", re.IGNORECASE), {"left": "right", "right": "left"}
# What words for parts of the body mean, and into what such a part is divided; the first is the whole of it.
LIMBS = {"face": ("face", "neck"), "arms": ("arms", "hands"), "legs": ("legs",)}
NO_BODIES = (
    "This model has no words for skin and hair: the whole picture counts as one person, and there are no body parts. "
    "Give person boxes where there are several."
)


@dataclass(frozen=True)
class SegformerParser:
    """A SegFormer that is ready to parse.

    words: what its channels mean, in the file's own language, background first. labels: the canonical label of each,
    `BACKGROUND` for what is none, None for a part of a garment. long_side: the height in px at which the training saw
    portraits. stretch: how much wider than they are it saw them; 1.5 where 2:3 became a square. mean, std: per channel.
    body: a parser with classes for skin and hair where this one has none. notes: sentences for the user.
    """

    network: SegformerNet
    words: tuple[str, ...]
    labels: tuple[str | None, ...]
    long_side: int = 512
    stretch: float = 1 / PHOTO_ASPECT
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    body: Looker | None = None
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The canonical classes that its words come to, in the order of the shipped parser's."""
        own = {_class_of(label) for label in self.labels}
        held = {owner for word in self.words for owner in _owners(word) if owner in own}
        return tuple(name for name in (*CLASSES, "lower") if name in own | held or name == BACKGROUND)

    @property
    def scales(self) -> tuple[float, ...]:
        """None: it looks at a person's frame as its training looked at photos of persons."""
        return ()

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> SegformerParser:
        """The same parser with its network moved to a device, and computing in `dtype`; its chances stay float32."""
        self.network.to(device=device, dtype=dtype)
        return self

    def with_body(self, body: Looker) -> SegformerParser:
        """The same parser with another one's eye for skin and hair in what is none of its own garments."""
        return replace(self, words=(*self.words, "skin", "hair"), labels=(*self.labels, "skin", "hair"), body=body)

    @torch.no_grad()
    def look(self, planes: Tensor, *, flip: bool = False, long_side: int | None = None) -> Tensor:
        """The probability of each word ``[words,h,w]`` for a picture ``[3,H,W]``, 0..1, float32, at half the scale.

        flip: also looks at the mirrored picture and takes the mean. long_side: another scale than the training's, px.
        """
        scale = (long_side or self.long_side) / max(planes.shape[-2:])
        tall, wide = (side * scale for side in planes.shape[-2:])
        # Whole strides need no padding, and no size is changed by more than half of one.
        size = tuple(max(STRIDE, STRIDE * round(side / STRIDE)) for side in (tall, wide * self.stretch))
        grid = tuple(max(1, round(side / 2)) for side in (tall, wide))
        small = functional.interpolate(planes.unsqueeze(0), size, mode="bilinear", antialias=True)
        chances = self._chances(torch.cat([small, small.flip(-1)]) if flip else small, grid)
        if flip:
            chances = (chances[:1] + chances[1:, self._mirrored()].flip(-1)) / 2
        return self._add_body(chances[0], planes, flip=flip, share=(long_side or self.long_side) / self.long_side)

    def _chances(self, pictures: Tensor, grid: Sequence[int]) -> Tensor:
        mean, std = (torch.tensor(value, device=pictures.device).view(1, 3, 1, 1) for value in (self.mean, self.std))
        dtype = next(self.network.parameters()).dtype
        logits = cast(Tensor, self.network(((pictures - mean) / std).to(dtype))).float()
        return torch.softmax(functional.interpolate(logits, tuple(grid), mode="bilinear"), dim=1)

    def _mirrored(self) -> list[int]:
        """For each channel that which has the other side's word: a left shoe is a right one in the mirror."""
        words = self.words[: self.network.plan.labels]
        plain = [word.lower() for word in words]
        swapped = [SIDE.sub(lambda side: side[0].replace(side[1], OTHER_SIDE[side[1]]), word) for word in plain]
        return [plain.index(word) if word in plain else number for number, word in enumerate(swapped)]

    def _add_body(self, chances: Tensor, planes: Tensor, *, flip: bool, share: float) -> Tensor:
        """The chances with skin and hair out of the background where another parser sees them, as two more planes."""
        if self.body is None:
            return chances
        side = round(self.body.long_side * share)
        seen = self.body.understand(self.body.look(planes, flip=flip, long_side=side))
        parts = torch.stack([seen[self.body.classes.index(name)] for name in ("skin", "hair")])
        parts = functional.interpolate(parts.unsqueeze(0), tuple(chances.shape[-2:]), mode="bilinear")[0]
        ground = [number for number, label in enumerate(self.labels) if label == BACKGROUND]
        shares = torch.ones_like(chances)
        shares[ground] = (1 - parts.sum(0)).clamp_min(0)
        return torch.cat([chances * shares, parts * chances[ground].sum(0)])

    def understand(self, chances: Tensor) -> Tensor:
        """The probabilities ``[classes,h,w]`` of canonical classes; sums stay. A garment has its parts.

        Body parts are skin. A part of a garment, such as a sleeve, goes to the nearest garment that may hold it.
        """
        classes = self.classes
        merged = chances.new_zeros((len(classes), *chances.shape[1:]))
        owners: dict[tuple[str, ...], Tensor] = {}
        for plane, word, label in zip(chances, self.words, self.labels, strict=True):
            held = tuple(name for name in _owners(word) if name in classes) if label is None else ()
            if held:
                owners[held] = owners[held] + plane if held in owners else plane
            else:
                merged[classes.index(_class_of(label))] += plane
        garments = merged.clone()
        for names, plane in owners.items():
            numbers = [classes.index(name) for name in names]
            claims = _claims(garments[numbers])
            merged[numbers] += plane * (claims / claims.sum(0))
        return merged

    def name_region(self, label: str, mask: Tensor, chances: Tensor) -> str:
        """The word that has most of a region of the canonical label, without its side."""
        numbers = [number for number, known in enumerate(self.labels) if known == label]
        if not numbers:
            return ""
        small = functional.interpolate(mask[None, None], tuple(chances.shape[1:]), mode="bilinear", antialias=True)[0]
        best = int((chances[numbers] * small).sum((1, 2)).argmax())
        return SIDE.sub("", self.words[numbers[best]])

    def divide_body(self, parts: dict[str, Tensor], chances: Tensor) -> dict[str, Tensor]:
        """The parts with face, arms and legs where the words say that they are; the skin stays the same in sum.

        Necks and hands, which such networks count among them, are told as `find_parts` tells them.
        """
        groups = {name: [number for number, label in enumerate(self.labels) if label in labels]
                  for name, labels in LIMBS.items()}  # fmt: skip
        if not all(groups.values()):
            return parts
        size = tuple(parts["skin"].shape)
        seen = torch.stack([chances[numbers].sum(0) for numbers in groups.values()]).unsqueeze(0)
        seen = functional.interpolate(seen, size, mode="bilinear")[0] + LEAST_WHOLE
        divided: dict[str, Tensor] = {}
        for share, labels in zip(seen / seen.sum(0), LIMBS.values(), strict=True):
            whole = torch.stack([parts[label] for label in labels]).sum(0)
            for label in labels:
                rest = 1.0 if label == labels[0] else 0.0  # of what the other rules gave to no part of this limb
                inside = (parts[label] + rest * LEAST_WHOLE) / (whole + LEAST_WHOLE)
                divided[label] = parts["skin"] * share * inside
        head = (parts["head"] - parts["face"] + divided["face"]).clamp(0, 1)
        return {**parts, **divided, "head": head}


def _owners(word: str) -> tuple[str, ...]:
    return PART_OWNERS.get(word.strip().lower(), ())


def _class_of(label: str | None) -> str:
    """The parser's class for a canonical label: parts of the body are skin."""
    if label in PART_LABELS:
        return "hair" if label == "hair" else "skin"
    return label or BACKGROUND


def _claims(garments: Tensor) -> Tensor:
    """How strongly garments ``[N,h,w]`` claim each pixel: those that are near it far more than others."""
    planes = garments.unsqueeze(0)
    claims = planes.mean((2, 3), keepdim=True).clamp_min(LEAST_WHOLE) * FAR_CLAIM + planes * 0
    for octave in range(OCTAVES):
        sigma = REACH_SHARE * 2**octave * max(garments.shape[-2:])
        claims = claims + gaussian_blur(planes, sigma).clamp_min(0) * FADE**octave
    return claims[0]


def parse_with_segformer(
    image: Tensor, model: SegformerParser, labels: Sequence[str] = (*GARMENT_LABELS, *CARRIED_LABELS), *,
    companion: Looker | None = None, aspect: str = "trained", person_boxes: Sequence[Sequence[Box]] | None = None,
    flip: bool = True, check_cancelled: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Garments, tuple[Look, ...]]:  # fmt: skip
    """The garments with one of `labels` of each person by a SegFormer, every part of each person, and the looks.

    image: ``[B,H,W,3|4]``, 0..1. companion: another parser, such as the shipped one, that finds the persons, and skin
    and hair where the model has no words for them; without it the model finds persons by itself, or, where it has no
    such words, takes the picture for one person. aspect: one of `ASPECTS`. All else as in `parse_garments`.
    """
    check_name("Aspect", aspect, ASPECTS)
    if aspect == "kept":
        model = replace(model, stretch=1.0)
    if companion is not None and not tells_bodies(model.classes):
        model = model.with_body(companion)
    notes = model.notes if tells_bodies(model.classes) else (*model.notes, NO_BODIES)
    found, looks = parse_garments(
        model, image, labels, person_boxes=person_boxes, flip=flip, check_cancelled=check_cancelled, progress=progress,
        finder=companion, method=METHOD,
    )  # fmt: skip
    return replace(found, notes=(*notes, *found.notes)), looks
