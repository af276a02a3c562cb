"""SegFormer networks: what is read out of weights, and what is said of weights that are none."""

from __future__ import annotations

import pytest
import torch
from checkpoints import HEADS, MIT, TINY, draw_segformer, make_plan, mit_plan, segformer_shapes
from torch import Tensor

from hemline.segmentation.checkpoints.families import tell_family
from hemline.segmentation.segformer.network import Plan
from hemline.segmentation.segformer.weights import NotSegformer, build_network, read_plan, rename
from hemline.tensors import BadFile

CLASSIFIER, FUSE = "decode_head.classifier.weight", "decode_head.linear_fuse.weight"
EXPAND = "segformer.encoder.block.1.1.mlp.dense1.weight"


def noise(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.randn((batch, 3, height, width), generator=torch.Generator().manual_seed(height + width))


@pytest.mark.parametrize("name", MIT)
def test_the_sizes_of_the_papers_networks_are_read_out_of_their_tensors(name: str) -> None:
    state = {rename(key): tensor for key, tensor in draw_segformer(mit_plan(name, 47), device="meta").items()}
    plan = read_plan(state)
    assert plan == mit_plan(name, 47)
    assert tuple(stage.heads for stage in plan.stages) == HEADS


@pytest.mark.parametrize("plan", [TINY, make_plan((16, 32, 64, 64), (1, 1, 1, 1), 24, 5)], ids=["tiny", "even"])
@pytest.mark.parametrize("size", [(32, 32), (33, 61), (64, 100), (129, 65)])
def test_logits_come_at_a_quarter_of_the_size_rounded_up(plan: Plan, size: tuple[int, int]) -> None:
    logits = build_network(draw_segformer(plan))(noise(*size))
    assert logits.shape == (1, plan.labels, -(-size[0] // 4), -(-size[1] // 4))
    assert bool(logits.isfinite().all())


def test_a_batch_is_the_same_as_its_pictures_alone() -> None:
    network, pictures = build_network(draw_segformer()), noise(64, 48, 3)
    alone = torch.cat([network(picture.unsqueeze(0)) for picture in pictures])
    assert float((network(pictures) - alone).abs().max()) < 1e-5


def test_half_precision_weights_are_taken_and_become_float32() -> None:
    whole = draw_segformer()
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in whole.items()}
    network = build_network(half)
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}
    picture = noise(64, 64)
    assert 0 < float((network(picture) - build_network(whole)(picture)).abs().max()) < 0.05


def test_building_draws_no_random_numbers_and_leaves_the_weights_alone() -> None:
    tensors = draw_segformer()
    before, copies = torch.random.get_rng_state(), {name: tensor.clone() for name, tensor in tensors.items()}
    network = build_network(tensors)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(tensor, copies[name]) for name, tensor in tensors.items())
    assert not any(tensor.requires_grad or tensor.is_meta for tensor in network.parameters())


def test_heads_of_a_configuration_count_more_than_the_rule() -> None:
    tensors = draw_segformer()
    plan = build_network(tensors, heads=(2, 2, 3, 5)).plan
    assert [stage.heads for stage in plan.stages] == [2, 2, 3, 5]
    picture = noise(64, 64)
    other = build_network(tensors, heads=(2, 2, 3, 5))(picture) - build_network(tensors)(picture)
    assert float(other.abs().max()) > 1e-3


def test_a_segformer_is_known_by_its_names() -> None:
    shapes = dict(segformer_shapes(TINY))
    assert tell_family(shapes).name == "segformer"
    with pytest.raises(BadFile):
        tell_family({name: shape for name, shape in shapes.items() if not name.startswith("decode_head")})


def changed(**changes: Tensor | None) -> dict[str, Tensor]:
    tensors = draw_segformer() | {name: tensor for name, tensor in changes.items() if tensor is not None}
    return {name: tensor for name, tensor in tensors.items() if changes.get(name, tensor) is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({EXPAND: None}, r"missing: stages\.1\.blocks\.1\.feed\.expand\.weight"),
        ({FUSE: None}, "linear_fuse.weight is missing"),
        ({CLASSIFIER: None}, "classifier.weight is missing"),
        ({"decode_head.batch_norm.running_var": None}, "missing: decode_head.batch_norm.running_var"),
        ({"decode_head.linear_c.2.proj.bias": None}, "missing: decode_head.project.2.proj.bias"),
        ({"segformer.encoder.block.0.0.extra.weight": torch.zeros(3)}, "does not have: .*extra"),
        ({"decode_head.extra.weight": torch.zeros(3)}, "does not have: decode_head.extra"),
        ({EXPAND: torch.zeros(33, 16)}, r"other shapes: .*\[33, 16\], wanted \[32, 16\]"),
        ({EXPAND: torch.zeros(33)}, "axes|other shapes"),
        ({"decode_head.linear_c.1.proj.weight": torch.zeros(9, 16)}, "head of 70 channels"),
        ({"decode_head.batch_norm.weight": torch.ones(9)}, "head of 70 channels"),
        ({FUSE: torch.zeros(70, 70, 1, 1)}, "head of 70 channels"),
        ({CLASSIFIER: torch.zeros(18, 9, 1, 1)}, "other shapes"),
        ({CLASSIFIER: torch.full((18, 70, 1, 1), float("nan"))}, "no numbers: head.classify.weight"),
    ],
    ids=str,
)  # fmt: skip
def test_weights_that_are_no_segformer_are_refused_with_what_is_wrong(
    changes: dict[str, Tensor | None], message: str
) -> None:
    with pytest.raises(NotSegformer, match=message):
        build_network(changed(**changes))


@pytest.mark.parametrize("options", [{"heads": (1, 2)}, {"heads": (3, 2, 3, 5)}, {"heads": (0, 2, 3, 5)},
                                     {"strides": (4, 2, 2)}, {"strides": (4, 2, 2, -1)},
                                     {"strides": (4, 2, 2, 10**12)}])  # fmt: skip
def test_a_configuration_that_does_not_fit_is_refused(options: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(NotSegformer, match="heads"):
        build_network(draw_segformer(), **options)


def test_widths_of_which_heads_cannot_be_told_ask_for_a_configuration() -> None:
    tensors = draw_segformer(make_plan((10, 16, 24, 40), (1, 1, 1, 1), 16, 4))
    with pytest.raises(NotSegformer, match="num_attention_heads"):
        build_network(tensors)
    assert build_network(tensors, heads=(2, 2, 2, 2))(noise(32, 32)).shape == (1, 4, 8, 8)


def test_weights_of_another_network_are_refused_shortly() -> None:
    with pytest.raises(NotSegformer) as refusal:
        build_network({f"model.{number}.conv.weight": torch.zeros(3, 3, 3, 3) for number in range(300)})
    assert len(str(refusal.value)) < 200
