"""SegFormer: the network, built from nothing but the names and shapes of its weights.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers" (NeurIPS 2021): stages
of overlapping patches, attention whose keys and values are reduced, and a feed-forward layer with a depthwise
convolution; the head adds up all stages. Tokens stay ``[B,H,W,C]`` throughout, which convolutions read as they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# The paper's encoder reduces by 4 and then by 2 and 2 and 2. Weights do not tell it; a configuration may.
FIRST_STRIDE, NEXT_STRIDE = 4, 2
STRIDE = 32
"""The coarsest stage sees one token per so many pixels of a side; smaller pictures must be enlarged."""

# The reference implementation keeps torch's default in all layers, not the paper's code's 1e-6.
NORM_EPSILON = 1e-5
# Channels of the head that are enlarged at a time: 64 at a quarter of 512 x 512 are 4 MiB, where all 768 are 48.
HEAD_CHUNK = 64


@dataclass(frozen=True)
class Stage:
    """One stage. patch: side of its patches, px of the stage before; stride: distance between them.

    reduction: keys and values are taken from squares of so many tokens a side; hidden: channels inside a feed-forward.
    """

    channels: int
    depth: int
    heads: int
    patch: int
    stride: int
    reduction: int
    hidden: int


@dataclass(frozen=True)
class Plan:
    """What a network is built from: its stages, the channels of the head, and how many labels it tells apart."""

    stages: tuple[Stage, ...]
    head: int
    labels: int


def heads_of(channels: Sequence[int]) -> tuple[int, ...]:
    """The attention heads of stages of so many channels, which weights do not tell.

    All of the paper's networks (MiT-B0 to B5, its table 6) have one head in the first stage and heads as wide as that
    in the others. Raises `ValueError` for widths of which this cannot be true.
    """
    if any(width % channels[0] for width in channels):
        raise ValueError(f"widths {list(channels)} are no multiples of the first")
    return tuple(width // channels[0] for width in channels)


class Attention(nn.Module):
    """Attention of all tokens to a reduced grid of them (section 3.1, "Efficient Self-Attention")."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(channels, channels) for _ in range(4))
        if reduction > 1:
            self.reduce = nn.Conv2d(channels, channels, reduction, reduction)
            self.reduce_norm = nn.LayerNorm(channels, NORM_EPSILON)
        self.reduction = reduction

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B,H,W,C]`` -> ``[B,H,W,C]``."""
        seen = tokens
        if self.reduction > 1:
            seen = self.reduce_norm(_tokens(self.reduce(_planes(tokens))))
        query, key, value = self._split(self.query(tokens)), self._split(self.key(seen)), self._split(self.value(seen))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.output(mixed.transpose(1, 2).reshape(tokens.shape))

    def _split(self, tokens: Tensor) -> Tensor:
        """``[B,H,W,C]`` -> ``[B,heads,H*W,C/heads]``."""
        batch, channels = tokens.shape[0], tokens.shape[-1]
        return tokens.reshape(batch, -1, self.heads, channels // self.heads).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers about a 3x3 convolution, which tells tokens where they are (section 3.1, "Mix-FFN")."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(channels, hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden)
        self.contract = nn.Linear(hidden, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B,H,W,C]`` -> ``[B,H,W,C]``."""
        return self.contract(functional.gelu(_tokens(self.depthwise(_planes(self.expand(tokens))))))


class Block(nn.Module):
    """Attention and feed-forward, each beside a short cut."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(stage.channels, NORM_EPSILON)
        self.attention = Attention(stage.channels, stage.heads, stage.reduction)
        self.forward_norm = nn.LayerNorm(stage.channels, NORM_EPSILON)
        self.feed = FeedForward(stage.channels, stage.hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B,H,W,C]`` -> ``[B,H,W,C]``."""
        tokens = tokens + self.attention(self.attention_norm(tokens))
        return tokens + self.feed(self.forward_norm(tokens))


class Encoder(nn.Module):
    """One stage: overlapping patches, blocks, a norm."""

    def __init__(self, inputs: int, stage: Stage) -> None:
        super().__init__()
        self.embed = nn.Conv2d(inputs, stage.channels, stage.patch, stage.stride, stage.patch // 2)
        self.embed_norm = nn.LayerNorm(stage.channels, NORM_EPSILON)
        self.blocks = nn.Sequential(*(Block(stage) for _ in range(stage.depth)))
        self.norm = nn.LayerNorm(stage.channels, NORM_EPSILON)

    def forward(self, planes: Tensor) -> Tensor:
        """``[B,inputs,H,W]`` -> tokens ``[B,H/stride,W/stride,channels]``, rounded up."""
        return self.norm(self.blocks(self.embed_norm(_tokens(self.embed(planes)))))


class Head(nn.Module):
    """The all-MLP head (section 3.2) with its linear layers and its batch norm made one per stage.

    The paper projects every stage, enlarges, concatenates and fuses. All of that is linear and treats pixels alike, so
    it may be done before enlarging: half of the network's work and nine tenths of its memory are spared.
    """

    def __init__(self, widths: Sequence[int], channels: int, labels: int) -> None:
        super().__init__()
        self.merges = nn.ModuleList(nn.Linear(width, channels, bias=False) for width in widths)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.classify = nn.Conv2d(channels, labels, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Tokens ``[B,H,W,C]`` of all stages -> logits ``[B,labels,H,W]`` of the first one's size."""
        size = levels[0].shape[1:3]
        weights = [cast(nn.Linear, merge).weight for merge in self.merges]
        logits = cast(Tensor, self.classify.bias).view(1, -1, 1)
        for first in range(0, len(self.bias), HEAD_CHUNK):
            rows = slice(first, first + HEAD_CHUNK)
            total = _merge(levels[0], weights[0][rows]) + self.bias[rows].view(-1, 1, 1)
            for tokens, weight in zip(levels[1:], weights[1:], strict=True):
                total = total + functional.interpolate(_merge(tokens, weight[rows]), size, mode="bilinear")
            logits = logits + self.classify.weight[:, rows, 0, 0] @ functional.relu(total).flatten(2)
        return logits.reshape(*logits.shape[:2], *size)


class SegformerNet(nn.Module):
    """The network: normalised RGB ``[B,3,H,W]`` -> logits ``[B,labels,H/4,W/4]``, rounded up."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        widths = [stage.channels for stage in plan.stages]
        self.stages = nn.ModuleList(
            Encoder(inputs, stage) for inputs, stage in zip((3, *widths[:-1]), plan.stages, strict=True)
        )
        self.head = Head(widths, plan.head, plan.labels)

    def forward(self, planes: Tensor) -> Tensor:
        """``[B,3,H,W]`` -> ``[B,labels,H/4,W/4]``."""
        levels: list[Tensor] = []
        for stage in self.stages:
            levels.append(stage(_planes(levels[-1]) if levels else planes))
        return self.head(levels)


def _planes(tokens: Tensor) -> Tensor:
    return tokens.permute(0, 3, 1, 2)


def _tokens(planes: Tensor) -> Tensor:
    return planes.permute(0, 2, 3, 1)


def _merge(tokens: Tensor, weight: Tensor) -> Tensor:
    """Tokens ``[B,H,W,C]`` times a weight ``[D,C]`` as planes ``[B,D,H,W]``."""
    batch, height, width, _ = tokens.shape
    return (weight @ tokens.flatten(1, 2).mT).reshape(batch, len(weight), height, width)
