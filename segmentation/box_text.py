"""Boxes of persons: as a user types them, and as functions take them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..tensors import RangeError, ShapeError
from .garments import Box


def parse_person_boxes(text: str, width: int, height: int) -> list[Box]:
    """Boxes in pixels from lines (or parts separated by ";") of four numbers x0 y0 x1 y1; an empty text has none.

    Numbers that are all within 0..1 are shares of the picture's width and height. Raises `RangeError` for anything that
    is not four numbers, and for a box that is empty or misses the picture.
    """
    boxes: list[Box] = []
    for line in filter(str.strip, re.split(r"[;\n]", text)):
        try:
            x0, y0, x1, y1 = (float(word) for word in re.split(r"[\s,]+", line.strip()))
        except ValueError:
            raise RangeError(f"person box {line.strip()!r} is not four numbers; give x0 y0 x1 y1.") from None
        if max(abs(value) for value in (x0, y0, x1, y1)) <= 1:
            x0, y0, x1, y1 = x0 * width, y0 * height, x1 * width, y1 * height
        box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
        if not (box[2] - box[0] >= 1 and box[3] - box[1] >= 1):
            raise RangeError(
                f"person box {line.strip()!r} holds no pixel of the {width}x{height} picture; give x0 y0 x1 y1 with "
                "x0 < x1 and y0 < y1."
            )
        boxes.append(box)
    return boxes


def check_person_boxes(boxes: Sequence[Sequence[Box]] | None, batch: int) -> None:
    """Raises `ShapeError` for boxes that are not one list for each picture of the batch."""
    if boxes is not None and len(boxes) != batch:
        raise ShapeError(f"person_boxes is for {len(boxes)} pictures, the batch has {batch}; give a list each.")
