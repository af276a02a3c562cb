"""Networks of every family: built from the checked text, filled with the file's tensors, the same as ultralytics'."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file
from support.ultralytics_files import FILES, NAMES, PICTURE, PREDICTED, SIDE, pictures

from hemline.errors import BadFile, MissingModel
from hemline.segmentation.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from hemline.segmentation.yolo.letterbox import fit_letterbox, letterbox_pictures
from hemline.segmentation.yolo.loader import load_yolo
from hemline.segmentation.yolo.model import Yolo
from hemline.segmentation.yolo.network import build_network
from hemline.segmentation.yolo.predictions import choose, read_predictions
from hemline.segmentation.yolo.quiet_import import import_ultralytics

pytestmark = pytest.mark.skipif(
    find_spec("ultralytics") is None, reason="ultralytics builds the layers (pip install 'hemline[yolo]')"
)


@pytest.fixture(scope="module")
def networks(ultralytics_files) -> dict[str, Yolo]:
    return {stem: load_yolo(ultralytics_files / f"{stem}.pt") for stem in FILES}


def run(model: Yolo, pictures: torch.Tensor) -> list[torch.Tensor]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the files were made: the same sums in the same order
    try:
        with torch.no_grad():
            return [value for value in model.network(pictures) if value is not None]
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("stem", FILES)
def test_the_network_gives_what_ultralytics_own_gives(networks, ultralytics_files, stem):
    wanted = load_file(ultralytics_files / f"{stem}.outputs")
    got = run(networks[stem], wanted.pop("pictures"))
    assert len(got) == len(wanted) == (2 if stem.endswith("-seg") else 1)
    for value, name in zip(got, ("predictions", "prototypes"), strict=False):
        assert (value - wanted[name]).abs().max() <= 1e-4  # of pixels up to 500


@pytest.mark.parametrize("stem", FILES)
def test_what_the_file_says_is_known(networks, stem):
    model = networks[stem]
    assert model.names == tuple(NAMES.values()) and model.long_side == 640 and model.stride == 32
    assert model.task == ("segment" if stem.endswith("-seg") else "detect")
    assert stem.startswith(model.family.removesuffix("u")) and model.scale in "nt"
    assert model.end_to_end == (stem in ("yolov10n", "yolo26n-seg"))


@pytest.mark.parametrize("stem", FILES)
def test_a_converted_file_gives_the_same(networks, ultralytics_files, tmp_path, stem):
    save_checkpoint(read_checkpoint(ultralytics_files / f"{stem}.pt"), tmp_path / "x.safetensors")
    model, shown = load_yolo(tmp_path / "x.safetensors"), pictures()
    for one, other in zip(run(networks[stem], shown), run(model, shown), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("stem", FILES)
def test_nothing_is_learnt_or_left_on_the_meta_device(networks, stem):
    network = networks[stem].network
    values = [*network.parameters(), *network.buffers(), network.head.stride]
    assert not network.training and not any(value.requires_grad or value.is_meta for value in values)
    assert all(value.dtype == torch.float32 for value in values if value.is_floating_point())


@pytest.mark.parametrize("stem", FILES)
def test_a_batch_is_a_stack_of_singles(networks, stem):
    model, shown = networks[stem], pictures(3)
    many = run(model, shown)
    for index, picture in enumerate(shown):
        for value, alone in zip(many, run(model, picture.unsqueeze(0)), strict=True):
            # Of those that are chosen by score, equal ones may change places.
            value = value[index] if not model.end_to_end or value.dim() == 4 else value[index, :20]
            alone = alone[0] if not model.end_to_end or alone.dim() == 4 else alone[0, :20]
            assert torch.allclose(alone, value, atol=1e-2)


@pytest.mark.parametrize("stem", ["yolov8n", "yolo26n-seg"])
def test_it_computes_in_the_type_that_it_was_moved_to(ultralytics_files, stem):
    plain = load_yolo(ultralytics_files / f"{stem}.pt")
    shown = pictures()
    exact = run(plain, shown)
    moved = load_yolo(ultralytics_files / f"{stem}.pt").to(torch.device("cpu"), torch.float64)
    assert moved.dtype == torch.float64
    found = run(moved, shown.double())
    assert all(value.dtype == torch.float64 for value in found)
    assert (found[-1] - exact[-1]).abs().max() < 1e-2
    sighting, _ = moved.look(shown, confidence=0.0)
    assert sighting.found.boxes.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("stem", FILES)
def test_a_gpu_gives_the_same(ultralytics_files, stem):
    shown = pictures()
    here = run(load_yolo(ultralytics_files / f"{stem}.pt"), shown)
    there = run(load_yolo(ultralytics_files / f"{stem}.pt").to(torch.device("cuda")), shown.cuda())
    for one, other in zip(here, there, strict=True):
        assert (one - other.cpu()).abs().max() <= 1e-3 * max(1.0, float(one.abs().max()))


# Files of nothing but tensors.


@pytest.mark.parametrize("name", ["state.pt", "parallel.pt"])
def test_tensors_alone_are_taken_for_the_published_network_that_they_fit(networks, ultralytics_files, name):
    model, shown = load_yolo(ultralytics_files / name), pictures()
    for one, other in zip(run(networks["yolo26n-seg"], shown), run(model, shown), strict=True):
        assert torch.equal(one, other)
    assert model.stride == 32 and model.names == ("class 0", "class 1", "class 2")


def test_tensors_alone_of_an_unpublished_size_are_refused_with_the_remedy(ultralytics_files):
    plain = replace(read_checkpoint(ultralytics_files / "yolov8n.pt"), architecture=None)
    thinner = replace(plain, tensors={**plain.tensors, "model.4.cv1.conv.weight": torch.zeros(48, 64, 1, 1)})
    with pytest.raises(BadFile, match=r"published yolov8 n detect .*1 of another shape.*as ultralytics saved it"):
        build_network(thinner)
    with pytest.raises(BadFile, match="no published yolov8 detect"):
        build_network(replace(plain, scale=""))


# What is refused.


def test_tensors_that_are_not_the_architectures_are_refused(ultralytics_files):
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    short = {name: value for name, value in whole.tensors.items() if not name.startswith("model.9.")}
    with pytest.raises(BadFile, match=r"missing \(model\.9\."):
        build_network(replace(whole, tensors=short))
    with pytest.raises(BadFile, match=r"1 not wanted \(model\.99"):
        build_network(replace(whole, tensors={**whole.tensors, "model.99.weight": torch.zeros(3)}))


def test_a_huge_architecture_allocates_nothing(ultralytics_files):
    """Its layers would take 300 GB; they are compared on the meta device."""
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    wide = {**whole.architecture, "scales": {"n": [1.0, 4.0, 4096]}}
    with pytest.raises(BadFile, match="of another shape"):
        build_network(replace(whole, architecture=wide))


def test_an_architecture_that_does_not_add_up_is_refused(ultralytics_files):
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    head = [[[-1, 4], 1, "Concat", [1]], *whole.architecture["head"][1:]]
    with pytest.raises(BadFile, match=r"cannot build|does not hold"):
        build_network(replace(whole, architecture={**whole.architecture, "head": head}))


def test_more_blocks_than_tensors_are_not_laid_out(ultralytics_files):
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    deep = [[source, 64, layer, arguments] for source, _, layer, arguments in whole.architecture["backbone"]]
    with pytest.raises(BadFile, match=r"describes \d+ blocks of layers, but holds 355"):
        build_network(replace(whole, architecture={**whole.architecture, "backbone": deep, "scales": {"n": [1, 1, 9]}}))


def test_a_network_without_a_head_is_refused(ultralytics_files):
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    more = [*whole.architecture["head"], [-1, 1, "nn.Identity", []]]
    with pytest.raises(BadFile, match="does not end with a YOLO's head"):
        build_network(replace(whole, architecture={**whole.architecture, "head": more}))


def test_layers_that_do_not_fit_each_other_are_refused(ultralytics_files):
    """Pixels are doubled four times instead of twice, which changes no tensor's shape."""
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    head = [[source, count, layer, [None, 4, "nearest"] if layer == "nn.Upsample" else arguments]
            for source, count, layer, arguments in whole.architecture["head"]]  # fmt: skip
    with pytest.raises(BadFile, match="do not fit each other"):
        build_network(replace(whole, architecture={**whole.architecture, "head": head}))


def test_strides_are_seen_not_believed(ultralytics_files):
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    for told in ((), (1, 1, 1), (8, 16, 32)):
        assert build_network(replace(whole, stride=told)).head.stride.tolist() == [8, 16, 32]


def test_other_tasks_and_families_are_refused(tmp_path, ultralytics_files):
    with pytest.raises(MissingModel, match="is not there"):
        load_yolo(tmp_path / "none.pt")
    whole = read_checkpoint(ultralytics_files / "yolov8n.pt")
    layers = {f"model.22.cv4.{number}.2.weight": torch.zeros(51, 51, 1, 1) for number in range(3)}
    pose = {**whole.tensors, **layers, "model.22.cv4.0.0.conv.weight": torch.zeros(51, 64, 3, 3)}
    save_checkpoint(replace(whole, tensors=pose), tmp_path / "pose.safetensors")
    with pytest.raises(BadFile, match="'pose'"):
        load_yolo(tmp_path / "pose.safetensors")


# Beside ultralytics' own predict.


@pytest.mark.parametrize("stem", PREDICTED)
def test_boxes_are_those_of_predict_for_the_same_frame(networks, ultralytics_files, stem):
    model, wanted = networks[stem], load_file(ultralytics_files / f"{stem}.predicted")
    frame = (wanted["frame"].permute(2, 0, 1).unsqueeze(0) / 255).contiguous()
    box = fit_letterbox(*wanted["picture"].shape[1:], SIDE, model.stride)
    assert (box.frame_height, box.frame_width) == tuple(frame.shape[2:])
    raw, *_ = run(model, frame)
    (found,) = read_predictions(raw, len(NAMES), raw.shape[1] - 4 - len(NAMES), end_to_end=False)
    found = choose(found, range(len(NAMES)), confidence=0.3, iou=0.5, most=50)
    assert len(wanted["boxes"]) > 10
    assert_contained(wanted, box.to_picture(found.boxes), found, tolerance=0.5)


def test_frames_are_those_of_predict_within_a_step_of_8_bits(ultralytics_files):
    """Theirs is resized by OpenCV; a network without training makes other boxes of that step, so none are compared."""
    wanted = load_file(ultralytics_files / f"{PREDICTED[0]}.predicted")
    frame = letterbox_pictures(wanted["picture"].unsqueeze(0) / 255, fit_letterbox(*PICTURE, SIDE, 32))
    assert (frame[0] * 255 - wanted["frame"].permute(2, 0, 1)).abs().max() <= 1 + 1e-3


def assert_contained(wanted, boxes, found, *, tolerance: float) -> None:
    """Each of the predicted boxes is among ours; predict drops those with an empty mask, so that it may have fewer."""
    apart = (wanted["boxes"].unsqueeze(1) - boxes).abs().amax(2)
    apart += 1e3 * (wanted["classes"].unsqueeze(1) != found.classes)
    apart += 1e3 * ((wanted["scores"].unsqueeze(1) - found.scores).abs() > 0.02)
    assert apart.amin(1).max() <= tolerance


@pytest.mark.parametrize("stem", PREDICTED)
def test_what_stays_is_what_ultralytics_own_suppression_keeps(networks, stem):
    model, frame = networks[stem], pictures(1, 224, 320)
    theirs = import_ultralytics("ultralytics.utils.nms").non_max_suppression
    raw, *_ = run(model, frame)
    for confidence, iou, most in ((0.3, 0.5, 300), (0.01, 0.7, 20), (0.6, 0.2, 300)):
        (wanted,) = theirs(raw.clone(), confidence, iou, max_det=most, nc=len(NAMES))
        (found,) = read_predictions(raw, len(NAMES), raw.shape[1] - 4 - len(NAMES), end_to_end=False)
        found = choose(found, range(len(NAMES)), confidence=confidence, iou=iou, most=most)
        got = torch.cat([found.boxes, found.scores.unsqueeze(1), found.classes.unsqueeze(1), found.coefficients], 1)
        assert torch.equal(got, wanted)
