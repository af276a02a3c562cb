"""Whose a garment is."""

from __future__ import annotations

from collections.abc import Sequence

from ..garments import Box

# Persons who cover a garment's box as well as the best one but for this share are equally likely by that.
EQUALLY_WELL = 0.1


def person_of(box: Box, persons: Sequence[Box]) -> int:
    """The index of the person whose box holds most of a garment's; among equals the nearest to its middle.

    The count of persons where the garment overlaps nobody.
    """
    shares = [_shared(box, person) for person in persons]
    best = max(shares, default=0.0)
    if best <= 0:
        return len(persons)
    likely = [number for number, share in enumerate(shares) if share >= best - EQUALLY_WELL]
    return min(likely, key=lambda number: _distance(box, persons[number]))


def _shared(box: Box, person: Box) -> float:
    """The share of the box that lies in the person's."""
    width, height = min(box[2], person[2]) - max(box[0], person[0]), min(box[3], person[3]) - max(box[1], person[1])
    return max(0.0, width) * max(0.0, height) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


def _distance(box: Box, person: Box) -> float:
    """How far their middles are apart across, in widths of the person: clothes hang below each other."""
    return abs(box[0] + box[2] - person[0] - person[2]) / 2 / max(person[2] - person[0], 1e-9)
