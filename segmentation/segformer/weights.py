"""SegFormer weights as the transformers library names them, made a network: every size is read out of the tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..checkpoints.state_dict import StateDict, show_names
from .network import FIRST_STRIDE, NEXT_STRIDE, Plan, SegformerNet, Stage, heads_of

# The library's old names, under which most files are stored, and those it has had since version 5: both as pairs of
# what stands there and what the same tensor is called here.
OLD_NAMES = (
    (r"^segformer\.encoder\.patch_embeddings\.(\d+)\.proj\.", r"stages.\1.embed."),
    (r"^segformer\.encoder\.patch_embeddings\.(\d+)\.layer_norm\.", r"stages.\1.embed_norm."),
    (r"^segformer\.encoder\.block\.(\d+)\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"^segformer\.encoder\.layer_norm\.(\d+)\.", r"stages.\1.norm."),
    (r"\.layer_norm_1\.", ".attention_norm."),
    (r"\.layer_norm_2\.", ".forward_norm."),
    (r"\.attention\.self\.sr\.", ".attention.reduce."),
    (r"\.attention\.self\.layer_norm\.", ".attention.reduce_norm."),
    (r"\.attention\.self\.(query|key|value)\.", r".attention.\1."),
    (r"\.attention\.output\.dense\.", ".attention.output."),
    (r"\.mlp\.dense1\.", ".feed.expand."),
    (r"\.mlp\.dense2\.", ".feed.contract."),
    (r"^decode_head\.linear_c\.", "decode_head.project."),
)
NEW_NAMES = (
    (r"^segformer\.stages\.(\d+)\.patch_embeddings\.proj\.", r"stages.\1.embed."),
    (r"^segformer\.stages\.(\d+)\.patch_embeddings\.layer_norm\.", r"stages.\1.embed_norm."),
    (r"^segformer\.stages\.(\d+)\.layer_norm\.", r"stages.\1.norm."),
    (r"^segformer\.stages\.", "stages."),
    (r"\.layernorm_before\.", ".attention_norm."),
    (r"\.layernorm_after\.", ".forward_norm."),
    (r"\.attention\.sequence_reduction\.sequence_reduction\.", ".attention.reduce."),
    (r"\.attention\.sequence_reduction\.layer_norm\.", ".attention.reduce_norm."),
    (r"\.attention\.q_proj\.", ".attention.query."),
    (r"\.attention\.k_proj\.", ".attention.key."),
    (r"\.attention\.v_proj\.", ".attention.value."),
    (r"\.attention\.o_proj\.", ".attention.output."),
    (r"\.mlp\.fc1\.", ".feed.expand."),
    (r"\.mlp\.fc2\.", ".feed.contract."),
    (r"^decode_head\.linear_projections\.", "decode_head.project."),
    (r"\.mlp\.dwconv\.dwconv\.", ".feed.depthwise."),
)
RENAMINGS = tuple((re.compile(there), here) for there, here in (*OLD_NAMES, *NEW_NAMES))

# The head's parts, which become one layer per stage.
FUSE, NORM, CLASSIFY = "decode_head.linear_fuse.weight", "decode_head.batch_norm.", "decode_head.classifier."
BATCH_NORM_EPSILON = 1e-5
# No encoder takes larger steps at once.
MOST_STRIDE = 16


class NotSegformer(ValueError):
    """Weights that are not those of one SegFormer; the message says what is missing, unexpected or of another shape."""


def rename(name: str) -> str:
    """What a tensor of the transformers library, of any version, is called here."""
    for there, here in RENAMINGS:
        name = there.sub(here, name)
    return name


def build_network(
    tensors: Mapping[str, Tensor], *, heads: Sequence[int] | None = None, strides: Sequence[int] | None = None
) -> SegformerNet:
    """The network of these weights, float32, for use without gradients.

    tensors: by the library's names, of any float type. heads, strides: one per stage where a configuration tells them;
    otherwise as in the paper. Raises `NotSegformer` where weights are missing, unexpected, of wrong shapes or no
    numbers.
    """
    state = {rename(name): tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    plan = read_plan(state, heads=heads, strides=strides)
    state = _merge_head(state, len(plan.stages))
    with torch.device("meta"):  # nothing is allocated or drawn at random
        network = SegformerNet(plan)
    _state_of(state).check(network.state_dict())
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    return network.requires_grad_(False).eval()


def read_plan(
    state: Mapping[str, Tensor], *, heads: Sequence[int] | None = None, strides: Sequence[int] | None = None
) -> Plan:
    """What network these weights, by our names, are of; see `build_network`."""
    known = _state_of(state)
    count = known.count(r"stages\.(\d+)\.embed\.weight")
    if not count:
        raise NotSegformer("there is no patch embedding among its tensors")
    channels = [known.shape(f"stages.{number}.embed.weight", 4)[0] for number in range(count)]
    try:
        heads = heads or heads_of(channels)
    except ValueError as error:
        raise NotSegformer(f"heads cannot be told ({error}); a config.json with num_attention_heads can") from error
    strides = strides or (FIRST_STRIDE, *(NEXT_STRIDE,) * (count - 1))
    if len(heads) != count or len(strides) != count or min(*heads, *strides) < 1 or max(strides) > MOST_STRIDE:
        raise NotSegformer(f"it has {count} stages, its configuration heads {list(heads)} and strides {list(strides)}")
    if any(width % number for width, number in zip(channels, heads, strict=True)):
        raise NotSegformer(f"its widths {channels} cannot be divided among heads {list(heads)}")
    stages = [_read_stage(known, number, heads[number], strides[number]) for number in range(count)]
    labels = known.shape(f"{CLASSIFY}weight", 4)[0]
    return Plan(tuple(stages), known.shape(FUSE, 4)[0], labels)


def _state_of(tensors: Mapping[str, Tensor]) -> StateDict:
    return StateDict(tensors, NotSegformer, "a SegFormer")


def _read_stage(known: StateDict, number: int, heads: int, stride: int) -> Stage:
    stage = f"stages.{number}."
    depth = known.count(rf"stages\.{number}\.blocks\.(\d+)\..*")
    if not depth:
        raise NotSegformer(f"stage {number} has no blocks")
    channels, _, patch, _ = known.shape(f"{stage}embed.weight", 4)
    reduce = f"{stage}blocks.0.attention.reduce.weight"
    reduction = known.shape(reduce, 4)[-1] if reduce in known.tensors else 1
    hidden = known.shape(f"{stage}blocks.0.feed.expand.weight", 2)[0]
    return Stage(channels, depth, heads, patch, stride, reduction, hidden)


def _merge_head(state: Mapping[str, Tensor], stages: int) -> dict[str, Tensor]:
    """The weights with the head as `segformer.Head` has it; counted in float64, where it costs no digits."""
    merged = {name: tensor for name, tensor in state.items() if not name.startswith("decode_head.")}
    project = [(f"decode_head.project.{number}.proj.weight", f"decode_head.project.{number}.proj.bias")
               for number in range(stages)]  # fmt: skip
    needed = [FUSE, *(name for pair in project for name in pair), f"{CLASSIFY}weight", f"{CLASSIFY}bias"]
    needed += [f"{NORM}{name}" for name in ("weight", "bias", "running_mean", "running_var")]
    _state_of(state).check_names(
        missing=[name for name in needed if name not in state],
        unexpected=[name for name in state if name.startswith("decode_head.") and name not in needed],
    )
    head = {name: state[name].double() for name in needed}
    fuse = head[FUSE].flatten(1)
    width = len(fuse)
    wrong = [
        f"{name} {list(head[name].shape)}"
        for pair in project
        for name, axes in zip(pair, (2, 1), strict=True)
        if head[name].dim() != axes or len(head[name]) != width
    ]
    wrong += [f"{name} {list(head[name].shape)}" for name in needed[-4:] if tuple(head[name].shape) != (width,)]
    if wrong or fuse.shape[1] != width * stages:
        raise NotSegformer(f"shapes do not fit a head of {width} channels: {show_names(wrong or [FUSE])}")
    gain = head[f"{NORM}weight"] / (head[f"{NORM}running_var"] + BATCH_NORM_EPSILON).sqrt()
    bias = head[f"{NORM}bias"] - head[f"{NORM}running_mean"] * gain
    fuse = fuse * gain.unsqueeze(1)
    # The fusing layer takes the stages last to first.
    for number, (weights, biases) in enumerate(project):
        part = fuse[:, (stages - 1 - number) * width : (stages - number) * width]
        merged[f"head.merges.{number}.weight"] = (part @ head[weights]).float()
        bias = bias + part @ head[biases]
    merged["head.bias"] = bias.float()
    merged["head.classify.weight"], merged["head.classify.bias"] = state[f"{CLASSIFY}weight"], state[f"{CLASSIFY}bias"]
    return merged
