"""Which network it is, from names and shapes: those of the packages themselves, and those known from their files."""

from __future__ import annotations

import json

import pytest
import torch
from support.ultralytics_files import YAMLS

from hemline.errors import BadFile
from hemline.segmentation.checkpoints.families import FAMILIES, TASKS, Family, tell_family

ENDINGS = {"-seg": "segment", "-cls": "classify", "-pose": "pose", "-obb": "obb"}
SAM_HEAD = {"mask_decoder.iou_token.weight": (1, 256), "prompt_encoder.no_mask_embed.weight": (1, 256)}
TINY = {"image_encoder.patch_embed.seq.0.c.weight": (32, 3, 3, 3), **SAM_HEAD}
HIGH_QUALITY = {"mask_decoder.hf_token.weight": (1, 256)}


@pytest.fixture(scope="module")
def yolo_shapes(ultralytics_files) -> dict[str, dict[str, tuple[int, ...]]]:
    table = json.loads((ultralytics_files / "shapes.json").read_text())
    return {name: {part: tuple(shape) for part, shape in shapes.items()} for name, shapes in table.items()}


@pytest.mark.parametrize("config", [f"{name} {scale}" for name, (_, scales) in YAMLS.items() for scale in scales])
def test_every_published_yolo_is_told_by_family_task_and_scale(yolo_shapes, config):
    name, _, scale = config.rpartition(" ")
    if name.startswith("refused"):
        with pytest.raises(BadFile, match="which Hemline does not run"):
            tell_family(yolo_shapes[config])
        return
    task = next((task for ending, task in ENDINGS.items() if name.endswith(ending)), "detect")
    family = name.split("-")[0]
    classes = {"classify": 1000, "pose": 1 if family == "yolov8" else 80}.get(task, 80)
    assert tell_family(yolo_shapes[config]) == Family(family, task, scale, classes)


def sam_shapes(width: int, blocks: int) -> dict[str, tuple[int, ...]]:
    encoder = {f"image_encoder.blocks.{number}.norm1.weight": (width,) for number in range(blocks)}
    return {"image_encoder.pos_embed": (1, 64, 64, width), **encoder, **SAM_HEAD}


@pytest.mark.parametrize(
    ("shapes", "name", "scale"),
    [
        (sam_shapes(768, 12), "sam", "vit_b"),
        (sam_shapes(1024, 24), "sam", "vit_l"),
        (sam_shapes(1280, 32), "sam", "vit_h"),
        (sam_shapes(64, 2), "sam", ""),
        ({**sam_shapes(1024, 24), **HIGH_QUALITY}, "hq_sam", "vit_l"),
        (TINY, "mobile_sam", "vit_t"),
        ({**TINY, **HIGH_QUALITY}, "hq_sam", "vit_t"),
    ],
)
def test_sams_are_told_by_their_encoder(shapes, name, scale):
    assert tell_family(shapes) == Family(name, "prompt", scale, 0)


@pytest.mark.parametrize("scale", ["vit_b", "vit_l", "vit_h"])
def test_the_names_of_segment_anything_itself_are_those_of_the_table(scale):
    registry = pytest.importorskip("segment_anything").sam_model_registry
    with torch.device("meta"):
        state = registry[scale]().state_dict()
    assert tell_family({name: tuple(value.shape) for name, value in state.items()}).scale == scale


SEGFORMER = {
    "decode_head.classifier.weight": (18, 768, 1, 1),
    "segformer.encoder.patch_embeddings.0.proj.weight": (64, 3, 7, 7),
}


@pytest.mark.parametrize(
    ("depths", "scale"), [((3, 4, 6, 3), "b2"), ((3, 6, 40, 3), "b5"), ((2, 2, 2, 2), "b1"), ((1, 1, 1, 1), "")]
)
def test_segformers_are_told_by_the_blocks_of_their_stages(depths, scale):
    blocks = {
        f"segformer.encoder.block.{stage}.{number}.layer_norm_1.weight": (64,)
        for stage, depth in enumerate(depths)
        for number in range(depth)
    }
    assert tell_family({**SEGFORMER, **blocks}) == Family("segformer", "parse", scale, 18)


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"), "SAM 2"),
        (("detector.backbone.vision_backbone.trunk.pos_embed",), "SAM 3"),
        (("vision_encoder.layers.0.attn.qkv.weight", "mask_decoder.iou_token.weight"), "transformers"),
        (("model.24.m.0.weight", "model.24.anchors"), "anchors"),
        (("model.28.dec_score_head.0.weight",), "RT-DETR"),
    ],
)
def test_known_families_that_do_not_run_are_refused_by_name(names, what):
    with pytest.raises(BadFile, match=what):
        tell_family(dict.fromkeys(names, (1, 1)))


@pytest.mark.parametrize(
    "shapes", [{}, {"layer.weight": (3, 3), "model.weight": (1,)}, {"model.0.conv.weight": (16, 3, 3, 3)}]
)
def test_unknown_tensors_are_shown_beside_what_is_known(shapes):
    with pytest.raises(BadFile, match="no family that is known") as caught:
        tell_family(shapes)
    assert all(name in str(caught.value) for name in FAMILIES)
    assert all(name in str(caught.value) for name in shapes)


def test_every_task_is_listed():
    assert set(TASKS) >= {"detect", *ENDINGS.values(), "prompt", "parse"}
