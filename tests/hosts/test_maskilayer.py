"""`hemline maskilayer` gives maskilayer's bytes, in strips, and tells what maskilayer passes over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.commands import PYTHON, events, files_below, hemline
from support.levels import info_of, picture_file, read, samples, write

from hemline.hosts.formats import strips as strips_module
from hemline.hosts.maskilayer import normalise_levels, split_paths
from hemline.segmentation.levels import normalise_mask

LEVELS = range(6)
PACKAGE = shutil.which("maskilayer", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def reference_mask(levels, norm):
    """maskilayer's `normalize_mask_arr` by its description: stretch, cut, stretch, gamma, stretch."""
    if norm <= 0:
        return levels
    values = (levels - levels.min()) / (levels.max() - levels.min())
    if norm == 1:
        return values
    cut = 0.5 - 0.25 * np.exp(-(norm - 2) * 0.5)
    values = (np.clip(values, cut, 1 - cut) - cut) / (1 - 2 * cut)
    values = np.power(values, 1.0 - 0.75 * (1 - np.exp(-(norm - 1) * 2.0)))
    return (values - values.min()) / (values.max() - values.min())


def reference(back, comp, masks, inverted, norm):
    """The composite and the mask before their fractions are cut off, in double precision."""
    planes = [mask.astype(float) / 255.0 for mask in masks] + [1 - mask.astype(float) / 255.0 for mask in inverted]
    mean = np.mean([reference_mask(plane, norm) for plane in planes], axis=0)
    weight = mean[..., np.newaxis]
    return back * (1 - weight) + comp * weight, mean * 255


def soft_mask(height, width, seed, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint8)


@pytest.fixture
def files(tmp_path):
    """Two pictures and three masks of 61 x 47, as arrays and as files."""
    arrays = {
        "back": picture_file(tmp_path / "back.png", 61, 47),
        "comp": picture_file(tmp_path / "comp.png", 61, 47, seed=1),
    }
    for number, (low, high) in enumerate([(0, 256), (30, 200), (90, 140)]):
        arrays[f"m{number}"] = soft_mask(47, 61, number, low, high)
        Image.fromarray(arrays[f"m{number}"]).save(tmp_path / f"m{number}.png")
    return arrays


def run(folder, *more, masks="", imasks=""):
    """The command on the files of the fixture, with paths below its folder."""
    named = {
        flag: ";".join(str(folder / name) for name in text.split())
        for flag, text in (("--masks", masks), ("--imasks", imasks))
    }
    given = [part for flag, text in named.items() if text for part in (flag, text)]
    ends = ["--back", folder / "back.png", "--comp", folder / "comp.png", "--out", folder / "out.png"]
    return hemline("maskilayer", *ends, *given, *more)


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("norm", LEVELS)
@pytest.mark.parametrize(("masks", "imasks"), [("m0.png", ""), ("", "m1.png"), ("m0.png m1.png", "m2.png")])
def test_truncated_it_is_maskilayers_bytes_and_rounded_the_nearest_ones(tmp_path, files, norm, masks, imasks):
    wanted, mask = reference(
        files["back"], files["comp"], [files[name[:2]] for name in masks.split()],
        [files[name[:2]] for name in imasks.split()], norm,
    )  # fmt: skip
    for how, cut in (("truncate", np.floor), ("nearest", np.rint)):
        done = run(
            tmp_path, "--norm", norm, "--round", how, "--smask", tmp_path / "mask.png", masks=masks, imasks=imasks
        )
        assert done.returncode == 0, done.stderr
        assert np.array_equal(pixels(tmp_path / "out.png"), cut(wanted).astype(np.uint8))
        assert np.array_equal(pixels(tmp_path / "mask.png"), cut(mask).astype(np.uint8))


@pytest.mark.skipif(PACKAGE is None, reason="maskilayer is not installed")
@pytest.mark.parametrize("norm", LEVELS)
def test_truncated_it_is_the_same_file_contents_as_the_package_gives(tmp_path, files, norm):
    given = [
        "--back", tmp_path / "back.png", "--comp", tmp_path / "comp.png", "--norm", norm, "--smask", tmp_path / "s.png",
        "--masks", f"{tmp_path / 'm0.png'};{tmp_path / 'm1.png'}", "--imasks", tmp_path / "m2.png",
    ]  # fmt: skip
    subprocess.run([PACKAGE, *map(str, given), "--out", str(tmp_path / "theirs.png")], check=True)
    theirs = pixels(tmp_path / "theirs.png"), pixels(tmp_path / "s.png")
    assert hemline("maskilayer", *given, "--out", tmp_path / "ours.png", "--round", "truncate").returncode == 0
    assert np.array_equal(theirs[0], pixels(tmp_path / "ours.png"))
    assert np.array_equal(theirs[1], pixels(tmp_path / "s.png"))


def test_without_masks_it_mixes_half_and_half(tmp_path, files):
    assert run(tmp_path).returncode == 0
    half = files["back"] * 0.5 + files["comp"] * 0.5
    assert np.array_equal(pixels(tmp_path / "out.png"), np.rint(half).astype(np.uint8))


def test_strips_equal_the_whole(tmp_path, files, monkeypatch):
    outcomes = []
    for strip_bytes in (1, 61 * 3 * 5, 1 << 30):
        monkeypatch.setattr(strips_module, "STRIP_BYTES", strip_bytes)
        assert run(tmp_path, "--norm", 2, masks="m0.png m1.png").returncode == 0
        outcomes.append(pixels(tmp_path / "out.png"))
    assert all(np.array_equal(one, outcomes[0]) for one in outcomes)


@pytest.mark.parametrize("value", [0, 77, 255])
@pytest.mark.parametrize("norm", [1, 4])
def test_a_flat_mask_survives_normalisation(tmp_path, files, value, norm):
    Image.new("L", (61, 47), value).save(tmp_path / "flat.png")
    assert run(tmp_path, "--norm", norm, masks="flat.png").returncode == 0
    mixed = files["back"] * (1 - value / 255) + files["comp"] * (value / 255)
    assert np.array_equal(pixels(tmp_path / "out.png"), np.rint(mixed).astype(np.uint8))


@pytest.mark.parametrize("flag", ["masks", "imasks"])
def test_a_missing_mask_is_an_error_and_never_a_mix_by_half(tmp_path, files, flag):
    done = run(tmp_path, **{flag: "m0.png typo.png"})
    assert done.returncode == 1 and "typo.png does not exist" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out.png").exists()


def test_masks_of_another_size_are_told_with_both_sizes(tmp_path, files):
    Image.new("L", (60, 47)).save(tmp_path / "small.png")
    done = run(tmp_path, masks="small.png")
    assert done.returncode == 1 and "small.png is 60 x 47 but" in done.stderr and "back.png is 61 x 47" in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_paths_with_commas_work_alone_and_between_semicolons(tmp_path):
    for name in ("a,b.png", "c.png"):
        (tmp_path / name).touch()
    comma, plain = tmp_path / "a,b.png", tmp_path / "c.png"
    assert split_paths(f"{comma};{plain}") == (comma, plain)
    assert split_paths(str(comma)) == (comma,)
    assert split_paths(f"{plain},{plain}") == (plain, plain)
    assert split_paths("") == ()


def test_rgb_and_rgba_mix_with_an_opaque_alpha_for_the_one_without(tmp_path, files):
    rgba = picture_file(tmp_path / "comp.png", 61, 47, 4)
    assert run(tmp_path, masks="m0.png").returncode == 0
    opaque = np.concatenate([files["back"], np.full((47, 61, 1), 255, np.uint8)], axis=-1)
    wanted, _ = reference(opaque, rgba, [files["m0"]], [], 0)
    assert np.array_equal(pixels(tmp_path / "out.png"), np.rint(wanted).astype(np.uint8))


def test_a_grey_picture_mixes_with_a_coloured_one(tmp_path, files):
    grey = picture_file(tmp_path / "back.png", 61, 47, 1)
    assert run(tmp_path, masks="m0.png").returncode == 0
    wanted, _ = reference(np.repeat(grey, 3, axis=2), files["comp"], [files["m0"]], [], 0)
    assert np.array_equal(pixels(tmp_path / "out.png"), np.rint(wanted).astype(np.uint8))


def test_16_bits_stay_16_bits_and_a_16_bit_mask_counts_in_full(tmp_path):
    deep = [
        picture_file(tmp_path / f"{name}.png", 61, 47, 3, 16, seed, icc=b"p" * 99)
        for seed, name in enumerate(("back", "comp"))
    ]
    mask = picture_file(tmp_path / "m.png", 61, 47, 1, 16)
    assert run(tmp_path, "--smask", tmp_path / "s.png", masks="m.png").returncode == 0
    weight = mask / 65535.0
    info, seen = read(tmp_path / "out.png")
    assert (info.depth, info.icc) == (16, b"p" * 99)
    assert np.array_equal(seen, np.rint(deep[0] * (1 - weight) + deep[1] * weight))
    assert np.array_equal(read(tmp_path / "s.png")[1], mask)


def test_of_two_depths_the_deeper_one_comes_out(tmp_path, files):
    deep = picture_file(tmp_path / "comp.png", 61, 47, 3, 16)
    Image.new("L", (61, 47), 255).save(tmp_path / "all.png")
    assert run(tmp_path, masks="all.png").returncode == 0
    info, seen = read(tmp_path / "out.png")
    assert info.depth == 16 and np.array_equal(seen, deep)
    assert run(tmp_path, imasks="all.png").returncode == 0
    assert np.array_equal(read(tmp_path / "out.png")[1], files["back"] * np.uint16(257))


def test_coloured_masks_count_by_their_luma_as_pillow_has_it(tmp_path, files):
    coloured = picture_file(tmp_path / "m.png", 61, 47)
    assert run(tmp_path, "--smask", tmp_path / "s.png", masks="m.png").returncode == 0
    assert np.array_equal(pixels(tmp_path / "s.png"), np.asarray(Image.fromarray(coloured).convert("L")))


def test_other_formats_by_their_suffix(tmp_path, files):
    pytest.importorskip("imagecodecs", reason="TIFF needs the extra io")
    pytest.importorskip("tifffile", reason="TIFF needs the extra io")
    back, comp = (tmp_path / f"{name}.tif" for name in ("back", "comp"))
    for path, name in ((back, "back"), (comp, "comp")):
        write(path, info_of(61, 47, 3), files[name])
    assert run(tmp_path, masks="m0.png").returncode == 0
    done = hemline(
        "maskilayer", "--back", back, "--comp", comp, "--out", tmp_path / "o.tif", "--masks", tmp_path / "m0.png"
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(read(tmp_path / "o.tif")[1], pixels(tmp_path / "out.png"))


def test_pictures_of_different_kinds_of_values_are_sent_to_blend(tmp_path, files):
    info = info_of(61, 47, 3, transfer="linear")
    write(tmp_path / "comp.png", info, samples(info))
    done = run(tmp_path, masks="m0.png")
    assert done.returncode == 1 and "hemline blend" in done.stderr


@pytest.mark.parametrize("wrong", [["--norm", "6"], ["--norm", "-1"], ["--round", "up"], ["--out", "x.rar"]])
def test_a_wrong_option_is_wrong_usage(tmp_path, files, wrong):
    assert run(tmp_path, *wrong, masks="m0.png").returncode == 2
    assert not (tmp_path / "out.png").exists()


def test_programs_are_told_what_was_done(tmp_path, files):
    told = events(run(tmp_path, "--verbose", "--json", "--norm", 1, masks="m1.png", imasks="m2.png"))
    assert [event["event"] for event in told] == ["mask", "mask", "done"]
    assert told[0]["low"] == files["m1"].min() / 255 and told[1]["high"] == 1 - files["m2"].min() / 255
    assert told[2]["files"] == [str(tmp_path / "out.png")]
    json.dumps(told)


def test_a_damaged_picture_leaves_no_file(tmp_path, files):
    data = (tmp_path / "comp.png").read_bytes()
    (tmp_path / "comp.png").write_bytes(data[:-400] + data[-380:])
    before = files_below(tmp_path)
    done = run(tmp_path, "--smask", tmp_path / "s.png", masks="m0.png")
    assert done.returncode == 1 and "comp.png" in done.stderr and files_below(tmp_path) == before


def test_a_cancel_leaves_no_file(tmp_path, files, monkeypatch):
    def interrupt(*given):
        raise KeyboardInterrupt

    before = files_below(tmp_path)
    monkeypatch.setattr("hemline.hosts.maskilayer._mix", interrupt)
    done = run(tmp_path, "--smask", tmp_path / "s.png", masks="m0.png")
    assert done.returncode == 130 and files_below(tmp_path) == before


def test_the_command_needs_no_torch():
    code = (
        "import sys; from hemline.hosts import cli, maskilayer; "
        "sys.exit([name for name in ('torch', 'tifffile', 'imagecodecs', 'rich.progress') if name in sys.modules] or 0)"
    )
    done = subprocess.run([*PYTHON, code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_both_normalisations_of_hemline_agree(values, level):
    plane = np.array(values, dtype=np.float64)
    low, high = plane.min(), plane.max()
    if 0 < high - low < 1e-3:
        return
    ours = normalise_levels(plane, low, high, level)
    library = normalise_mask(torch.tensor(plane, dtype=torch.float32)[None, None], level)[0, 0].numpy()
    # Near the cut a difference of float32 becomes large by the root; away from it both agree closely.
    assert np.abs(ours - library).max() < (1e-5 if level < 2 else 0.02)
