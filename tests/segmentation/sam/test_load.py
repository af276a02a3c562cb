"""A SAM's file becomes its network by what its tensors say, with nothing else run, and what is missing is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.commands import PYTHON
from support.tiny_sam import SIDE, random_state, save_state, tiny_modules

from hemline.errors import BadFile, MissingModel
from hemline.segmentation.remedies import torchvision_remedy
from hemline.segmentation.sam import load_sam
from hemline.segmentation.sam.foreign import load_networks
from hemline.segmentation.sam.model import MEAN, STD, Prompts, build_sam
from hemline.segmentation.sam.plan import NotSam, VitPlan, read_plan

pytest.importorskip("segment_anything", reason="segment-anything defines the network (extra: sam)")


def some_prompts(cells: int = 64) -> Prompts:
    torch.manual_seed(1)
    boxes = torch.tensor([[10.0, 20, 60, 70], [5, 5, 90, 80]])
    points = torch.tensor([[[20.0, 30], [40, 40]], [[50.0, 50], [70, 20]]])
    return Prompts(boxes, points, torch.tensor([[1, 0], [1, 1]]), torch.randn(2, 1, cells, cells))


@pytest.mark.parametrize("form", ["pth", "safetensors", "wrapped"])
def test_every_form_of_file_gives_the_same_network(tmp_path, form):
    state = random_state()
    path = tmp_path / "no_name_tells_anything"
    if form == "safetensors":
        save_file({name: value.contiguous() for name, value in state.items()}, path)
    else:
        torch.save({"model": state} if form == "wrapped" else state, path)
    sam = load_sam(path)
    assert (sam.family, sam.side, sam.plan.proposals) == ("sam", SIDE, 3)
    for part, module in zip(
        ("image_encoder", "prompt_encoder", "mask_decoder"), (sam.encoder, sam.prompter, sam.decoder), strict=True
    ):
        for name, value in module.state_dict().items():
            assert torch.equal(value, state[f"{part}.{name}"])


def test_logits_equal_those_of_segment_anythings_predictor_for_the_same_resized_picture():
    from segment_anything import SamPredictor

    torch.manual_seed(0)
    model = tiny_modules()
    picture, prompts = torch.rand(3, 96, SIDE), some_prompts()
    predictor = SamPredictor(model)
    predictor.set_torch_image((picture * 255).unsqueeze(0), (96, SIDE))
    sam = build_sam(model.state_dict(), "sam")
    logits, scores = sam.decode(sam.encode(picture), prompts)
    for several, part in ((True, slice(1, None)), (False, slice(0, 1))):
        # The package adds half a pixel to every place; ours are where they are.
        _, wanted_scores, wanted = predictor.predict_torch(
            prompts.points - 0.5, prompts.marks, prompts.boxes - 0.5, prompts.masks, several, return_logits=True
        )
        assert torch.allclose(logits[:, part], wanted, atol=1e-4)
        assert torch.allclose(scores[:, part], wanted_scores, atol=1e-4)


def test_colours_are_normalised_as_segment_anything_does():
    model = tiny_modules()
    assert torch.allclose(model.pixel_mean.flatten() / 255, torch.tensor(MEAN))
    assert torch.allclose(model.pixel_std.flatten() / 255, torch.tensor(STD))


@pytest.mark.parametrize(
    ("sizes", "vit"),
    [
        ({"window": 5}, VitPlan(32, 2, 4, 8, 5, (1,), 4.0, True)),
        ({"window": 7, "width": 48, "depth": 3}, VitPlan(48, 3, 4, 8, 7, (2,), 4.0, True)),
        ({"window": 3, "side": 64, "patch": 16}, VitPlan(32, 2, 4, 16, 3, (1,), 4.0, True)),
    ],
)
def test_sizes_are_read_from_the_tensors(sizes, vit):
    state = random_state(**sizes)
    assert read_plan(state).vit == vit
    sam = build_sam(state, "sam")
    assert sam.encode(torch.rand(3, sam.side, sam.side // 2)).embedding.shape == (1, 32, sam.plan.grid, sam.plan.grid)


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_published_sizes_are_told_without_taking_their_memory(name):
    from segment_anything import sam_model_registry

    with torch.device("meta"):
        model = sam_model_registry[name]()
    plan = read_plan(model.state_dict())
    width, depth, heads, whole = {
        "vit_b": (768, 12, 12, (2, 5, 8, 11)), "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
        "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
    }[name]  # fmt: skip
    assert plan.vit == VitPlan(width, depth, heads, 16, 14, whole, 4.0, True)
    assert (plan.side, plan.grid, plan.channels, plan.hidden, plan.cell_px) == (1024, 64, 256, 2048, 4)


def test_nothing_needs_gradients(tmp_path):
    sam = load_sam(save_state(tmp_path, random_state()))
    parameters = [part for module in (sam.encoder, sam.prompter, sam.decoder) for part in module.parameters()]
    assert not any(
        part.requires_grad or module.training for part in parameters for module in (sam.encoder, sam.decoder)
    )
    features = sam.encode(torch.rand(3, SIDE, SIDE))
    assert not features.embedding.requires_grad and features.embedding.grad_fn is None


def test_the_encoder_may_compute_in_half_precision_while_logits_stay_near():
    sam = build_sam(random_state(), "sam")
    picture, prompts = torch.rand(3, SIDE, SIDE), some_prompts()
    wanted = sam.decode(sam.encode(picture), prompts)[0]
    got = sam.to("cpu", torch.bfloat16)
    assert got.encode(picture).embedding.dtype == torch.float32
    assert torch.allclose(got.decode(got.encode(picture), prompts)[0], wanted, atol=0.05)


def test_many_prompts_are_decoded_in_portions_with_the_same_result():
    sam = build_sam(random_state(), "sam")
    features, two = sam.encode(torch.rand(3, SIDE, SIDE)), some_prompts()
    many = Prompts(
        *(part.repeat(10, *[1] * (part.dim() - 1)) for part in (two.boxes, two.points, two.marks, two.masks))
    )
    assert torch.allclose(sam.decode(features, many)[0], sam.decode(features, two)[0].repeat(10, 1, 1, 1), atol=1e-5)


def test_a_prompt_is_answered_alike_whatever_its_companions_have():
    sam = build_sam(random_state(), "sam")
    features, two = sam.encode(torch.rand(3, SIDE, SIDE)), some_prompts()
    lone = Prompts(two.boxes[:1], two.points[:1, :1], torch.ones(1, 1), two.masks[:1])
    marks = torch.ones(2, two.points.shape[1])
    marks[0, 1:] = -1
    assert marks.shape[1] > 1
    together = Prompts(two.boxes, two.points, marks, two.masks)
    for alone, beside in zip(sam.decode(features, lone), sam.decode(features, together), strict=True):
        assert torch.allclose(alone[0], beside[0], atol=1e-5)


# What cannot be loaded.


def spoil(state: dict, change: str) -> dict:
    if change == "missing":
        del state["image_encoder.neck.0.weight"]
    elif change == "unexpected":
        state["image_encoder.extra"] = torch.zeros(3)
    elif change == "shape":
        state["mask_decoder.transformer.layers.1.mlp.lin1.weight"] = torch.zeros(3, 3)
    elif change == "not a number":
        state["prompt_encoder.no_mask_embed.weight"][0, 0] = float("nan")
    elif change == "two windows":
        state["image_encoder.blocks.0.attn.rel_pos_h"] = torch.zeros(5, 8)
    elif change == "patch":
        state["image_encoder.patch_embed.proj.weight"] = torch.zeros(32, 3, 7, 7)
    elif change == "decoder":
        state["mask_decoder.transformer.layers.0.cross_attn_token_to_image.q_proj.weight"] = torch.zeros(12, 32)
    return state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", "neck.0.weight"), ("unexpected", "image_encoder.extra"), ("shape", "layers.1.mlp.lin1.weight"),
        ("not a number", "no_mask_embed"), ("two windows", ""), ("patch", "cells of 7 px"), ("decoder", "fits no SAM"),
    ],
)  # fmt: skip
def test_weights_that_are_not_of_one_sam_are_refused_with_the_reason(tmp_path, change, words):
    path = save_state(tmp_path, spoil(random_state(), change))
    with pytest.raises(BadFile, match="no SAM that can be run") as caught:
        load_sam(path)
    assert words in str(caught.value) and str(path) in str(caught.value)


def test_a_file_that_is_not_there_and_one_of_another_family_are_refused(tmp_path):
    with pytest.raises(MissingModel, match="not there"):
        load_sam(tmp_path / "sam_vit_h_4b8939.pth")
    weights = {"stem.conv.weight": torch.zeros(2, 3), "context.weight": torch.zeros(2),
               "classify.weight": torch.zeros(2, 1, 1, 1)}  # fmt: skip
    with pytest.raises(BadFile, match="not a SAM"):
        load_sam(save_state(tmp_path, weights, "sam_vit_h_4b8939.pth"))


def test_without_a_neck_there_is_no_plan():
    with pytest.raises(NotSam, match="iou_token"):
        read_plan({})


# In processes of their own: packages that are missing or broken, and what loading does besides.

LOAD = """
import json, sys
from pathlib import Path
from hemline.errors import MissingModel
from hemline.segmentation.sam import load_sam
{before}
try:
    print(json.dumps(["loaded", load_sam(Path({path!r})).family]))
except MissingModel as error:
    print(json.dumps(["missing", str(error)]))
"""
HIDE = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names!r} else find(name, *rest)
"""


def load_apart(path: Path, before: str = "", folders: tuple[Path, ...] = ()) -> list[str]:
    code = LOAD.format(before=before, path=str(path))
    code = "\n".join(f"sys.path.insert(0, {str(folder)!r})" for folder in folders) + code
    run = subprocess.run([*PYTHON, code], cwd=path.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def break_torchvision(folder: Path) -> Path:
    """A torchvision that was built for another torch, as people meet it."""
    package = folder / "broken" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    return package.parent


def test_without_segment_anything_the_extra_is_named(tmp_path):
    path = save_state(tmp_path, random_state())
    outcome, message = load_apart(path, HIDE.format(names=["segment_anything"]))
    assert outcome == "missing" and "pip install segment-anything" in message


def test_a_broken_torchvision_does_not_stop_a_sam(tmp_path):
    """segment_anything as a whole would not start; its networks do, because only they are run."""
    path, broken = save_state(tmp_path, random_state()), break_torchvision(tmp_path)
    whole = f"import sys; sys.path.insert(0, {str(broken)!r}); import segment_anything"
    assert "torchvision::nms" in subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True).stderr
    assert load_apart(path, folders=(broken,)) == ["loaded", "sam"]


def test_networks_that_need_a_broken_torchvision_give_the_line_that_mends_it(tmp_path):
    package = tmp_path / "own" / "mobile_sam" / "modeling"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "tiny_vit_sam.py").write_text("import torchvision\n")
    before = "from hemline.segmentation.sam.foreign import load_networks as load\n"
    before += "load_sam = lambda _: load('mobile_sam', 'tiny_vit_sam')"
    outcome, message = load_apart(tmp_path / "any", before, (break_torchvision(tmp_path), package.parents[1]))
    assert outcome == "missing" and "torchvision::nms does not exist" in message
    assert f"does not fit torch {torch.__version__}" in message and message.endswith(torchvision_remedy())


WATCH = """
import sys, json
seen = []
def hook(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "shutil.")):
        seen.append(f"{event} {arguments!r:.80}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if "__pycache__" not in str(arguments[0]):
            seen.append(f"write {arguments[0]}")
sys.addaudithook(hook)
"""


def test_loading_touches_no_network_starts_nothing_writes_nothing_and_imports_no_torchvision(tmp_path):
    path = save_state(tmp_path, random_state())
    # torch's own import asks the system for libraries; what is watched is the loading.
    code = f"{LOAD.format(before=WATCH, path=str(path))}\nprint(json.dumps([seen, sorted(sys.modules)]))"
    run = subprocess.run([*PYTHON, code], cwd=tmp_path, capture_output=True, text=True)
    outcome, (seen, modules) = map(json.loads, run.stdout.splitlines())
    assert outcome == ["loaded", "sam"], run.stderr
    assert seen == []
    assert not {"torchvision", "segment_anything", "matplotlib", "cv2", "PIL", "timm"} & set(modules)


def test_the_watch_sees_a_write_and_a_socket(tmp_path):
    """Else the test above would show nothing."""
    code = f"{WATCH}open('x', 'w').close(); import socket; socket.socket().close(); print(seen)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "write x" in run.stdout and "socket.__new__" in run.stdout


# SAM's followers.

HQ_PARTS = ("mask_decoder.hf_token.weight", (1, 32))


def test_hq_sam_without_its_code_says_what_to_install(tmp_path):
    path = save_state(tmp_path, {**random_state(), HQ_PARTS[0]: torch.zeros(HQ_PARTS[1])})
    outcome, message = load_apart(path, HIDE.format(names=["segment_anything_hq"]))
    assert outcome == "missing" and "pip install segment-anything-hq" in message


def test_mobile_sam_without_its_code_says_what_to_install(tmp_path):
    decoder = {name: value for name, value in random_state().items() if not name.startswith("image_encoder.")}
    path = save_state(tmp_path, {**decoder, "image_encoder.patch_embed.seq.0.c.weight": torch.zeros(4, 3, 3, 3)})
    outcome, message = load_apart(path, HIDE.format(names=["segment_anything_hq", "mobile_sam"]))
    assert outcome == "missing" and "pip install segment-anything-hq timm" in message


def tiny_hq(width: int = 32):
    """HQ-SAM's own classes in the sizes of the tiny SAM."""
    from functools import partial

    sam = tiny_modules(width=width)
    encoder, decoder, two_way = load_networks("segment_anything_hq", "image_encoder", "mask_decoder_hq", "transformer")
    sam.image_encoder = encoder.ImageEncoderViT(
        img_size=SIDE, patch_size=8, embed_dim=width, depth=2, num_heads=4, out_chans=32, use_rel_pos=True,
        window_size=5, global_attn_indexes=(1,), norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    transformer = two_way.TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=8)
    sam.mask_decoder = decoder.MaskDecoderHQ(
        transformer_dim=32, transformer=transformer, iou_head_hidden_dim=32, vit_dim=width
    )
    return sam.eval()


def test_hq_sams_logits_equal_those_of_its_own_decoder():
    pytest.importorskip("segment_anything_hq", reason="segment-anything-hq defines HQ-SAM's network")
    torch.manual_seed(0)
    model, picture, prompts = tiny_hq(), torch.rand(3, SIDE, 100), some_prompts()
    sam = build_sam(model.state_dict(), "hq_sam")
    logits, _ = sam.decode(sam.encode(picture), prompts)
    with torch.no_grad():
        embedding, early = model.image_encoder(model.preprocess(picture * 255).unsqueeze(0))
        sparse, dense = model.prompt_encoder((prompts.points - 0.5, prompts.marks), prompts.boxes - 0.5, prompts.masks)
        wanted, _ = model.mask_decoder(
            embedding, model.prompt_encoder.get_dense_pe(), sparse, dense, False, False, early
        )
    assert torch.allclose(logits[:, :1], wanted, atol=1e-4)


def test_a_mobile_sam_is_built_of_hq_sams_copy_of_its_encoder(tmp_path):
    pytest.importorskip("timm", reason="timm is what TinyViT stands on")
    pytest.importorskip("segment_anything_hq", reason="segment-anything-hq has MobileSAM's encoder too")
    from hemline.segmentation.sam.model import TINY_VIT

    (module,) = load_networks("segment_anything_hq", "tiny_vit_sam")
    encoder = module.TinyViT(img_size=1024, num_classes=5, **TINY_VIT)
    published = tiny_published_decoder()
    state = {f"image_encoder.{name}": value for name, value in encoder.state_dict().items()} | published
    sam = load_sam(save_state(tmp_path, state))
    assert (sam.family, sam.side, sam.plan.encoder_classes, sam.plan.early) == ("mobile_sam", 1024, 5, 0)
    assert not any(buffer.is_meta for buffer in sam.encoder.buffers())


def tiny_published_decoder() -> dict[str, torch.Tensor]:
    """Prompt encoder and decoder of the published size, 256 wide, as MobileSAM has them."""
    from segment_anything import modeling

    two_way = modeling.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    parts = {
        "prompt_encoder": modeling.PromptEncoder(256, (64, 64), (1024, 1024), 16),
        "mask_decoder": modeling.MaskDecoder(transformer_dim=256, transformer=two_way),
    }
    return {f"{part}.{name}": value for part, module in parts.items() for name, value in module.state_dict().items()}
