"""SegFormer files: which labels, which size and which colours a network was trained with, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from checkpoints import TINY, draw_segformer, make_plan
from safetensors.torch import save_file

from hemline.segmentation.segformer.files import load_segformer
from hemline.segmentation.segformer.parser import IMAGENET_MEAN, IMAGENET_STD
from hemline.segmentation.taxonomies import NUMBERED
from hemline.tensors import BadFile, MissingModel, UnknownName


def save(folder: Path, labels: int = 18, *, name: str = "model.safetensors", half: bool = False) -> Path:
    tensors = draw_segformer(dataclasses.replace(TINY, labels=labels))
    if half:
        tensors = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    save_file(tensors, str(folder / name))
    return folder / name


def write(folder: Path, name: str = "config.json", **values: object) -> None:
    (folder / name).write_text(json.dumps(values))


def preprocess(folder: Path, **values: object) -> None:
    write(folder, "preprocessor_config.json", **values)


@pytest.mark.parametrize(("count", "taxonomy"), [(18, "atr"), (20, "lip"), (47, "fashionpedia")])
def test_labels_that_nobody_names_are_told_by_their_count(tmp_path: Path, count: int, taxonomy: str) -> None:
    parser = load_segformer(save(tmp_path, count))
    assert parser.words == NUMBERED[taxonomy]
    assert taxonomy in parser.notes[0]
    assert parser.classes[0] == "background" and {"upper", "pants", "dress"} <= set(parser.classes)


def test_a_taxonomy_that_is_named_counts_more_than_the_count(tmp_path: Path) -> None:
    parser = load_segformer(save(tmp_path, 20), taxonomy="cihp")
    assert parser.words[10] == "Torso-skin" and not parser.notes
    with pytest.raises(BadFile, match="20 labels"):
        load_segformer(tmp_path, taxonomy="atr")
    with pytest.raises(UnknownName, match="atr"):
        load_segformer(tmp_path, taxonomy="atrs")


def test_the_words_of_the_configuration_count_more_than_the_count(tmp_path: Path) -> None:
    words = ("bag, wallet", "unlabelled", "sleeve", "t-shirt", "trousers")
    write(tmp_path, model_type="segformer", id2label=dict(enumerate(words)))
    parser = load_segformer(save(tmp_path, 5))
    assert parser.words == ("unlabelled", "bag, wallet", "sleeve", "t-shirt", "trousers")
    assert parser.labels == ("background", "bag", None, "upper", "pants")
    assert parser.classes == ("background", "upper", "pants", "bag")


def test_channels_follow_the_words_when_the_background_comes_first(tmp_path: Path) -> None:
    file, picture = save(tmp_path, 3), torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    write(tmp_path, id2label={"0": "skirt", "1": "coat", "2": "Background"})
    last = load_segformer(file).network(picture)
    write(tmp_path, id2label={"0": "Background", "1": "coat", "2": "skirt"})
    first = load_segformer(file).network(picture)
    assert torch.allclose(last, first[:, [2, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        {"id2label": {str(number): f"LABEL_{number}" for number in range(18)}},
        {"id2label": {"0": "one", "1": "other"}},
        {"id2label": ["a", "list"]},
        {"model_type": "yolos", "id2label": {str(number): "coat" for number in range(18)}, "num_attention_heads": 3},
    ],
    ids=["nameless", "too few", "a list", "of another model"],
)
def test_a_configuration_that_does_not_fit_leaves_the_count_to_tell(tmp_path: Path, config: dict[str, object]) -> None:
    write(tmp_path, **config)
    assert load_segformer(save(tmp_path)).words == NUMBERED["atr"]


def test_words_that_nobody_knows_are_background_unless_told(tmp_path: Path) -> None:
    write(tmp_path, id2label={"0": "background", "1": "frobnicator", "2": "skirt"})
    save(tmp_path, 3)
    parser = load_segformer(tmp_path)
    assert parser.labels == ("background", "background", "skirt")
    assert "frobnicator" in parser.notes[0]
    told = load_segformer(tmp_path, labels={"Frobnicator": "outer", "skirt": "dress"})
    assert told.labels == ("background", "outer", "dress") and not told.notes
    with pytest.raises(UnknownName, match="outer"):
        load_segformer(tmp_path, labels={"frobnicator": "outerr"})


def test_garments_without_a_background_are_refused(tmp_path: Path) -> None:
    write(tmp_path, id2label={"0": "coat", "1": "skirt"})
    with pytest.raises(BadFile, match="background"):
        load_segformer(save(tmp_path, 2))


def test_a_count_that_nobody_knows_asks_for_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"7 labels .*config\.json"):
        load_segformer(save(tmp_path, 7))


@pytest.mark.parametrize(
    ("size", "long_side", "stretch"),
    [
        ({"height": 512, "width": 512}, 512, 1.5), ({"height": 576, "width": 384}, 576, 1.0), (640, 640, 1.5),
        ({"shortest_edge": 512}, 768, 1.0),
    ],
    ids=str,
)  # fmt: skip
def test_the_size_of_the_training_is_read(tmp_path: Path, size: object, long_side: int, stretch: float) -> None:
    preprocess(tmp_path, size=size)
    parser = load_segformer(save(tmp_path))
    assert parser.long_side == long_side and parser.stretch == pytest.approx(stretch)


def test_colours_are_normalised_as_in_the_training(tmp_path: Path) -> None:
    file = save(tmp_path)
    assert (load_segformer(file).mean, load_segformer(file).std) == (IMAGENET_MEAN, IMAGENET_STD)
    preprocess(tmp_path, image_mean=[0.5, 0.4, 0.3], image_std=[1, 0.5, 0.25])
    assert (load_segformer(file).mean, load_segformer(file).std) == ((0.5, 0.4, 0.3), (1.0, 0.5, 0.25))
    preprocess(tmp_path, do_normalize=False)
    assert (load_segformer(file).mean, load_segformer(file).std) == ((0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize(
    "values",
    [{"size": 9}, {"size": {"height": 512}}, {"size": {"height": 10**6, "width": 512}}, {"size": "large"},
     {"image_mean": [1, 2]}, {"image_std": [0, 1, 1]}, {"image_std": [float("nan"), 1, 1]},
     {"image_std": ["a", "b", "c"]}],
    ids=str,
)  # fmt: skip
def test_a_training_that_cannot_be_is_refused(tmp_path: Path, values: dict[str, object]) -> None:
    preprocess(tmp_path, **values)
    with pytest.raises(BadFile, match=r"preprocessor_config\.json"):
        load_segformer(save(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", "[" * 100_000, "\x00"], ids=["empty", "cut", "list", "deep", "nul"]
)
def test_a_configuration_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadFile, match=r"config\.json"):
        load_segformer(save(tmp_path))


@pytest.mark.parametrize(
    "config", [{"num_attention_heads": [1, 2]}, {"num_attention_heads": ["a"]}, {"hidden_act": "exec('x')"}], ids=str
)
def test_a_configuration_that_contradicts_the_weights_is_refused(tmp_path: Path, config: dict[str, object]) -> None:
    write(tmp_path, **config)
    with pytest.raises(BadFile, match=r"model\.safetensors"):
        load_segformer(save(tmp_path))


def test_a_folder_stands_for_the_weights_in_it(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="holds no"):
        load_segformer(tmp_path)
    save(tmp_path, name="a name.safetensors")
    assert load_segformer(tmp_path).network.plan == TINY
    save(tmp_path, name="another.safetensors")
    with pytest.raises(BadFile, match=r"a name\.safetensors, another\.safetensors"):
        load_segformer(tmp_path)
    save(tmp_path)
    assert load_segformer(tmp_path).network.plan == TINY


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"nowhere\.safetensors"):
        load_segformer(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("keep", [0, 9, 5000, -100])
def test_files_cut_short_are_refused(tmp_path: Path, keep: int) -> None:
    file = save(tmp_path)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(BadFile, match=r"model\.safetensors cannot be read"):
        load_segformer(file)


def test_other_networks_are_refused_with_what_is_missing(tmp_path: Path) -> None:
    save_file({"model.0.conv.weight": torch.zeros(3, 3, 3, 3)}, str(tmp_path / "yolo.safetensors"))
    with pytest.raises(BadFile, match=r"yolo\.safetensors is no SegFormer .*patch embedding"):
        load_segformer(tmp_path)


def test_a_classifier_without_a_head_for_pixels_is_refused(tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in draw_segformer().items() if not name.startswith("decode_head")}
    save_file(tensors, str(tmp_path / "model.safetensors"))
    with pytest.raises(BadFile, match=r"decode_head\.classifier\.weight is missing"):
        load_segformer(tmp_path)


def test_half_precision_files_are_loaded_in_single(tmp_path: Path) -> None:
    state = load_segformer(save(tmp_path, half=True)).network.state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}


def test_a_file_may_change_while_its_network_is_in_use(tmp_path: Path) -> None:
    file, picture = save(tmp_path), torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    parser = load_segformer(file)
    before = parser.network(picture)
    file.write_bytes(b"\xff" * file.stat().st_size)
    assert torch.equal(parser.network(picture), before)


def test_heads_of_the_configuration_are_used(tmp_path: Path) -> None:
    save_file(draw_segformer(make_plan((12, 12, 24, 36), (1, 1, 1, 1), 16, 18)), str(tmp_path / "model.safetensors"))
    write(tmp_path, num_attention_heads=[3, 3, 4, 6])
    assert [stage.heads for stage in load_segformer(tmp_path).network.plan.stages] == [3, 3, 4, 6]
