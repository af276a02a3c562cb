"""The pack in ComfyUI: it loads as the host loads it and declares itself by the host's rules, in V1 and V3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.fake_comfyui import FOLDER_NAME, PACK, VERSIONS, Host, comfyui
from support.object_info import comparable, ours, ports_of

from hemline.nodes import NODES

IDS = [node.id for node in NODES]
FORBIDDEN_AT_LOAD = {"cv2", "ultralytics", "segment_anything", "torchvision", "matplotlib", "scipy", "PIL"}
MODEL_FOLDERS = ("ultralytics", "ultralytics_bbox", "ultralytics_segm", "sams")


# --- loading -----------------------------------------------------------------------------------------------------


LOAD_SCRIPT = """
import json, pathlib, sys, torch
from support.fake_comfyui import comfyui, install_pack
base = pathlib.Path(sys.argv[1])
sys.modules["hemline"] = None  # the pack must not import itself by an absolute name
before = set(sys.modules)
with comfyui(base, sys.argv[2]) as host:
    host.load_pack(install_pack(base / "custom_nodes"))
    print(json.dumps({"nodes": list(host.classes), "new": sorted(set(sys.modules) - before), "path": sys.path}))
"""


@pytest.fixture(scope="module", params=VERSIONS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The pack loaded in a fresh interpreter that already has torch: nodes, new modules, search path."""
    base = tmp_path_factory.mktemp("fresh")
    command = [sys.executable, "-c", LOAD_SCRIPT, str(base), request.param]
    env = {**os.environ, "PYTHONPATH": str(PACK / "tests")}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=base)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_pack_loads_among_foreign_modules_of_its_own_names(loaded: dict[str, list[str]]) -> None:
    assert loaded["nodes"] == IDS


def test_loading_imports_no_optional_package_and_no_picture_library(loaded: dict[str, list[str]]) -> None:
    assert {name.split(".")[0] for name in loaded["new"]} & FORBIDDEN_AT_LOAD == set()


def test_loading_leaves_the_search_path_alone(loaded: dict[str, list[str]]) -> None:
    assert [path for path in loaded["path"] if FOLDER_NAME in path] == []


def test_exactly_one_interface_is_exported(host: Host) -> None:
    v1, v3 = hasattr(host.pack, "NODE_CLASS_MAPPINGS"), hasattr(host.pack, "comfy_entrypoint")
    assert (v1, v3) == (host.version == "V1", host.version == "V3")


def test_every_node_is_offered_in_menu_order(host: Host) -> None:
    assert [id for id in host.classes if id.startswith("Hemline")] == IDS


def test_v1_can_be_forced_where_v3_is_there(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMLINE_FORCE_V1", "1")
    with fresh("V3") as host:
        assert not host.classes[IDS[0]].is_v3


def test_web_folder_is_the_packs_own(host: Host) -> None:
    assert list(host.web_directories.values()) == [(PACK / "web").resolve()]


def test_every_node_has_a_help_page_in_the_web_folder() -> None:
    assert [id for id in IDS if not (PACK / "web" / "docs" / f"{id}.md").is_file()] == []


# --- what the host is told -----------------------------------------------------------------------------------------


def test_object_info_is_json(host: Host) -> None:
    assert json.loads(json.dumps(ours(host), allow_nan=False)).keys() == set(IDS)


def test_v1_and_v3_declare_the_same_ports(fresh: Any) -> None:
    surfaces: list[dict[str, Any]] = []
    for version in VERSIONS:
        with fresh(version) as host:
            surfaces.append({id: comparable(info) for id, info in ours(host).items()})
    assert surfaces[0] == surfaces[1]


def test_defaults_lie_within_their_limits(host: Host) -> None:
    for id, info in ours(host).items():
        for name, (kind, options) in ports_of(info).items():
            default, where = options.get("default"), f"{id}.{name}"
            if kind == "COMBO":
                assert default in options["options"], where
            elif kind in ("INT", "FLOAT"):
                assert options["min"] <= default <= options["max"], where


def test_every_input_and_output_is_explained(host: Host) -> None:
    for id, info in ours(host).items():
        assert info["description"], id
        ports = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
        assert [name for name, entry in ports.items() if not entry[1].get("tooltip")] == [], id


# --- the user's model folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_model_folders_of_the_user_are_kept_and_ours_added(pack_folder: Path, tmp_path: Path, version: str) -> None:
    def register(host: Host) -> None:
        for name in MODEL_FOLDERS:
            host.folder_paths.folder_names_and_paths[name] = ([f"/of/the/user/{name}"], {".pt", ".onnx"})

    with comfyui(tmp_path, version, prepare=register) as host:
        host.load_pack(pack_folder)
        for name in MODEL_FOLDERS:
            folders, suffixes = host.folder_paths.folder_names_and_paths[name]
            assert folders[0] == f"/of/the/user/{name}" and len(folders) > 1
            assert {".pt", ".onnx"} <= set(suffixes)


@pytest.mark.parametrize("version", VERSIONS)
def test_new_model_folders_list_model_files_only(pack_folder: Path, tmp_path: Path, version: str) -> None:
    folder = tmp_path / "models" / "sams"
    folder.mkdir(parents=True)
    for name in ("sam_vit_b.pth", "readme.txt"):
        (folder / name).write_bytes(b"")
    with comfyui(tmp_path, version) as host:
        host.load_pack(pack_folder)
        assert host.folder_paths.get_filename_list("sams") == ["sam_vit_b.pth"]


def test_pictures_for_a_nodes_own_widget_reach_it_beside_its_texts(host: Host) -> None:
    from hemline.hosts.comfyui import _ui
    from hemline.nodes.spec import Result

    shown = _ui(Result((), data={"size": "3x2"}, pictures={"proxy": torch.rand(2, 4, 5, 3)}))["hemline"]
    files = shown[0]["pictures"]["proxy"]
    assert shown == [{"size": "3x2", "pictures": {"proxy": files}}] and len(files) == 2
    assert all((Path(host.folder_paths.get_temp_directory()) / file["filename"]).is_file() for file in files)


def test_what_a_preview_shows_is_sent_again_where_nothing_had_to_be_run(host: Host) -> None:
    """Else a page that is opened anew stays without previews until something changes."""
    assert [id for id, node in host.classes.items() if node.sends_again] == [
        "HemlineGrowFeatherMask", "HemlineBlendLayers",
    ]  # fmt: skip
