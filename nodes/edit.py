"""Stage 2 by hand: a mask corrected in the node itself, the correction kept in the workflow."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import torch
from torch import Tensor

from ..context import Answer, Context
from ..errors import BadFile, BadWorkflow
from ..resampling import resize_planes
from ..segmentation.strokes.raster import apply_strokes
from ..segmentation.strokes.smart import WORKING_PX, working_picture
from ..segmentation.strokes.text import Edit, digest_of, parse_strokes
from ..tensors import as_image, check_name, match_batch, match_mask, resize_mask
from .spec import Port, Result, node

STALE_POLICIES = ("replay", "ignore", "error")
# What the browser is shown is at most so large: a host's editor and ours draw no finer.
PREVIEW_PX = 2048
# Colours that differ by more than this on average are of another picture, not of another way to save the same one.
ANOTHER_PICTURE = 16 / 255


@dataclass(frozen=True)
class _Painted:
    """What the host's mask editor has saved."""

    colours: Tensor
    mask: Tensor


def _fingerprint(
    context: Context, image: str | None = "", wait_for_ok: bool | None = False, **widgets: object
) -> str:  # fmt: skip
    """A text that changes when the file of the host's mask editor does; another each time where its name is wired.

    Also where a run is to wait: its mask is that of the strokes which are drawn then, not of those in the prompt.
    """
    if image is None or (wait_for_ok is not False and context.has_viewer):
        return secrets.token_hex(16)
    if not image.strip() or context.sources is None:
        return ""
    name, folder = _split(image)
    try:
        with context.sources.open(folder) as files:
            return files.stamp(name)
    except BadFile:
        return "missing"


@node(
    id="HemlineEditMask",
    name="Edit Mask",
    category="Hemline/2 Refine",
    version="1.1.0",
    is_output=True,
    aliases=("paint mask", "draw mask", "brush", "eraser", "lasso", "mask editor", "touch up", "correct mask"),
    inputs=(
        Port("picture", "IMAGE", "The photo to draw over."),
        Port("mask", "MASK", "The automatic mask to correct; without it you draw from nothing.", optional=True),
        Port(
            "strokes", "STRING",
            "What was drawn on the canvas, as text. The canvas writes it, and the workflow carries it along; leave it "
            "as it is.",
            default="",
        ),
        Port(
            "image", "STRING",
            "The file that ComfyUI's own mask editor has saved; it takes the automatic mask's place. It is not in the "
            "workflow. Empty: none.",
            default="",
        ),
        Port(
            "on_stale", "COMBO",
            "If the edit was drawn over another picture: replay it on this one, ignore it, or stop with an error.",
            default="replay", options=STALE_POLICIES,
        ),
        Port(
            "wait_for_ok", "BOOLEAN",
            "Each run stops here until you press OK on the node: draw over the mask of this very run. Cancel stops it.",
            default=False,
        ),
    ),
    outputs=(
        Port("mask", "MASK", "The edited mask."),
        Port("edited", "BOOLEAN", "True where an edit was applied, false where the mask is as it came."),
        Port("report", "STRING", "What was applied and what was not, as text."),
    ),
    fingerprint=_fingerprint,
)  # fmt: skip
def edit_mask(
    picture: Tensor, mask: Tensor | None = None, strokes: str = "", image: str = "", on_stale: str = "replay",
    wait_for_ok: bool = False, *, context: Context,
) -> Result:  # fmt: skip
    """Corrects a mask by hand, over the photo: brush, smart brush, eraser, lasso, polygon, fill. The strokes are
    kept in the workflow and replay at any size, on another photo too.
    """
    check_name("on_stale", on_stale, STALE_POLICIES)
    picture = as_image(picture)
    automatic = picture.new_zeros(picture.shape[:3]) if mask is None else match_mask(mask, picture)
    automatic, picture = match_batch((automatic, picture), ("mask", "picture"))
    lines, asked = list[str](), list[str]()
    over = {"image": digest_of(picture), "mask": digest_of(automatic)}
    base = _painted_mask(image, automatic, picture, on_stale, lines, context)
    shown, pictures = _preview(picture[:1], base[:1]), _pictures(picture[:1], context)
    edit = parse_strokes(_ask(strokes, shown, over, pictures, asked, context) if wait_for_ok else strokes)
    # What was drawn before the first run knows no digest, and so nothing that could have changed.
    stale = bool(edit.strokes and edit.image) and edit.image != over["image"]
    use = bool(edit.strokes) and _decide(stale, f"{_count(edit)} drawn", on_stale, lines)
    edited = apply_strokes(base, edit.strokes, picture) if use else base
    if use:
        changed = not stale and edit.mask not in ("", over["mask"])
        lines.append(f"{_count(edit)} applied" + (", over an automatic mask that has changed since" if changed else ""))
    is_edited = use or base is not automatic
    lines += [] if lines else ["no edit: the mask as it came"]
    lines += asked
    lines += [f"the first of {len(picture)} pictures is shown, all are edited"] if len(picture) > 1 else []
    outputs = (edited, is_edited, "\n".join(lines))
    return Result(outputs, shown, tuple(lines), over, pictures)


def _ask(
    strokes: str, shown: Tensor, over: dict[str, str], pictures: dict[str, Tensor], lines: list[str], context: Context
) -> str:
    """The strokes after a person has pressed OK on the node; those that came where nobody can be asked."""
    answer = Answer(None, "there is no page to ask on")
    if context.ask is not None:
        answer = context.ask("strokes", shown, data=over, pictures=pictures, check=parse_strokes)
    lines.append("OK was pressed" if answer.text is not None else f"not waited for OK: {answer.reason}")
    return strokes if answer.text is None else answer.text


def _painted_mask(
    name: str, automatic: Tensor, picture: Tensor, on_stale: str, lines: list[str], context: Context
) -> Tensor:
    """The mask of the host's mask editor at the automatic one's size; that one itself where there is none to use."""
    if not name.strip():
        return automatic
    try:
        painted = _read(name, context)
    except BadFile as error:
        lines.append(f"the mask editor's file is not used, the automatic mask is: {error}")
        return automatic
    height, width = automatic.shape[1:]
    if not _decide(_is_of_another(painted, picture), "the mask editor's file was painted", on_stale, lines):
        return automatic
    lines.append("the mask editor's file is used in place of the automatic mask")
    return resize_mask(painted.mask, height, width).to(automatic).expand_as(automatic)


def _decide(stale: bool, what: str, on_stale: str, lines: list[str]) -> bool:
    """Whether an edit is to be used; says what becomes of a stale one."""
    if not stale:
        return True
    if on_stale == "error":
        raise BadWorkflow(f"{what} over another picture; draw it anew, or choose on_stale = replay or ignore.")
    lines.append(f"{what} over another picture: {'replayed on this one' if on_stale == 'replay' else 'ignored'}")
    return on_stale == "replay"


def _count(edit: Edit) -> str:
    return f"{len(edit.strokes)} stroke{'' if len(edit.strokes) == 1 else 's'}"


def _split(image: str) -> tuple[str, str]:
    """A file's name, and the folder it lies in as `Context.sources` takes it."""
    bare, bracket, folder = image.strip().rpartition(" [")
    return (bare, f"[{folder}") if bracket else (image.strip(), "")


def _read(image: str, context: Context) -> _Painted:
    if context.sources is None:
        raise BadFile("this host lends no input folder.")
    name, folder = _split(image)
    with context.sources.open(folder) as files:
        colours, alpha = files.read_image(name)
    if alpha is None:
        raise BadFile(f"{name} has no alpha; what the mask editor saves has.")
    return _Painted(colours, 1 - alpha)


def _is_of_another(painted: _Painted, picture: Tensor) -> bool:
    """Whether the colours outside the painted mask, where they are kept, are not those of the picture."""
    height, width = painted.mask.shape[1:]
    now = _resize(picture[:1, ..., :3].float().cpu(), height, width)  # files are read on the CPU
    kept = (painted.mask < 0.5).unsqueeze(-1)
    if not kept.any():
        return False
    difference = (now.clamp(0, 1) - painted.colours).abs().mean(-1, keepdim=True)
    return float((difference * kept).sum() / kept.sum()) > ANOTHER_PICTURE


def _preview(picture: Tensor, mask: Tensor) -> Tensor:
    """The picture with 1 - mask as its alpha, which is how a host's mask editor takes over a mask."""
    height, width = picture.shape[1:3]
    scale = min(1.0, PREVIEW_PX / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    colours = _resize(picture[..., :3].float(), *size)
    return torch.cat([colours, 1 - resize_mask(mask, *size).unsqueeze(-1)], dim=-1)


def _pictures(picture: Tensor, context: Context) -> dict[str, Tensor]:
    """What the browser cannot make of the preview to the last bit: the picture that smart strokes take colours from."""
    if not context.has_viewer or max(picture.shape[1:3]) <= WORKING_PX:
        return {}
    return {"work": working_picture(picture) / 255}


def _resize(image: Tensor, height: int, width: int) -> Tensor:
    if tuple(image.shape[1:3]) == (height, width):
        return image
    return resize_planes(image.movedim(-1, 1), height, width).movedim(1, -1)
