"""`hemline blend`: a layer on a base picture through masks, from files to a file, strip by strip."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ..blending.composite import SPACES, blend_images
from ..blending.modes import blend_mode
from ..blending.placement import FITS
from ..errors import BadFile, ShapeError, check_name, check_range
from ..segmentation.combine import COMBINE_OPERATIONS
from ..segmentation.levels import MOST_NORMALISATION
from ..segmentation.shape import FEATHER_SIDES, GROW_LIMIT_PX
from .coverage import MASK_CHANNELS, Coverage, CoverageSettings, MaskFile, block_rows
from .events import Events
from .formats.info import PictureInfo, Strip
from .formats.memory_file import PictureFile
from .formats.reading import open_picture
from .formats.strips import PictureReader, rows_per_strip
from .formats.writing import (
    DEPTH_NAMES,
    WriteOptions,
    check_writable,
    create_picture,
    format_of,
    info_for,
    lost_between,
)
from .memory import available_bytes
from .picture_values import as_stored, from_values, straight_srgb, to_values

# Planes of float32 that growing and feathering hold at once (measured), and that blending holds per channel.
_MASK_PLANES, _BLEND_PLANES = 20, 12
# A decoder that gives the whole picture holds it about twice, Pillow in four bytes a pixel and then as an array.
_WHOLE_COPIES = 2.5
# Beyond this share of what is free, a job is said to be at risk.
_SAFE_SHARE = 0.8


@dataclass(frozen=True)
class BlendSettings:
    """What the user can turn. seed: of the mode "dissolve". depth: "" for the base's, else a name of `DEPTH_NAMES`."""

    mode: str = "normal"
    opacity: float = 1.0
    space: str = "sRGB"
    seed: int = 0
    depth: str = ""
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    write: WriteOptions = field(default_factory=WriteOptions)


def check_blend_settings(settings: BlendSettings, output: Path) -> None:
    """Raises `UnknownName`, `RangeError` or `MissingModel` for settings that no pictures could be blended with."""
    coverage = settings.coverage
    blend_mode(settings.mode)
    check_name("Space", settings.space, SPACES)
    check_name("Fit", coverage.fit, FITS)
    check_name("Operation", coverage.combine, COMBINE_OPERATIONS)
    check_name("Side", coverage.side, FEATHER_SIDES)
    check_name("Mask channel", coverage.channel, MASK_CHANNELS)
    check_range("opacity", settings.opacity, 0, 1)
    check_range("normalise", coverage.normalise, 0, MOST_NORMALISATION)
    check_range("grow", coverage.grow_px, -GROW_LIMIT_PX, GROW_LIMIT_PX)
    check_range("feather", coverage.feather_px, 0, GROW_LIMIT_PX)
    if settings.depth:
        info_for(output, PictureInfo(1, 1, 3), DEPTH_NAMES[check_name("Depth", settings.depth, DEPTH_NAMES)])
    check_writable(output, settings.write)


def blend_files(
    base_file: PictureFile, layer_file: PictureFile, output: Path, settings: BlendSettings, *,
    masks: tuple[PictureFile, ...] = (), excluded: tuple[PictureFile, ...] = (), events: Events,
) -> None:  # fmt: skip
    """Writes `layer_file` blended onto `base_file` where the masks let it through and no excluded mask holds it back.

    The result has the base's channels, profile and, where the format and the settings allow, depth; where nothing
    covers the base, its own samples. Raises `BadFile` for a file that is missing, damaged or would be overwritten by
    the result, `ShapeError` for different sizes.
    """
    _check_not_overwritten(output, (base_file, layer_file, *masks, *excluded))
    with ExitStack() as stack:
        base, layer = (stack.enter_context(open_picture(path)) for path in (base_file, layer_file))
        whole = _is_placed(base.info, layer.info, layer_file, settings.coverage.fit)
        inside, outside = (
            [stack.enter_context(_closing(MaskFile(path, base.info, settings.coverage))) for path in paths]
            for paths in (masks, excluded)
        )
        blended = _blended_info(base.info, layer.info)
        kept = info_for(output, blended, DEPTH_NAMES[settings.depth] if settings.depth else None)
        rows = blended.height if whole else rows_per_strip(blended)
        _warn(events, output, base, layer, [*inside, *outside], blended, kept, rows, settings)
        coverage = Coverage(inside, outside, base.info, settings.coverage)
        with _one_torch_thread(), create_picture(output, kept, settings.write) as give:
            for top in range(0, kept.height, rows):
                count = min(rows, kept.height - top)
                events.step(output.name, top, kept.height)
                strips = base.take(count), layer.take(layer.info.height if whole else count)
                give(_blend_strip(strips, top, coverage.take(count), (base.info, layer.info, kept), settings))
    line = f"{output}: {kept.width} x {kept.height}, {kept.format}, depth {kept.depth}"
    values = {"width": kept.width, "height": kept.height, "depth": kept.depth, "masks": len(masks) + len(excluded)}
    events.tell("done", line, output=str(output), **values)


def _blend_strip(
    strips: tuple[Strip, Strip], top: int, coverage: Tensor | None,
    infos: tuple[PictureInfo, PictureInfo, PictureInfo], settings: BlendSettings,
) -> Strip:  # fmt: skip
    """The samples of some rows of the result, from `top` on; those that nothing changes are the base's own."""
    base_info, layer_info, kept = infos
    base = straight_srgb(to_values(strips[0], base_info), base_info)
    layer = straight_srgb(to_values(strips[1], layer_info), layer_info)
    mixed = blend_images(
        base, layer, coverage, mode=settings.mode, opacity=settings.opacity, space=settings.space,
        fit=settings.coverage.fit, seed=settings.seed, origin=(0, top),
    )  # fmt: skip
    samples = from_values(as_stored(mixed, kept), kept)
    kind = (base_info.depth, base_info.alpha, base_info.transfer, base_info.channels)
    if kept.is_float and kind == (kept.depth, kept.alpha, kept.transfer, kept.channels):
        untouched = (mixed == base).all(-1)[0].numpy()
        samples[untouched] = strips[0][untouched]
    return samples


def _check_not_overwritten(output: Path, inputs: tuple[PictureFile, ...]) -> None:
    for path in inputs:
        if isinstance(path, Path) and output.exists() and path.exists() and output.samefile(path):
            raise BadFile(f"{output} is also read; write the result to another file.")


def _is_placed(base: PictureInfo, layer: PictureInfo, path: PictureFile, fit: str) -> bool:
    """Whether the layer has another size and is to be fitted, for which both must be held whole."""
    if (base.width, base.height) == (layer.width, layer.height):
        return False
    if fit == "error":
        raise ShapeError(
            f"{path} is {layer.width} x {layer.height} but the base is {base.width} x {base.height}; scale it, or "
            f"choose fit = {', '.join(FITS[1:])}."
        )
    return True


def _blended_info(base: PictureInfo, layer: PictureInfo) -> PictureInfo:
    """The base's sidecar, in colour where the layer is in colour."""
    coloured = base.channels < 3 <= layer.channels
    return dataclasses.replace(base, channels=base.channels + 2) if coloured else base


def _warn(
    events: Events, output: Path, base: PictureReader, layer: PictureReader, masks: list[MaskFile],
    blended: PictureInfo, kept: PictureInfo, rows: int, settings: BlendSettings,
) -> None:  # fmt: skip
    """Says, before any work, what the result loses and whether the memory may not suffice."""
    lost = lost_between(blended, kept)
    if lost:
        events.warn("lost", f"{output.name}: {kept.format} does not keep {', '.join(lost)}.", lost=lost)
    if base.info.icc and layer.info.icc and base.info.icc != layer.info.icc:
        events.warn("profiles", "base and layer have different colour profiles; they are blended as they are.")
    readers = [base, layer, *(mask.reader for mask in masks)]
    whole = [reader.info for reader in readers if reader.whole]
    whole += [kept] if format_of(output).whole else []
    needed = needed_bytes(whole, sum(mask.is_stretched for mask in masks), blended, rows, settings.coverage)
    free = available_bytes()
    if free is not None and needed > _SAFE_SHARE * free:
        line = f"this job needs about {needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free; "
        cure = "PNG and TIFF of one size are worked on in strips, which takes less."
        events.warn("memory", line + cure, needed=needed, free=free)


def needed_bytes(
    whole: list[PictureInfo], stretched: int, blended: PictureInfo, rows: int, coverage: CoverageSettings
) -> int:
    """About how much memory a blend takes beside the program itself.

    whole: the pictures that are decoded or encoded at once. stretched: how many masks are held whole. rows: of the
    result that are worked on at a time.
    """
    pictures = _WHOLE_COPIES * sum(info.picture_bytes for info in whole)
    planes = 4 * blended.width * blended.height * stretched
    block = block_rows(blended, coverage) + 2 * coverage.reach
    masks = 4 * blended.width * block * (_MASK_PLANES if coverage.reach else 1)
    return int(pictures + planes + masks + 4 * blended.width * rows * 4 * _BLEND_PLANES)


@contextmanager
def _one_torch_thread() -> Generator[None]:
    """Strips are too small to share out: several threads would only wait for each other, and one encodes anyway."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _closing(mask: MaskFile) -> Generator[MaskFile]:
    with mask.reader:
        yield mask
