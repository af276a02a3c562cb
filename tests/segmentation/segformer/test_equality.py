"""Our SegFormer beside that of the transformers library: the same weights, the same logits. Nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from checkpoints import MIT, TINY, draw_segformer, mit_plan
from safetensors.torch import save_file

from hemline.segmentation.segformer.files import load_segformer
from hemline.segmentation.segformer.network import Plan

transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install hemline[test])")
if not transformers.utils.is_torch_available():
    pytest.skip("this transformers does not work with this torch", allow_module_level=True)

PLANS = {"tiny": TINY, **{name: mit_plan(name) for name in ("b0", "b1")}}
ODD = [(64, 64), (45, 77), (97, 61), (131, 200)]
CASES = [("tiny", size) for size in ODD] + [("b0", (64, 64)), ("b0", (97, 61)), ("b1", (64, 96)), ("b1", (61, 45))]


def configuration(plan: Plan) -> dict[str, object]:
    stages = plan.stages
    return {
        "model_type": "segformer", "architectures": ["SegformerForSemanticSegmentation"],
        "num_labels": plan.labels, "decoder_hidden_size": plan.head,
        "hidden_sizes": [stage.channels for stage in stages], "depths": [stage.depth for stage in stages],
        "num_attention_heads": [stage.heads for stage in stages], "sr_ratios": [stage.reduction for stage in stages],
        "mlp_ratios": [stage.hidden // stage.channels for stage in stages],
        "patch_sizes": [stage.patch for stage in stages], "strides": [stage.stride for stage in stages],
    }  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each plan, with weights under the names by which nearly all files are stored."""
    made: dict[str, Path] = {}
    for name, plan in PLANS.items():
        made[name] = tmp_path_factory.mktemp(name)
        save_file(draw_segformer(plan), str(made[name] / "model.safetensors"), {"format": "pt"})
        (made[name] / "config.json").write_text(json.dumps(configuration(plan)))
    return made


def theirs(folder: Path) -> torch.nn.Module:
    model, report = transformers.SegformerForSemanticSegmentation.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize(("name", "size"), CASES)
def test_logits_are_equal_within_a_hundred_thousandth(
    folders: dict[str, Path], name: str, size: tuple[int, int]
) -> None:
    pictures = torch.randn((2, 3, *size), generator=torch.Generator().manual_seed(size[0]))
    wanted = theirs(folders[name])(pictures).logits
    got = load_segformer(folders[name]).network(pictures)
    assert float(wanted.abs().max()) > 1
    assert got.shape == wanted.shape
    assert float((got - wanted).abs().max()) < 1e-5


@torch.no_grad()
def test_what_the_library_saves_itself_is_loaded_with_its_words(folders: dict[str, Path], tmp_path: Path) -> None:
    model = theirs(folders["tiny"])
    words = ["Background", "Hair", *(f"thing {number}" for number in range(15)), "Coat"]
    model.config.id2label = dict(enumerate(words))
    model.save_pretrained(tmp_path)
    parser = load_segformer(tmp_path)
    assert parser.words[1] == "Hair" and "Coat" in parser.words
    picture = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    order = [words.index(word) for word in parser.words]
    assert float((parser.network(picture) - model(picture).logits[:, order]).abs().max()) < 1e-5


def test_the_libraries_new_names_are_known(folders: dict[str, Path], tmp_path: Path) -> None:
    state = theirs(folders["tiny"]).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(tmp_path / "model.safetensors"))
    ours, stored = load_segformer(tmp_path).network.state_dict(), load_segformer(folders["tiny"]).network.state_dict()
    assert ours.keys() == stored.keys()
    assert all(torch.equal(ours[name], stored[name]) for name in ours)


def test_all_of_the_papers_networks_have_the_librarys_names(folders: dict[str, Path]) -> None:
    for name in MIT:
        with torch.device("meta"):
            config = transformers.SegformerConfig(**configuration(mit_plan(name)))
            try:
                model = transformers.SegformerForSemanticSegmentation(config)
            except NotImplementedError:
                pytest.skip(f"transformers {transformers.__version__} makes no network without memory")
        count = sum(weight.numel() for weight in model.parameters())
        drawn = draw_segformer(mit_plan(name), device="meta")
        skipped = ("running_mean", "running_var", "num_batches_tracked")
        assert count == sum(tensor.numel() for key, tensor in drawn.items() if not key.endswith(skipped))
