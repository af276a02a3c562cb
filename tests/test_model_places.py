"""Where model files lie, how menus call them, and that a name never leads out of the model folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hemline.errors import BadFile, MissingModel
from hemline.model_places import DETECTOR_KINDS, ENDINGS, KINDS, SAM_KINDS, find_file, folders_below, list_names


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_a_file_is_listed_once_by_the_name_that_other_packs_give_it(tmp_path: Path) -> None:
    put(tmp_path, "ultralytics/bbox/clothes.pt", "ultralytics/segm/deep/seg.PT", "ultralytics/top.onnx")
    put(tmp_path, "RMBG/segformer_clothes/model.safetensors", "adetailer/a.pt", "hemline/own.safetensors")
    put(tmp_path, "ultralytics/readme.txt", "ultralytics/.hidden/x.pt", "sams/sam_vit_b.pth", "loras/no.safetensors")
    assert list_names(DETECTOR_KINDS, folders_below([tmp_path])) == (
        "adetailer/a.pt", "bbox/clothes.pt", "hemline/own.safetensors", "segformer_clothes/model.safetensors",
        "segm/deep/seg.PT", "top.onnx",
    )  # fmt: skip
    assert list_names(SAM_KINDS, folders_below([tmp_path])) == ("hemline/own.safetensors", "sam_vit_b.pth")


def test_every_listed_name_is_found_again(tmp_path: Path) -> None:
    put(tmp_path, *(f"{folder}/deep/{name}{ENDINGS[0]}" for name, kind in KINDS.items() for folder in kind.below))
    folders = folders_below([tmp_path])
    for kinds in (DETECTOR_KINDS, SAM_KINDS):
        for name in list_names(kinds, folders):
            assert find_file(name, kinds, folders).is_file()


def test_names_are_the_same_on_every_system(tmp_path: Path) -> None:
    put(tmp_path, "ultralytics/bbox/deep/a.pt")
    folders = folders_below([tmp_path])
    assert find_file(r"bbox\deep\a.pt", DETECTOR_KINDS, folders) == find_file("bbox/deep/a.pt", DETECTOR_KINDS, folders)


def test_the_first_folder_that_has_it_wins(tmp_path: Path) -> None:
    put(tmp_path, "one/sams/a.pth", "two/sams/a.pth", "two/sams/b.pth")
    folders = folders_below([tmp_path / "one", tmp_path / "two"])
    assert find_file("a.pth", SAM_KINDS, folders) == tmp_path / "one/sams/a.pth"
    assert find_file("b.pth", SAM_KINDS, folders) == tmp_path / "two/sams/b.pth"


def test_a_missing_file_names_the_folders_that_were_searched(tmp_path: Path) -> None:
    with pytest.raises(MissingModel) as raised:
        find_file("bbox/gone.pt", DETECTOR_KINDS, folders_below([tmp_path]))
    said = str(raised.value)
    assert "'bbox/gone.pt' is not there" in said
    assert str(tmp_path / "ultralytics") in said and str(tmp_path / "ultralytics" / "bbox") in said
    assert "adetailer" not in said  # whose names begin otherwise
    with pytest.raises(MissingModel, match="no folder"):
        find_file("gone.pt", DETECTOR_KINDS, {})


@pytest.mark.parametrize(
    "name",
    ["../secret.pt", "bbox/../../secret.pt", r"..\secret.pt", "/etc/secret.pt", r"\secret.pt", "C:/secret.pt",
     r"C:secret.pt", "a\0.pt", "", "."],
)  # fmt: skip
def test_a_name_never_leads_out_of_the_folders(tmp_path: Path, name: str) -> None:
    put(tmp_path, "secret.pt", "models/ultralytics/bbox/a.pt", "models/secret.pt")
    with pytest.raises(BadFile, match="no model in a model folder"):
        find_file(name, DETECTOR_KINDS, folders_below([tmp_path / "models"]))


def test_only_what_the_user_has_typed_in_may_lie_anywhere(tmp_path: Path) -> None:
    put(tmp_path, "mine.pt", "other.pt")
    mine, other = str(tmp_path / "mine.pt"), str(tmp_path / "other.pt")
    assert find_file(mine, DETECTOR_KINDS, {}, given={mine}) == Path(mine)
    with pytest.raises(BadFile):
        find_file(other, DETECTOR_KINDS, {}, given={mine})


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_followed_and_a_circle_of_links_ends(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.pt", "models/sams/b.pth")
    os.symlink(tmp_path / "elsewhere", tmp_path / "models/sams/linked")
    os.symlink(tmp_path / "models/sams", tmp_path / "models/sams/circle")
    folders = folders_below([tmp_path / "models"])
    assert list_names(SAM_KINDS, folders) == ("b.pth", "linked/a.pt")
    assert find_file("linked/a.pt", SAM_KINDS, folders).is_file()
