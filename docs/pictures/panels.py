"""Tiles with captions, put together to one picture of a fixed width, and what tiles are made of."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hemline.blending.compare import OVERLAY_COLOUR, outline_mask, overlay_mask, stamp
from hemline.hosts.headless_context import HeadlessContext, headless_context
from hemline.hosts.lettering import letter
from hemline.nodes import NODES
from hemline.resampling import resize_planes

# A help panel is 300 to 400 px wide; twice that is sharp on dense screens, and the letters stay legible.
WIDTH_PX, GAP_PX, CAPTION_PX = 800, 10, 32
PAPER, INK = (0.965, 0.962, 0.955), (0.13, 0.13, 0.16)
CHECKER = ((0.82, 0.82, 0.82), (0.94, 0.94, 0.94), 10)
Tile = tuple[str, Tensor]


@functools.cache
def context() -> HeadlessContext:
    """Where the nodes run: on the CPU, in a folder that is empty."""
    return headless_context(Path(tempfile.mkdtemp()), device="cpu")


def call(id: str, **values: Any) -> dict[str, Any]:
    """A node's outputs by name, with its defaults for what is not given."""
    record = next(node for node in NODES if node.id == id)
    given = {**values, "context": context()} if record.wants_context else values
    return dict(zip((port.name for port in record.outputs), record(**given).outputs, strict=True))


def row(tiles: Sequence[Tile]) -> Tensor:
    """Pictures ``[H,W,3]`` at one height beside each other, as wide as `WIDTH_PX`, under their captions."""
    return grid([tiles])


def grid(rows: Sequence[Sequence[Tile]]) -> Tensor:
    """Several rows; captions that are all empty take no room."""
    lines = [_line(tiles) for tiles in rows]
    gap = _paper(GAP_PX, WIDTH_PX)
    return torch.cat([gap, *(part for line in lines for part in (line, gap))])


def _line(tiles: Sequence[Tile]) -> Tensor:
    room = WIDTH_PX - GAP_PX * (len(tiles) + 1)
    height = round(room / sum(picture.shape[1] / picture.shape[0] for _, picture in tiles))
    widths = [round(height * picture.shape[1] / picture.shape[0]) for _, picture in tiles]
    widths[-1] += room - sum(widths)
    top = CAPTION_PX + GAP_PX if any(caption for caption, _ in tiles) else 0
    line, left = _paper(top + height, WIDTH_PX), GAP_PX
    for (caption, picture), width in zip(tiles, widths, strict=True):
        planes = picture[..., :3].float().movedim(-1, 0).unsqueeze(0)
        line[top:, left : left + width] = resize_planes(planes, height, width)[0].movedim(0, -1).clamp(0, 1)
        line = stamp(line, _caption(caption, width), left, 0, colour=INK) if caption else line
        left += width + GAP_PX
    return line


def _caption(text: str, width: int) -> Tensor:
    """The caption at its usual size, or as large as the width allows."""
    letters = letter(text, CAPTION_PX)
    return letters if letters.shape[1] <= width else letter(text, CAPTION_PX * width // letters.shape[1])


def _paper(height: int, width: int) -> Tensor:
    return torch.tensor(PAPER).expand(height, width, 3).clone()


def grey(mask: Tensor) -> Tensor:
    """A mask ``[1,H,W]`` as a picture ``[H,W,3]``."""
    return mask[0].unsqueeze(-1).expand(-1, -1, 3)


def over(image: Tensor, mask: Tensor, *, opacity: float = 0.55) -> Tensor:
    """The picture ``[H,W,3]`` with a mask laid over it, and a line where it is one half."""
    tinted = overlay_mask(image, mask, opacity=opacity)[0]
    rim = outline_mask(mask)[0].unsqueeze(-1)
    return tinted * (1 - rim) + rim * torch.tensor(OVERLAY_COLOUR)


def on_checker(cutout: Tensor) -> Tensor:
    """A cut-out ``[1,H,W,4]`` over a checkerboard, ``[H,W,3]``."""
    dark, light, side = CHECKER
    y, x = (torch.arange(length) // side for length in cutout.shape[1:3])
    board = torch.where(((y.view(-1, 1) + x) % 2 == 0).unsqueeze(-1), torch.tensor(dark), torch.tensor(light))
    alpha = cutout[0, ..., 3:]
    return cutout[0, ..., :3] * alpha + board * (1 - alpha)


def frame(
    picture: Tensor, box: Sequence[float], colour: Sequence[float] = (0.84, 0.30, 0.10), width: int = 4
) -> Tensor:
    """The picture ``[H,W,3]`` with the outline of a box on it."""
    x0, y0, x1, y1 = (round(edge) for edge in box)
    drawn = picture.clone()
    for rows, columns in ((slice(y0, y0 + width), slice(x0, x1)), (slice(y1 - width, y1), slice(x0, x1)),
                          (slice(y0, y1), slice(x0, x0 + width)), (slice(y0, y1), slice(x1 - width, x1))):  # fmt: skip
        drawn[rows, columns] = torch.tensor(colour)
    return drawn


def page(
    lines: Sequence[str], height: int, width: int, *, size: int = 22, colours: Sequence[Sequence[float]] = ()
) -> Tensor:
    """Lines of text on a white sheet ``[height,width,3]``, each in its colour."""
    sheet = torch.ones(height, width, 3)
    for number, line in enumerate(lines):
        colour = colours[number] if colours else INK
        sheet = stamp(sheet, letter(line, size), 14, 14 + round(1.45 * size * number), colour=tuple(colour))
    return sheet
