"""`hemline blend`: what blend_images gives, from files to a file, in strips, at any depth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from support.commands import events, files_below, hemline
from support.levels import info_of, picture_file, read, samples, write

from hemline.blending.composite import blend_images
from hemline.hosts import blend_files as blend_module
from hemline.hosts.blend_files import needed_bytes
from hemline.hosts.coverage import CoverageSettings
from hemline.hosts.formats import strips as strips_module
from hemline.segmentation.combine import combine_masks
from hemline.segmentation.levels import normalise_mask
from hemline.segmentation.shape import feather_mask, grow_mask

SIZE = (83, 61)


@pytest.fixture
def files(tmp_path):
    """Base, layer and masks a, b, c of 83 x 61 as values 0..1, with the files beside."""
    values = {
        name: torch.as_tensor(picture_file(tmp_path / f"{name}.png", *SIZE, seed=seed) / np.float32(255))[None]
        for seed, name in enumerate(("base", "layer"))
    }
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    for number, name in enumerate("abc"):
        disk = (14 - np.hypot(rows - 30, columns - 25 - 14 * number)).clip(0, 1)
        levels = np.rint(disk * 255).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{name}.png")
        values[name] = torch.as_tensor(levels / np.float32(255))[None]
    return values


@pytest.fixture
def small_strips(monkeypatch):
    monkeypatch.setattr(strips_module, "STRIP_BYTES", 7 * SIZE[0] * 3)


def run(folder, *more, out="out.png", base="base.png", layer="layer.png"):
    given = [folder / one if isinstance(one, str) and one.endswith(".png") else one for one in more]
    return hemline("blend", folder / base, folder / layer, "-o", folder / out, *given)


def levels_of(values, white=255):
    return np.rint(values[0].numpy() * white)


@pytest.mark.parametrize(
    "options", [{}, {"mode": "soft-light"}, {"mode": "hue", "opacity": 0.4}, {"mode": "multiply", "space": "linear"}]
)
def test_the_file_holds_what_blend_images_gives(tmp_path, files, small_strips, options):
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    done = run(tmp_path, "--mask", "a.png", *flags)
    assert done.returncode == 0, done.stderr
    wanted = blend_images(files["base"], files["layer"], files["a"], **options)
    assert np.abs(read(tmp_path / "out.png")[1] - levels_of(wanted)).max() <= (1 if options else 0)


def test_where_the_mask_is_0_the_base_stays_as_it_was(tmp_path, files):
    assert run(tmp_path, "--mask", "a.png", "--mode", "difference").returncode == 0
    untouched = files["a"][0].numpy() == 0
    base = read(tmp_path / "base.png")[1]
    assert np.array_equal(read(tmp_path / "out.png")[1][untouched], base[untouched])


def test_masks_are_united_and_excluded_ones_win(tmp_path, files):
    assert run(tmp_path, "--mask", "a.png", "--mask", "b.png", "--exclude", "c.png").returncode == 0
    mask = combine_masks([files["a"], files["b"]], "union") * (1 - files["c"])
    wanted = blend_images(files["base"], files["layer"], mask)
    assert np.array_equal(read(tmp_path / "out.png")[1], levels_of(wanted))


def test_nothing_grows_or_fades_into_what_is_excluded(tmp_path, files):
    options = ["--mask", "a.png", "--exclude", "b.png", "--grow", 12, "--feather", 20]
    assert run(tmp_path, *options).returncode == 0
    held = files["b"][0].numpy() == 1
    assert np.array_equal(read(tmp_path / "out.png")[1][held], read(tmp_path / "base.png")[1][held])


def test_only_excluding_leaves_the_rest_covered(tmp_path, files):
    assert run(tmp_path, "--exclude", "a.png").returncode == 0
    wanted = blend_images(files["base"], files["layer"], 1 - files["a"])
    assert np.array_equal(read(tmp_path / "out.png")[1], levels_of(wanted))


@pytest.mark.parametrize(
    ("flags", "mask"),
    [
        (["--combine", "intersect"], lambda a, b: combine_masks([a, b], "intersect")),
        (["--combine", "xor", "--invert"], lambda a, b: 1 - combine_masks([a, b], "xor")),
        (["--normalise", 3], lambda a, b: combine_masks([normalise_mask(a, 3), normalise_mask(b, 3)], "union")),
        (["--grow", 7.5], lambda a, b: grow_mask(torch.maximum(a, b), 7.5)),
        (["--grow", -3, "--feather", 9], lambda a, b: feather_mask(grow_mask(torch.maximum(a, b), -3), 9)),
        (["--feather", 14, "--side", "inside"], lambda a, b: feather_mask(torch.maximum(a, b), 14, side="inside")),
        (["--feather", 14, "--side", "outside"], lambda a, b: feather_mask(torch.maximum(a, b), 14, side="outside")),
    ],
)
def test_masks_are_worked_on_as_the_library_does_in_strips_as_well(tmp_path, files, small_strips, flags, mask):
    done = run(tmp_path, "--mask", "a.png", "--mask", "b.png", *flags)
    assert done.returncode == 0, done.stderr
    wanted = levels_of(blend_images(files["base"], files["layer"], mask(files["a"], files["b"])))
    difference = np.abs(read(tmp_path / "out.png")[1] - wanted)
    # Fourier transforms of other lengths differ by 1e-6, which may turn a rounding.
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_strips_equal_the_whole(tmp_path, files, monkeypatch):
    outcomes = []
    for rows in (1, 5, 1000):
        monkeypatch.setattr(strips_module, "STRIP_BYTES", rows * SIZE[0] * 3)
        assert run(tmp_path, "--mask", "a.png", "--mode", "soft-light", "--grow", 3.3).returncode == 0
        outcomes.append(read(tmp_path / "out.png")[1])
    assert all(np.array_equal(one, outcomes[0]) for one in outcomes)


def test_a_mask_may_be_the_alpha_of_a_picture(tmp_path, files):
    rgba = picture_file(tmp_path / "cut.png", *SIZE, 4)
    assert run(tmp_path, "--mask", "cut.png", "--mask-channel", "alpha").returncode == 0
    mask = torch.as_tensor(rgba[..., 3] / np.float32(255))[None]
    assert np.array_equal(read(tmp_path / "out.png")[1], levels_of(blend_images(files["base"], files["layer"], mask)))
    done = run(tmp_path, "--mask", "a.png", "--mask-channel", "alpha")
    assert done.returncode == 1 and "a.png has no alpha" in done.stderr


# --- depths, channels, formats ---------------------------------------------------------------------------------------


def test_16_bits_go_in_and_come_out(tmp_path, files):
    base = picture_file(tmp_path / "base.png", *SIZE, 4, 16, icc=b"p" * 200)
    assert run(tmp_path, "--mask", "a.png", "--opacity", 0.5).returncode == 0
    info, seen = read(tmp_path / "out.png")
    assert (info.depth, info.channels, info.icc) == (16, 4, b"p" * 200)
    values = torch.as_tensor(base.astype(np.float32) / 65535)[None]
    wanted = levels_of(blend_images(values, files["layer"], files["a"], opacity=0.5), 65535)
    assert np.abs(seen - wanted).max() <= 1 and len(np.unique(seen)) > 5000


@pytest.mark.parametrize(("depth", "out"), [("16", "o.png"), ("8", "o.jpg"), ("f32", "o.tif"), ("f16", "o.exr")])
def test_the_depth_can_be_chosen_where_the_format_has_it(tmp_path, files, depth, out):
    for package in ("tifffile", "imagecodecs", "OpenEXR"):
        pytest.importorskip(package, reason="TIFF and EXR need the extra io")
    assert run(tmp_path, "--depth", depth, out=out).returncode == 0
    assert str(read(tmp_path / out)[0].depth) == depth


def test_a_depth_that_the_format_lacks_is_wrong_usage(tmp_path, files):
    done = run(tmp_path, "--depth", "16", out="o.jpg")
    assert done.returncode == 2 and "JPEG has no depth 16" in " ".join(done.stderr.split())


def test_an_exr_keeps_its_own_samples_where_nothing_covers_it_and_values_above_1_everywhere(tmp_path, files):
    pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    info = info_of(*SIZE, 4, "f16", alpha="premultiplied", transfer="linear")
    base = np.abs(samples(info))
    write(tmp_path / "base.exr", info, base)
    assert run(tmp_path, "--mask", "a.png", base="base.exr", out="o.exr").returncode == 0
    kept, seen = read(tmp_path / "o.exr")
    untouched = files["a"][0].numpy() == 0
    assert kept.depth == "f16" and np.array_equal(seen[untouched], base[untouched]) and base[untouched].max() > 1
    assert not np.array_equal(seen[~untouched], base[~untouched])


def test_linear_light_of_an_exr_is_encoded_on_its_way_into_a_png(tmp_path):
    pytest.importorskip("OpenEXR", reason="EXR needs the extra io")
    info = info_of(2, 1, 3, "f32", transfer="linear")
    write(tmp_path / "base.exr", info, np.array([[[0.0] * 3, [0.21404114] * 3]], np.float32))
    Image.new("RGB", (2, 1)).save(tmp_path / "layer.png")
    assert run(tmp_path, "--opacity", 0, "--depth", "8", base="base.exr").returncode == 0
    assert read(tmp_path / "out.png")[1][0, :, 0].tolist() == [0, 128]  # 0.2140 is the light of the encoded 0.5


def test_grey_stays_grey_unless_the_layer_has_colours(tmp_path, files):
    grey = picture_file(tmp_path / "base.png", *SIZE, 1)
    picture_file(tmp_path / "other.png", *SIZE, 1, seed=5)
    assert run(tmp_path, "--opacity", 0, layer="other.png").returncode == 0
    assert np.array_equal(read(tmp_path / "out.png")[1], grey)
    assert run(tmp_path).returncode == 0
    assert read(tmp_path / "out.png")[0].channels == 3


def test_what_the_format_cannot_keep_is_said(tmp_path, files):
    picture_file(tmp_path / "base.png", *SIZE, 4, 16)
    told = events(run(tmp_path, "--json", out="o.jpg"))
    assert told[0]["event"] == "lost" and told[0]["lost"] == ["transparency", "depth (16 to 8)"]
    assert told[1]["event"] == "done"


def test_different_profiles_are_said(tmp_path, files):
    picture_file(tmp_path / "base.png", *SIZE, icc=b"one" * 50)
    picture_file(tmp_path / "layer.png", *SIZE, icc=b"two" * 50)
    assert "different colour profiles" in run(tmp_path).stderr


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [[], ["--mask", "small.png"]])
def test_another_size_is_told_with_both_sizes(tmp_path, files, flags):
    picture_file(tmp_path / "small.png", 40, 30, 1)
    done = run(tmp_path, *flags, layer="layer.png" if flags else "small.png")
    assert done.returncode == 1 and "small.png is 40 x 30 but the base is 83 x 61" in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_layers_and_masks_of_another_size_are_stretched_on_request(tmp_path, files):
    small = torch.as_tensor(picture_file(tmp_path / "small.png", 40, 30) / np.float32(255))[None]
    Image.new("L", (20, 20), 255).save(tmp_path / "all.png")
    done = run(tmp_path, "--fit", "stretch", "--mask", "all.png", layer="small.png")
    assert done.returncode == 0, done.stderr
    wanted = blend_images(files["base"], small, fit="stretch")
    assert np.array_equal(read(tmp_path / "out.png")[1], levels_of(wanted))


# --- what is refused and said ----------------------------------------------------------------------------------------


def test_a_missing_mask_is_an_error(tmp_path, files):
    done = run(tmp_path, "--mask", "a.png", "--mask", "typo.png")
    assert done.returncode == 1 and "typo.png does not exist" in done.stderr and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--mode", "sotf-light"], ["--space", "x"], ["--opacity", "2"], ["--grow", "900"], ["--feather", "-1"],
        ["--combine", "x"], ["--side", "x"], ["--normalise", "6"], ["--depth", "7"], ["--fit", "x"],
        ["--quality", "0"], ["--compression", "x"], ["--mask-channel", "x"],
    ],
)  # fmt: skip
def test_a_wrong_option_is_wrong_usage(tmp_path, files, flags):
    assert run(tmp_path, *flags).returncode == 2 and not (tmp_path / "out.png").exists()


def test_no_input_is_overwritten(tmp_path, files):
    before = (tmp_path / "base.png").read_bytes()
    done = run(tmp_path, out="base.png")
    assert done.returncode == 1 and "also read" in done.stderr and (tmp_path / "base.png").read_bytes() == before


def test_an_older_result_is_replaced(tmp_path, files):
    (tmp_path / "out.png").write_text("older")
    assert run(tmp_path).returncode == 0
    assert np.array_equal(read(tmp_path / "out.png")[1], read(tmp_path / "layer.png")[1])


def test_a_cancel_leaves_no_file(tmp_path, files, small_strips, monkeypatch):
    before, calls = files_below(tmp_path), []

    def interrupt(*given, **options):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return blend_images(*given, **options)

    monkeypatch.setattr(blend_module, "blend_images", interrupt)
    assert run(tmp_path).returncode == 130 and files_below(tmp_path) == before


def test_a_job_that_will_not_fit_is_said_before_it_begins(tmp_path, files, monkeypatch):
    monkeypatch.setattr(blend_module, "available_bytes", lambda: 1 << 19)
    told = events(run(tmp_path, "--json", "--mask", "typo.png")) + events(run(tmp_path, "--json"))
    assert [event["event"] for event in told] == ["failed", "memory", "done"]
    assert told[1]["needed"] > told[1]["free"] == 1 << 19
    monkeypatch.setattr(blend_module, "available_bytes", lambda: 1 << 40)
    assert [event["event"] for event in events(run(tmp_path, "--json"))] == ["done"]


def test_strips_need_as_much_for_a_wide_picture_of_any_height():
    def needed(height):
        return needed_bytes([], 0, info_of(4096, height, 3), 64, CoverageSettings(grow_px=20, feather_px=30))

    assert needed(4096) == needed(100_000) < 1 << 30
    whole = info_of(4096, 4096, 3)
    assert needed_bytes([whole], 0, whole, 64, CoverageSettings()) > 2 * whole.picture_bytes


def test_the_threads_of_torch_are_as_before(tmp_path, files):
    before = torch.get_num_threads()
    assert run(tmp_path).returncode == 0
    assert torch.get_num_threads() == before
