"""Tells which network a set of tensors belongs to, from their names and shapes alone, never from a file's name.

YOLO's names are those of ultralytics (``model.<layer>.<part>...``), SAM's those of segment_anything and its followers,
SegFormer's those of transformers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...errors import BadFile
from .records import clean_text

Shapes = Mapping[str, tuple[int, ...]]

YOLO_FAMILIES = ("yolov5u", "yolov8", "yolov9", "yolov10", "yolo11", "yolo12", "yolo26")
SAM_FAMILIES = ("sam", "mobile_sam", "hq_sam")
PARSER_FAMILIES = ("segformer", "hemline")
FAMILIES = (*YOLO_FAMILIES, *SAM_FAMILIES, *PARSER_FAMILIES)
TASKS = ("detect", "segment", "classify", "pose", "obb", "prompt", "parse")


@dataclass(frozen=True)
class Family:
    """Which network it is.

    name: one of `FAMILIES`. task: one of `TASKS`; "prompt" for SAM, "parse" for a class per pixel. scale: "n" to "x" of
    a YOLO, "vit_b", "vit_l", "vit_h" or "vit_t" of a SAM, "b0" to "b5" of a SegFormer; empty where the sizes are none
    of the published ones. classes: how many it tells apart, the ground included where it has one; 0 for SAM. YOLO11 and
    26 classifiers have the same tensors and are both called "yolo11".
    """

    name: str
    task: str
    scale: str = ""
    classes: int = 0


def title_of(family: str, scale: str, task: str) -> str:
    """Family, size and task for a person, such as "yolo11 n (segment)"."""
    return " ".join(word for word in (family, scale, f"({task})") if word)


def tell_family(shapes: Shapes) -> Family:
    """The family of the tensors of these names and shapes.

    Raises `BadFile` for families that are known not to run here, with the reason, and for unknown ones, with some of
    the names that were seen.
    """
    for tell in (_refuse_known, _tell_sam, _tell_segformer, _tell_hemline, _tell_yolo):
        family = tell(shapes)
        if family is not None:
            return family
    seen = ", ".join(clean_text(name) for name in list(shapes)[:6]) or "none"
    raise BadFile(
        f"its {len(shapes)} tensors belong to no family that is known. Known: {', '.join(FAMILIES)}. "
        f"Some of its tensors: {seen}."
    )


def _any(shapes: Shapes, pattern: str) -> bool:
    return any(re.match(pattern, name) for name in shapes)


# What is recognised only to say why it does not run.
_REFUSED: tuple[tuple[str, str, str], ...] = (
    ("a SAM 3", r"(detector|tracker)\.(backbone|transformer|sam_mask_decoder)", "its code differs from SAM's"),
    ("a SAM 2", r"(sam_mask_decoder|memory_attention|image_encoder\.trunk|obj_ptr_proj)\b",
     "its code differs from SAM's"),
    ("a SAM of the transformers library", r"(vision_encoder\.(layers|patch_embed)|shared_image_embedding)\b",
     "give the original sam_vit_*.pth"),
    ("an EfficientViT or RepViT SAM", r"image_encoder\.(backbone|features|stages|blocks\.0\.0)\b",
     "of SAMs with another encoder only MobileSAM is known"),
    ("an RT-DETR", r"model\.\d+\.(dec_score_head|decoder\.layers)\.", "it is no YOLO"),
    ("a YOLO-World or YOLOE", r"model\.\d+\.(cv4\.\d+\.(norm|logit_scale)|savpe|reprta|lrpc)\b",
     "its classes are texts; export it with the classes set"),
    ("a YOLO of the years before ultralytics, which has anchors", r"model\.\d+\.(m\.\d+\.weight|anchors?|anchor_grid)$",
     "train it again with ultralytics, or take the u model, such as yolov5nu"),
)  # fmt: skip


def _refuse_known(shapes: Shapes) -> None:
    for name, pattern, reason in _REFUSED:
        if _any(shapes, pattern):
            raise BadFile(f"it is {name}, which Hemline does not run: {reason}. Known: {', '.join(FAMILIES)}.")


# SAM: Kirillov et al., "Segment Anything", 2023: width of the encoder and count of its blocks.
_SAM_SCALES = {(768, 12): "vit_b", (1024, 24): "vit_l", (1280, 32): "vit_h"}


def _tell_sam(shapes: Shapes) -> Family | None:
    if "mask_decoder.iou_token.weight" not in shapes or not _any(shapes, r"image_encoder\."):
        return None
    high_quality = "mask_decoder.hf_token.weight" in shapes
    if "image_encoder.patch_embed.seq.0.c.weight" in shapes:
        return Family("hq_sam" if high_quality else "mobile_sam", "prompt", "vit_t")
    position = shapes.get("image_encoder.pos_embed", ())
    blocks = _count(shapes, r"image_encoder\.blocks\.(\d+)\.")
    scale = _SAM_SCALES.get((position[-1], blocks), "") if len(position) == 4 else ""
    return Family("hq_sam" if high_quality else "sam", "prompt", scale)


# Xie et al., "SegFormer", 2021, table 6: width of the first stage and blocks of the four.
_SEGFORMER_SCALES: Mapping[tuple[int, tuple[int, ...]], str] = {
    (32, (2, 2, 2, 2)): "b0", (64, (2, 2, 2, 2)): "b1", (64, (3, 4, 6, 3)): "b2", (64, (3, 4, 18, 3)): "b3",
    (64, (3, 8, 27, 3)): "b4", (64, (3, 6, 40, 3)): "b5",
}  # fmt: skip


def _tell_segformer(shapes: Shapes) -> Family | None:
    classes = shapes.get("decode_head.classifier.weight", ())
    first = shapes.get("segformer.encoder.patch_embeddings.0.proj.weight") or shapes.get(
        "segformer.stages.0.patch_embeddings.proj.weight"
    )
    if len(classes) != 4 or not first:
        return None
    blocks = tuple(
        _count(shapes, rf"segformer\.(?:encoder\.block\.{stage}|stages\.{stage}\.blocks)\.(\d+)\.")
        for stage in range(4)
    )  # fmt: skip
    return Family("segformer", "parse", _SEGFORMER_SCALES.get((first[0], blocks), ""), classes[0])


def _tell_hemline(shapes: Shapes) -> Family | None:
    classes = shapes.get("classify.weight", ())
    if len(classes) != 4 or "stem.conv.weight" not in shapes or "context.weight" not in shapes:
        return None
    return Family("hemline", "parse", "", classes[0])


def _count(shapes: Shapes, pattern: str) -> int:
    """How many numbers the group in the pattern takes."""
    return len({found[1] for name in shapes if (found := re.match(pattern, name))})


def _tell_yolo(shapes: Shapes) -> Family | None:
    layers = {int(found[1]) for name in shapes if (found := re.match(r"model\.(\d{1,3})\.", name))}
    if not layers:
        return None
    head = f"model.{max(layers)}."
    last = {name[len(head) :]: shape for name, shape in shapes.items() if name.startswith(head)}
    task = _yolo_task(last)
    name = next((name for name, fits in _YOLO_RULES if fits(shapes, last)), None)
    if task is None or name is None:
        return None
    return Family(name, task, _yolo_scale(name, shapes), _yolo_classes(last))


def _yolo_task(last: Shapes) -> str | None:
    """By the parts of the last layer: its fourth row of convolutions means masks, points or angles."""
    if "linear.weight" in last:
        return "classify"
    if not _any(last, r"cv2\.0\.") or not _any(last, r"cv3\.0\."):
        return None
    if _any(last, r"proto\."):
        return "segment"
    if not _any(last, r"(cv4|cv4_kpts)\."):
        return "detect"
    return "obb" if _final_width(last, "cv4") == 1 else "pose"


def _yolo_classes(last: Shapes) -> int:
    return last["linear.weight"][0] if "linear.weight" in last else _final_width(last, "cv3")


def _final_width(last: Shapes, row: str) -> int:
    """The channels that the row of convolutions gives at the finest scale: those of its last, plain one."""
    shapes = [shape for name, shape in last.items() if re.match(rf"{row}\.0\.\d+\.weight$", name)]
    return shapes[-1][0] if shapes and shapes[-1] else 0


def _has(pattern: str) -> Callable[[Shapes], bool]:
    return lambda shapes: _any(shapes, rf"model\.\d+\.{pattern}")


_AREA_ATTENTION = _has(r"m\.\d+\.\d+\.attn\.(qkv?|v)\.conv\.weight")
_MLP = _has(r"m\.\d+\.\d+\.mlp\.0\.")
_BLOCK_ATTENTION = _has(r"m\.\d+\.attn\.qkv\.conv\.weight")
_PLAIN_ATTENTION = _has(r"attn\.qkv\.conv\.weight")
_ELAN = _has(r"cv4\.conv\.weight")
_THREE = _has(r"cv3\.conv\.weight")
_TWO = _has(r"m\.\d+\.cv1\.conv\.weight")


def _end_to_end(last: Shapes) -> bool:
    return _any(last, r"one2one_cv2\.")


def _bins(last: Shapes) -> bool:
    """Whether boxes come as distributions over bins (DFL), not as four numbers."""
    return _final_width(last, "cv2") > 4


# In this order: what the newer has and the older has not. A2C2f is YOLO12's, C2PSA YOLO11's and 26's, PSA YOLOv10's,
# RepNCSPELAN4 and ELAN1 YOLOv9's, C3 YOLOv5's, C2f YOLOv8's.
_YOLO_RULES: tuple[tuple[str, Callable[[Shapes, Shapes], bool]], ...] = (
    ("yolo12", lambda shapes, last: _AREA_ATTENTION(shapes) and _MLP(shapes)),
    ("yolo26", lambda shapes, last: _BLOCK_ATTENTION(shapes) and bool(last) and _is_26(last)),
    ("yolo11", lambda shapes, last: _BLOCK_ATTENTION(shapes)),
    ("yolov10", lambda shapes, last: _PLAIN_ATTENTION(shapes) and _end_to_end(last)),
    ("yolov9", lambda shapes, last: _ELAN(shapes)),
    ("yolov5u", lambda shapes, last: _THREE(shapes) and shapes.get("model.0.conv.weight", ())[2:] == (6, 6)),
    ("yolov8", lambda shapes, last: _TWO(shapes) and not _THREE(shapes)),
)


def _is_26(last: Shapes) -> bool:
    return _end_to_end(last) or ("linear.weight" not in last and not _bins(last))


# Width of the first convolution; where two sizes share it, the count of blocks in layer 2 decides.
_NARROW = {(16, 1): "n", (32, 1): "s", (48, 2): "m", (64, 3): "l", (80, 3): "x"}
_WIDE = {(16, 1): "n", (32, 1): "s", (64, 1): "m", (64, 2): "l", (96, 2): "x"}
_YOLO_SCALES: Mapping[str, Mapping[tuple[int, int], str]] = {
    "yolov5u": {**_NARROW, (80, 4): "x"},
    "yolov8": _NARROW,
    "yolov10": {**_NARROW, (64, 2): "b"},
    "yolo11": _WIDE,
    "yolo12": _WIDE,
    "yolo26": _WIDE,
}


def _yolo_scale(name: str, shapes: Shapes) -> str:
    if name == "yolov9":
        return _yolov9_scale(shapes)
    width = (*shapes.get("model.0.conv.weight", ()), 0)[0]
    return _YOLO_SCALES[name].get((width, _count(shapes, r"model\.2\.m\.(\d+)\.")), "")


def _yolov9_scale(shapes: Shapes) -> str:
    """Its sizes are drawn one by one: e begins with the picture itself, s and m differ in the kind of layer 2."""
    if "model.0.conv.weight" not in shapes:
        return "e"
    deep = _any(shapes, r"model\.2\.cv2\.0\.")
    return {(16, False): "t", (32, False): "s", (32, True): "m", (64, True): "c"}.get(
        (shapes["model.0.conv.weight"][0], deep), ""
    )
