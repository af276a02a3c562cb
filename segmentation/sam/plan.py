"""How large a SAM is, read out of its tensors alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ..checkpoints.state_dict import StateDict

# Heads cannot be told from the decoder's tensors; every published SAM has as many.
DECODER_HEADS = 8
# Pixels of a mask per cell of the embedding and side.
MASK_CELLS = 4


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


def state_of(tensors: Mapping[str, Tensor]) -> StateDict:
    """The tensors as those of a SAM, of which they are refused with `NotSam`."""
    return StateDict(tensors, NotSam, "this SAM")


def read_plan(tensors: Mapping[str, Tensor]) -> SamPlan:
    """What SAM these tensors, named as segment_anything names them, are of. Raises `NotSam` for anything else."""
    state = state_of(tensors)
    vit, grid, side = None, TINY_GRID, TINY_SIDE
    if "image_encoder.pos_embed" in tensors:
        vit, grid = _read_vit(state)
        side = grid * vit.patch
    channels = state.shape("mask_decoder.iou_token.weight", 2)[1]
    inner = state.shape("mask_decoder.transformer.layers.0.cross_attn_token_to_image.q_proj.weight", 2)[0]
    if channels % 8 or inner % DECODER_HEADS or channels % inner:
        raise NotSam(f"its decoder is {channels} wide inside and {inner} in its attention, which fits no SAM")
    tokens = state.shape("mask_decoder.mask_tokens.weight", 2)[0]
    if tokens < 2:
        raise NotSam(f"its decoder proposes {tokens} masks, wanted 2 or more")
    score = "mask_decoder.iou_prediction_head.layers"
    early = "mask_decoder.compress_vit_feat.0.weight"
    idle = "image_encoder.head.weight"
    return SamPlan(
        side, grid, channels, vit,
        mask_channels=state.shape("prompt_encoder.mask_downscaling.3.weight", 4)[0],
        proposals=tokens - 1,
        layers=state.count(r"mask_decoder\.transformer\.layers\.(\d+)\..*"),
        hidden=state.shape("mask_decoder.transformer.layers.0.mlp.lin1.weight", 2)[0],
        rate=channels // inner,
        score_depth=state.count(rf"{re.escape(score)}\.(\d+)\.weight"),
        score_hidden=state.shape(f"{score}.0.weight", 2)[0],
        early=state.shape(early, 4)[0] if early in tensors else 0,
        encoder_classes=state.shape(idle, 2)[0] if vit is None and idle in tensors else 0,
    )  # fmt: skip


def _read_vit(state: StateDict) -> tuple[VitPlan, int]:
    _, grid, columns, width = state.shape("image_encoder.pos_embed", 4)
    patch = state.shape("image_encoder.patch_embed.proj.weight", 4)[-1]
    depth = state.count(r"image_encoder\.blocks\.(\d+)\..*")
    if grid != columns or not depth or patch % MASK_CELLS:
        raise NotSam(f"its encoder has {depth} blocks on a grid of {grid} x {columns} cells of {patch} px")
    spans = [state.shape(f"image_encoder.blocks.{number}.attn.rel_pos_h", 2) for number in range(depth)]
    whole = tuple(number for number, (span, _) in enumerate(spans) if span == 2 * grid - 1)
    windows = {(span + 1) // 2 for number, (span, _) in enumerate(spans) if number not in whole}
    head = spans[0][1]
    if len(windows) > 1 or width % head:
        raise NotSam(f"its encoder is {width} wide with heads of {head}, and has windows of {sorted(windows)} cells")
    growth = state.shape("image_encoder.blocks.0.mlp.lin1.weight", 2)[0] / width
    bias = "image_encoder.blocks.0.attn.qkv.bias" in state.tensors
    return VitPlan(width, depth, width // head, patch, max(windows, default=0), whole, growth, bias), grid
