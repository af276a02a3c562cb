"""The same promises on a real ComfyUI: set COMFYUI_DIR to a checkout (and COMFYUI_PYTHON if it has its own Python)."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.core_sources import PHOTO, SIZE, with_core_nodes, write_inputs
from support.drift import drift
from support.fake_comfyui import FOLDER_NAME, PACK, VERSIONS, Host, comfyui, install_pack
from support.given import add_test_nodes, defaults, prompt_for
from support.pictures import drawn_person, shirt_mask
from support.prompt_validation import Prompt
from support.real_comfyui import RealComfyUI, comfyui_dir, running_comfyui

from hemline.nodes import NODES

pytestmark = pytest.mark.skipif(comfyui_dir() is None, reason="COMFYUI_DIR names no real ComfyUI")

IDS = [node.id for node in NODES]
GOLDEN_CORE = Path(__file__).parents[1] / "golden" / "core_object_info.json"
WIRES = {
    "one picture": {},
    "three pictures": {"IMAGE": "image of 3", "MASK": "mask of 3"},
    "three pictures, one mask": {"IMAGE": "image of 3"},
    "RGBA": {"IMAGE": "rgba"},
    "the host's empty mask": {"MASK": "no mask"},
    "zero mask": {"MASK": "empty mask"},
    "odd size": {"IMAGE": "odd image", "MASK": "odd mask"},
    "every wire connected": {"optional": "yes"},
}


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fake(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The fake host: knows the declarations out of which prompts are built."""
    base = tmp_path_factory.mktemp("fake")
    with comfyui(base, version) as host:
        host.load_pack(install_pack(base / "custom_nodes"))
        add_test_nodes(host, {})
        yield host


@pytest.fixture(scope="module")
def real(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealComfyUI]:
    with running_comfyui(tmp_path_factory.mktemp("real"), force_v1=version == "V1") as host:
        write_inputs(host.base / "input")
        yield host


def succeeded(entry: dict[str, Any]) -> dict[str, Any]:
    """The history entry, if the prompt went through."""
    if entry["status"]["status_str"] != "success":
        pytest.fail(json.dumps(entry["status"]["messages"], indent=1)[-3000:])
    return entry


def chain(fake: Host, photo: str = PHOTO, **detect: Any) -> Prompt:
    """LoadImage -> detect -> refine -> grow -> crop -> stitch -> SaveImage; preview and saved set beside it."""
    wires: dict[str, tuple[str, dict[str, Any]]] = {
        "photo": ("LoadImage", {"image": photo}),
        "found": ("HemlineDetectGarments", {"image": ["photo", 0], **detect}),
        "refined": ("HemlineRefineMask", {"mask": ["found", 1], "image": ["photo", 0]}),
        "grown": ("HemlineGrowFeatherMask", {"mask": ["refined", 0], "grow": 2.0, "feather": 4.0}),
        "cropped": ("HemlineInpaintCrop", {"image": ["photo", 0], "mask": ["grown", 0]}),
        "white": ("MaskToImage", {"mask": ["cropped", 1]}),
        "repainted": (
            "ImageCompositeMasked",
            {
                "destination": ["cropped", 0],
                "source": ["white", 0],
                "mask": ["cropped", 1],
                "x": 0,
                "y": 0,
                "resize_source": False,
            },
        ),
        "stitched": ("HemlineInpaintStitch", {"stitch": ["cropped", 3], "image": ["repainted", 0]}),
        "saved": ("SaveImage", {"images": ["stitched", 0], "filename_prefix": "chain"}),
        "seen": ("HemlinePreviewMask", {"image": ["photo", 0], "mask": ["grown", 0], "garments": ["found", 0]}),
        "kept": ("HemlineSaveGarmentSet", {"image": ["photo", 0], "mask": ["grown", 0], "garments": ["found", 0]}),
    }
    return {
        id: {"class_type": node, "inputs": (defaults(fake, node) if node in fake.classes else {}) | inputs}
        for id, (node, inputs) in wires.items()
    }


def test_pack_is_loaded_without_complaint(real: RealComfyUI) -> None:
    lines = [line for line in real.log().splitlines() if FOLDER_NAME in line]
    assert lines and not [line for line in lines if "FAILED" in line or "Cannot import" in line]


def test_the_host_describes_our_nodes_as_the_fake_one_does(real: RealComfyUI, fake: Host) -> None:
    theirs = real.get("/object_info")
    ours = json.loads(json.dumps({id: info for id, info in fake.object_info().items() if id in IDS}))
    for id in IDS:
        assert {key: theirs[id][key] for key in ours[id]} == ours[id]


def test_golden_core_nodes_are_the_hosts(real: RealComfyUI) -> None:
    golden = json.loads(GOLDEN_CORE.read_text(encoding="utf-8"))
    theirs = real.get("/object_info")
    for id, info in golden.items():
        assert list(theirs[id]["input"]["required"]) == list(info["input"]["required"]), id
        assert (theirs[id]["output"], theirs[id]["output_node"]) == (info["output"], info["output_node"]), id


@pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES)
def test_every_node_runs_on_what_the_host_sends(real: RealComfyUI, fake: Host, wires: dict[str, str]) -> None:
    queued = {id: real.queue(with_core_nodes(prompt_for(fake, id, wires))) for id in IDS}
    for prompt_id in queued.values():
        succeeded(real.wait(prompt_id))


def test_the_chain_gives_the_picture_that_the_headless_runner_gives(
    real: RealComfyUI, fake: Host, tmp_path: Path
) -> None:
    from hemline.hosts.headless import HEADLESS_NODES
    from hemline.hosts.headless_context import headless_context
    from hemline.hosts.workflow import run_workflow

    prompt = chain(fake)
    shown = succeeded(real.run(prompt))["outputs"]["saved"]["images"][0]
    context = headless_context(tmp_path, device="cpu", input_folder=real.base / "input")
    headless = run_workflow(prompt, HEADLESS_NODES, context)["stitched"].outputs[0][0]
    assert (real.view(shown) - headless.clamp(0, 1)).abs().max() <= 1.01 / 255


def test_what_lies_outside_the_mask_comes_back_bit_for_bit(real: RealComfyUI, fake: Host) -> None:
    prompt = chain(fake)
    prompt["grown"] = {"class_type": "LoadImageMask", "inputs": {"image": "mask.png", "channel": "red"}}
    prompt["plain"] = {"class_type": "SaveImage", "inputs": {"images": ["photo", 0], "filename_prefix": "plain"}}
    outputs = succeeded(real.run(prompt))["outputs"]
    stitched, plain = (real.view(outputs[id]["images"][0]) for id in ("saved", "plain"))
    outside = shirt_mask(*SIZE) == 0
    assert torch.equal(stitched[outside], plain[outside])
    assert not torch.equal(stitched[~outside], plain[~outside])


def test_previews_are_pictures_the_browser_can_fetch(real: RealComfyUI, fake: Host) -> None:
    output = succeeded(real.run(chain(fake)))["outputs"]["seen"]
    assert output["images"][0]["type"] == "temp" and output["text"]
    assert real.view(output["images"][0]).shape[1:3] == drawn_person().shape[1:3]


def test_a_saved_set_lies_in_the_output_folder(real: RealComfyUI, fake: Host) -> None:
    prompt = chain(fake)
    prompt["kept"]["inputs"]["name"] = "spring/coat"
    succeeded(real.run(prompt))
    names = sorted(path.name for path in (real.base / "output" / "spring").iterdir())
    assert {path.rsplit(".", 1)[1] for path in names} == {"png", "json"} and len(names) == 4


def test_a_name_that_leaves_the_output_folder_is_refused(real: RealComfyUI, fake: Host) -> None:
    prompt = chain(fake)
    prompt["kept"]["inputs"]["name"] = "../../outside"
    (error,) = real.messages(real.run(prompt), "execution_error")
    assert error["node_id"] == "kept" and not list(real.base.parent.glob("outside*"))


def test_a_rerun_is_cached_and_a_changed_widget_runs_what_follows(real: RealComfyUI, fake: Host) -> None:
    prompt = chain(fake)
    prompt = {id: entry for id, entry in prompt.items() if id not in ("kept", "seen")}
    real.run(prompt)
    (cached,) = real.messages(succeeded(real.run(prompt)), "execution_cached")
    assert set(cached["nodes"]) == set(prompt)
    prompt["cropped"]["inputs"]["padding"] += 1
    (cached,) = real.messages(succeeded(real.run(prompt)), "execution_cached")
    assert set(cached["nodes"]) == {"photo", "found", "refined", "grown"}


def test_nothing_found_runs_through_and_is_said(real: RealComfyUI, fake: Host) -> None:
    entry = succeeded(real.run(chain(fake, photo="wall.png", what="footwear")))
    assert "nothing found" in " ".join(entry["outputs"]["seen"]["text"]).lower()
    stitched = real.view(entry["outputs"]["saved"]["images"][0])
    assert torch.equal(stitched, real.view({"filename": "wall.png", "subfolder": "", "type": "input"}))


def test_an_error_names_the_node_and_says_what_is_wrong(real: RealComfyUI, fake: Host) -> None:
    entry = real.run(chain(fake, photo="wall.png", what="footwear", nothing_found="error"))
    (error,) = real.messages(entry, "execution_error")
    assert error["node_id"] == "found" and "footwear" in error["exception_message"]


def test_a_value_out_of_range_is_refused_at_the_door(real: RealComfyUI, fake: Host) -> None:
    prompt = chain(fake)
    prompt["grown"]["inputs"]["feather"] = -1.0
    status, answer = real.post("/prompt", {"prompt": prompt})
    assert status == 400
    assert answer["node_errors"]["grown"]["errors"][0]["type"] == "value_smaller_than_min"


def many_pictures(fake: Host, amount: int) -> Prompt:
    return {
        "photo": {"class_type": "LoadImage", "inputs": {"image": PHOTO}},
        "many": {"class_type": "RepeatImageBatch", "inputs": {"image": ["photo", 0], "amount": amount}},
        "found": {
            "class_type": "HemlineDetectGarments",
            "inputs": {**defaults(fake, "HemlineDetectGarments"), "image": ["many", 0]},
        },
        "end": {"class_type": "PreviewAny", "inputs": {"source": ["found", 2]}},
    }


def test_stop_ends_a_long_node(real: RealComfyUI, fake: Host) -> None:
    def detection_is_under_way(kind: str, data: Any) -> bool:
        return kind == "progress" and data["node"] == "found"

    watched = real.watch(many_pictures(fake, 4096), stop_when=detection_is_under_way)
    assert [message["node_id"] for message in watched.of("execution_interrupted")] == ["found"]
    succeeded(real.run(many_pictures(fake, 2)))


def test_progress_and_text_reach_the_node_in_the_browser(real: RealComfyUI, fake: Host) -> None:
    watched = real.watch(many_pictures(fake, 5))
    steps = [(data["value"], data["max"]) for data in watched.of("progress") if data["node"] == "found"]
    assert steps[-1] == (5, 5)
    assert any(b"found" in text[:16] and len(text) > 20 for text in watched.of("text"))


@pytest.mark.parametrize("id", IDS)
def test_help_pages_are_served(real: RealComfyUI, id: str) -> None:
    try:
        page = real.get(f"/extensions/{FOLDER_NAME}/docs/{id}.md")
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error.code} for {id}.md")
    assert page.decode().lstrip().startswith("#")


def test_translations_are_served(real: RealComfyUI) -> None:
    served = real.get("/i18n")
    for folder in sorted((PACK / "locales").iterdir()):
        nodes = json.loads((folder / "nodeDefs.json").read_text(encoding="utf-8"))
        main = json.loads((folder / "main.json").read_text(encoding="utf-8"))
        assert served[folder.name]["nodeDefs"] == nodes
        assert {key: served[folder.name][key] for key in main} == main


def test_half_precision_between_nodes_gives_nearly_the_same_picture(
    real: RealComfyUI, fake: Host, version: str, tmp_path: Path
) -> None:
    if version == "V1":
        pytest.skip("shown with V3; both go through the same function")
    prompt = {id: entry for id, entry in chain(fake).items() if id != "kept"}
    full = real.view(succeeded(real.run(prompt))["outputs"]["saved"]["images"][0])
    with running_comfyui(tmp_path, flags=("--fp16-intermediates",)) as other:
        write_inputs(other.base / "input")
        half = other.view(succeeded(other.run(prompt))["outputs"]["saved"]["images"][0])
    assert (full - half).abs().mean() < 1 / 255


def test_the_fake_host_has_only_what_the_real_one_has(tmp_path: Path) -> None:
    home = comfyui_dir()
    assert home is not None
    assert drift(home, tmp_path) == []
