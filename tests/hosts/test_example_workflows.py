"""The example workflows: they load, say what they need, and run with a stand-in where a checkpoint is wanted."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.examples import CLOTH, FOLDER, NODES, WORKFLOWS, with_pictures, write_pictures
from support.stand_in import MODEL_NODES, with_stand_in

from hemline.hosts.batch_jobs import BatchSettings, run_jobs
from hemline.hosts.events import Events
from hemline.hosts.headless import HEADLESS_NODES
from hemline.hosts.headless_context import headless_context
from hemline.hosts.pictures import load_image
from hemline.hosts.workflow import load_workflow, run_workflow


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("input")
    write_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a workflow, with a model that has faults or none; per workflow once."""

    @cache
    def run(name: str, faulty: bool) -> tuple[dict[str, Any], dict[str, Any], Path]:
        output = tmp_path_factory.mktemp("output")
        context = headless_context(output, device="cpu", input_folder=pictures)
        prompt = with_stand_in(with_pictures(load_workflow(FOLDER / f"{name}.json", NODES)), faulty)
        return prompt, run_workflow(prompt, NODES, context), output

    return run


def of_class(prompt: dict[str, Any], class_type: str) -> str:
    (found,) = [id for id, entry in prompt.items() if entry["class_type"] == class_type]
    return found


def stitched(prompt: dict[str, Any], results: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The photo, the whole mask that was repainted, and the result."""
    (crop,) = [
        entry for entry in prompt.values() if entry["class_type"] in ("HemlineInpaintCrop", "HemlineTryOnInputs")
    ]
    mask, slot = crop["inputs"]["mask"]
    photo = next(id for id, entry in prompt.items() if entry["inputs"].get("image") == "photo.png")
    (result,) = results[of_class(prompt, "HemlineInpaintStitch")].outputs[0]
    return results[photo].outputs[0], results[mask].outputs[slot], result


def test_there_are_workflows_for_every_way_to_hand_over() -> None:
    handing_over = {"outfit_swap_with_an_inpaint_model", "several_garments_in_one_picture", "try_on_hand_off"}
    without_a_model = {"first_mask", "colour_and_background_studio", "maskilayer_composite", "composites_of_a_folder"}
    assert handing_over | without_a_model == {*WORKFLOWS}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_all_nodes_are_ours_or_cores(name: str) -> None:
    prompt = load_workflow(FOLDER / f"{name}.json", NODES)
    assert {entry["class_type"] for entry in prompt.values()} <= {*HEADLESS_NODES, *MODEL_NODES}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_files_end_with_a_line_and_name_no_machine(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text.endswith("}\n") and "/" not in json.loads(text)["extra"].get("path", "")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_has_a_picture_for_the_template_dialog(name: str) -> None:
    path = FOLDER / f"{name}.jpg"
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and picture.width == picture.height and 300 <= picture.width <= 600
    assert path.stat().st_size < 60_000


def test_the_files_are_what_their_descriptions_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER.parent / "docs")
    written = importlib.import_module("make_workflows").files()
    assert {path for path in written if path.parent == FOLDER} == {FOLDER / f"{name}.json" for name in WORKFLOWS}
    for path, content in written.items():
        assert json.loads(path.read_text(encoding="utf-8")) == content, f"{path.name}: run docs/make_workflows.py"


@pytest.mark.parametrize("name", ["outfit_swap_with_an_inpaint_model", "several_garments_in_one_picture"])
def test_a_model_that_shifts_zooms_and_changes_tone_leaves_no_trace(name: str, run: Any) -> None:
    photo, mask, faulty = stitched(*run(name, True)[:2])
    ideal = stitched(*run(name, False)[:2])[2]
    assert torch.equal(faulty[mask == 0], photo[mask == 0])
    assert (ideal - photo)[mask > 0.99].abs().mean() > 0.05, "the garment was repainted"
    assert (faulty - ideal).abs()[mask > 0].mean() < 0.5 / 255  # 3 / 255 if nothing were undone
    rim = (mask > 0.02) & (mask < 0.98)
    assert (faulty - ideal).abs()[rim].mean() < 0.5 / 255  # 6 / 255 likewise


def test_several_garments_come_back_in_one_picture(run: Any) -> None:
    prompt, results, output = run("several_garments_in_one_picture", True)
    crops = results[of_class(prompt, "HemlineInpaintCrop")].outputs[0]
    assert len(crops) >= 2 and len(results[of_class(prompt, "HemlineInpaintStitch")].outputs[0]) == 1
    assert len(list(output.glob("garments_*.png"))) == 1


def test_composites_of_a_folder_are_what_the_batch_command_writes(run: Any, pictures: Path, tmp_path: Path) -> None:
    _, _, output = run("composites_of_a_folder", False)
    counts = run_jobs(pictures / "composites" / "jobs.yaml", tmp_path, BatchSettings(), events=Events(True))
    assert (counts.done, counts.failed) == (2, 0)
    for number in (1, 2):
        ours, command = (
            load_image(folder / name).image
            for folder, name in (
                (output, f"look{number}_composite_00001_.png"), (tmp_path, f"look{number}_composite.png")
            )
        )  # fmt: skip
        assert (ours - command).abs().max() <= 1.01 / 255, "Save Image cuts fractions of levels off"
        assert (command < load_image(pictures / "composites" / "originals" / f"look{number}.png").image - 0.1).any()


def test_the_first_mask_is_kept_with_its_picture_and_numbers(run: Any) -> None:
    prompt, results, output = run("first_mask", False)
    (kept,) = results[of_class(prompt, "HemlineGrowFeatherMask")].outputs[0]
    assert 0.02 < kept.mean() < 0.5
    saved = load_image(output / "first mask_mask.png").image[0, ..., 0]
    assert (saved - kept).abs().max() <= 0.51 / 255
    assert json.loads((output / "first mask.json").read_text(encoding="utf-8"))["garments"]


def test_the_studio_gives_cloth_a_new_hue_and_keeps_its_folds_before_a_wall_without_colour(run: Any) -> None:
    prompt, results, _ = run("colour_and_background_studio", False)
    named = {entry["_meta"]["title"]: results[id].outputs for id, entry in prompt.items() if "_meta" in entry}
    toned = results[of_class(prompt, "HemlineMatchColours")].outputs[0][0]
    edge, matte = (results[prompt[id]["inputs"]["mask"][0]].outputs[0][0] for id in (
        next(id for id, one in prompt.items() if one.get("_meta") == {"title": title})
        for title in ("New colour", "In front of the wall")
    ))  # fmt: skip
    cloth, wall = edge > 0.99, matte < 0.01
    assert 0.02 < cloth.float().mean() < 0.5 < wall.float().mean()
    recoloured, placed = named["New colour"][0][0], named["In front of the wall"][0][0]
    assert (recoloured[cloth].argmax(-1) == CLOTH.index(max(CLOTH))).float().mean() > 0.99
    weights = torch.tensor([0.3, 0.59, 0.11])  # by which the mode "color" keeps the lightness
    assert ((recoloured - toned) @ weights)[cloth].abs().mean() < 2 / 255
    assert placed[wall].std(-1).max() < 1 / 255 and 0.7 < placed[wall].min() <= placed[wall].max() < 1


def test_the_composite_never_touches_what_the_second_mask_excludes(run: Any, pictures: Path) -> None:
    prompt, results, _ = run("maskilayer_composite", False)
    original, mask, exclude = (load_image(pictures / f"{name}.png").image[0] for name in
                               ("original", "mask", "exclude"))  # fmt: skip
    blended = results[of_class(prompt, "HemlineBlendLayers")].outputs[0][0]
    (soft,) = results[of_class(prompt, "HemlineGrowFeatherMask")].outputs[0]
    assert torch.equal(blended[soft == 0], original[soft == 0])
    chosen = (mask[..., 0] > 0.99) & (exclude[..., 0] == 0) & (soft > 0.99)
    assert chosen.any() and (blended - original)[chosen].abs().mean() > 0.05
    assert soft[exclude[..., 0] > 0.99].mean() < 0.1


def test_the_hand_over_gives_back_the_person_and_saves_the_folders(run: Any) -> None:
    prompt, results, output = run("try_on_hand_off", False)
    photo, mask, result = stitched(prompt, results)
    assert torch.equal(result[mask == 0], photo[mask == 0])
    assert (result - photo).abs().mean() < 0.5 / 255
    assert [*output.rglob("agnostic-mask/*.png")] and [*output.rglob("cloth/*")]
