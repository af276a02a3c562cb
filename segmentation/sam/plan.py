"""How large a SAM is, read out of its tensors alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

# Heads cannot be told from the decoder's tensors; every published SAM has as many.
DECODER_HEADS = 8
# Pixels of a mask per cell of the embedding and side.
MASK_CELLS = 4
# Names in one message; a file of another network lacks hundreds.
MOST_NAMES = 4


class NotSam(ValueError):
    """Weights that are not those of one SAM; the message says what is missing, unexpected or of another shape."""


@dataclass(frozen=True)
class VitPlan:
    """The sizes of a ViT encoder. whole: numbers of the blocks that attend to the whole picture, not to windows."""

    width: int
    depth: int
    heads: int
    patch: int
    window: int
    whole: tuple[int, ...]
    growth: float
    qkv_bias: bool


@dataclass(frozen=True)
class SamPlan:
    """The sizes of a SAM; Kirillov et al., "Segment Anything" (2023), appendix A.

    side: of the square picture that the encoder takes, in px. grid: cells of its embedding per side, each a vector of
    `channels`. vit: None where the encoder is MobileSAM's TinyViT. early: width of the encoder's early features that
    HQ-SAM's decoder takes; 0 where it takes none. encoder_classes: of TinyViT's idle classifier.
    """

    side: int
    grid: int
    channels: int
    vit: VitPlan | None
    mask_channels: int
    proposals: int
    layers: int
    hidden: int
    rate: int
    score_depth: int
    score_hidden: int
    early: int = 0
    encoder_classes: int = 0

    @property
    def cell_px(self) -> int:
        """Pixels of the encoder's picture per pixel of a mask."""
        return self.side // (MASK_CELLS * self.grid)


# MobileSAM's encoder takes one size only.
TINY_SIDE, TINY_GRID = 1024, 64


def read_plan(tensors: Mapping[str, Tensor]) -> SamPlan:
    """What SAM these tensors, named as segment_anything names them, are of. Raises `NotSam` for anything else."""
    sizes = _Sizes(tensors)
    vit, grid, side = None, TINY_GRID, TINY_SIDE
    if "image_encoder.pos_embed" in tensors:
        vit, grid = _read_vit(sizes)
        side = grid * vit.patch
    channels = sizes.of("mask_decoder.iou_token.weight", 2)[1]
    inner = sizes.of("mask_decoder.transformer.layers.0.cross_attn_token_to_image.q_proj.weight", 2)[0]
    if channels % 8 or inner % DECODER_HEADS or channels % inner:
        raise NotSam(f"its decoder is {channels} wide inside and {inner} in its attention, which fits no SAM")
    tokens = sizes.of("mask_decoder.mask_tokens.weight", 2)[0]
    if tokens < 2:
        raise NotSam(f"its decoder proposes {tokens} masks, wanted 2 or more")
    score = "mask_decoder.iou_prediction_head.layers"
    early = "mask_decoder.compress_vit_feat.0.weight"
    idle = "image_encoder.head.weight"
    return SamPlan(
        side, grid, channels, vit,
        mask_channels=sizes.of("prompt_encoder.mask_downscaling.3.weight", 4)[0],
        proposals=tokens - 1,
        layers=sizes.count(r"mask_decoder\.transformer\.layers\.(\d+)\..*"),
        hidden=sizes.of("mask_decoder.transformer.layers.0.mlp.lin1.weight", 2)[0],
        rate=channels // inner,
        score_depth=sizes.count(rf"{re.escape(score)}\.(\d+)\.weight"),
        score_hidden=sizes.of(f"{score}.0.weight", 2)[0],
        early=sizes.of(early, 4)[0] if early in tensors else 0,
        encoder_classes=sizes.of(idle, 2)[0] if vit is None and idle in tensors else 0,
    )  # fmt: skip


def _read_vit(sizes: _Sizes) -> tuple[VitPlan, int]:
    _, grid, columns, width = sizes.of("image_encoder.pos_embed", 4)
    patch = sizes.of("image_encoder.patch_embed.proj.weight", 4)[-1]
    depth = sizes.count(r"image_encoder\.blocks\.(\d+)\..*")
    if grid != columns or not depth or patch % MASK_CELLS:
        raise NotSam(f"its encoder has {depth} blocks on a grid of {grid} x {columns} cells of {patch} px")
    spans = [sizes.of(f"image_encoder.blocks.{number}.attn.rel_pos_h", 2) for number in range(depth)]
    whole = tuple(number for number, (span, _) in enumerate(spans) if span == 2 * grid - 1)
    windows = {(span + 1) // 2 for number, (span, _) in enumerate(spans) if number not in whole}
    head = spans[0][1]
    if len(windows) > 1 or width % head:
        raise NotSam(f"its encoder is {width} wide with heads of {head}, and has windows of {sorted(windows)} cells")
    growth = sizes.of("image_encoder.blocks.0.mlp.lin1.weight", 2)[0] / width
    bias = "image_encoder.blocks.0.attn.qkv.bias" in sizes.tensors
    return VitPlan(width, depth, width // head, patch, max(windows, default=0), whole, growth, bias), grid


@dataclass(frozen=True)
class _Sizes:
    tensors: Mapping[str, Tensor]

    def of(self, name: str, axes: int) -> tuple[int, ...]:
        """The shape of a tensor that must be there."""
        if name not in self.tensors:
            raise NotSam(f"{name} is missing")
        shape = tuple(self.tensors[name].shape)
        if len(shape) != axes or 0 in shape:
            raise NotSam(f"{name} has shape {list(shape)}, wanted {axes} axes")
        return shape

    def count(self, pattern: str) -> int:
        """How many numbers, from 0 on without a gap, the names have at the pattern's group."""
        found = {int(match[1]) for name in self.tensors if (match := re.fullmatch(pattern, name))}
        return next(number for number in range(len(found) + 1) if number not in found)


def compare(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> None:
    """Raises `NotSam` where names or shapes differ, or where a weight is no number."""
    report("tensors are missing", [name for name in wanted if name not in got])
    report("tensors that this SAM does not have", [name for name in got if name not in wanted])
    shapes = [
        f"{name} {list(got[name].shape)}, wanted {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if got[name].shape != tensor.shape
    ]
    report("tensors of other shapes", shapes)
    broken = [name for name, tensor in got.items() if not tensor.is_floating_point() or not tensor.isfinite().all()]
    report("weights that are no numbers", broken)


def report(what: str, names: Sequence[str]) -> None:
    """Raises `NotSam` that shows the first of the names, if there are any."""
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        raise NotSam(f"{what}: {'; '.join(names[:MOST_NAMES])}{more}")
