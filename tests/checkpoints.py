"""Weights as other libraries store them, drawn at random: what tests load instead of anybody's trained model."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from hemline.segmentation.segformer.network import Plan, Stage

# Xie et al. (NeurIPS 2021), table 6: widths, depths, heads; and the head's channels.
SMALL_WIDTHS, WIDTHS, HEADS = (32, 64, 160, 256), (64, 128, 320, 512), (1, 2, 5, 8)
MIT = {
    "b0": (SMALL_WIDTHS, (2, 2, 2, 2), 256),
    "b1": (WIDTHS, (2, 2, 2, 2), 256),
    "b2": (WIDTHS, (3, 4, 6, 3), 768),
    "b3": (WIDTHS, (3, 4, 18, 3), 768),
    "b4": (WIDTHS, (3, 8, 27, 3), 768),
    "b5": (WIDTHS, (3, 6, 40, 3), 768),
}


def mit_plan(name: str, labels: int = 18) -> Plan:
    widths, depths, head = MIT[name]
    return make_plan(widths, depths, head, labels)


def make_plan(widths: tuple[int, ...], depths: tuple[int, ...], head: int, labels: int, growth: int = 4) -> Plan:
    heads = tuple(width // widths[0] for width in widths)
    shapes = zip(widths, depths, heads, (7, 3, 3, 3), (4, 2, 2, 2), (8, 4, 2, 1), strict=True)
    return Plan(tuple(Stage(*shape, hidden=growth * shape[0]) for shape in shapes), head, labels)


TINY = make_plan((8, 16, 24, 40), (1, 2, 1, 1), 70, 18, growth=2)


def draw_segformer(plan: Plan = TINY, *, seed: int = 0, device: str = "cpu") -> dict[str, Tensor]:
    """The tensors of a SegFormer under the names that the transformers library stored them by up to its version 4.

    Logits are about as large as those of a trained network.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for name, shape in segformer_shapes(plan):
        if device == "meta":
            tensors[name] = torch.empty(shape, device="meta")
        elif name.endswith("num_batches_tracked"):
            tensors[name] = torch.tensor(7)
        elif len(shape) > 1:
            fan = torch.Size(shape[1:]).numel()
            tensors[name] = torch.randn(shape, generator=generator) * fan**-0.5
        elif name.endswith(("running_var", "norm.weight")) or ("layer_norm" in name and name.endswith("weight")):
            tensors[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            tensors[name] = 0.2 * torch.randn(shape, generator=generator)
    return tensors


def segformer_shapes(plan: Plan) -> Iterator[tuple[str, tuple[int, ...]]]:
    inputs = 3
    for i, stage in enumerate(plan.stages):
        width, encoder = stage.channels, "segformer.encoder."
        yield from _layer(f"{encoder}patch_embeddings.{i}.proj", width, inputs, stage.patch, stage.patch)
        yield from _layer(f"{encoder}patch_embeddings.{i}.layer_norm", width)
        for j in range(stage.depth):
            block = f"{encoder}block.{i}.{j}."
            yield from _layer(f"{block}layer_norm_1", width)
            for part in ("query", "key", "value"):
                yield from _layer(f"{block}attention.self.{part}", width, width)
            if stage.reduction > 1:
                yield from _layer(f"{block}attention.self.sr", width, width, stage.reduction, stage.reduction)
                yield from _layer(f"{block}attention.self.layer_norm", width)
            yield from _layer(f"{block}attention.output.dense", width, width)
            yield from _layer(f"{block}layer_norm_2", width)
            yield from _layer(f"{block}mlp.dense1", stage.hidden, width)
            yield from _layer(f"{block}mlp.dwconv.dwconv", stage.hidden, 1, 3, 3)
            yield from _layer(f"{block}mlp.dense2", width, stage.hidden)
        yield from _layer(f"{encoder}layer_norm.{i}", width)
        yield from _layer(f"decode_head.linear_c.{i}.proj", plan.head, width)
        inputs = width
    yield "decode_head.linear_fuse.weight", (plan.head, len(plan.stages) * plan.head, 1, 1)
    yield from _layer("decode_head.batch_norm", plan.head)
    yield "decode_head.batch_norm.running_mean", (plan.head,)
    yield "decode_head.batch_norm.running_var", (plan.head,)
    yield "decode_head.batch_norm.num_batches_tracked", ()
    yield from _layer("decode_head.classifier", plan.labels, plan.head, 1, 1)


def _layer(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]
