from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.blending.crop_sizes import LEAVE_FRAME, TARGETS, fit_target, wanted_size
from hemline.tensors import RangeError, ShapeError, UnknownName

SIZED = [name for name, target in TARGETS.items() if target.sizes]
side = st.integers(1, 4096)


def test_kontext_has_its_seventeen_sizes():
    upright = {(672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)}
    assert set(TARGETS["FLUX Kontext"].sizes) == upright | {(h, w) for w, h in upright} | {(1024, 1024)}
    assert len(TARGETS["FLUX Kontext"].sizes) == 17


def test_qwen_sizes_are_those_that_its_pipeline_leaves_as_they_are():
    def pipeline(width, height):
        wide = math.sqrt(1024 * 1024 * width / height)
        return round(wide / 32) * 32, round(wide / (width / height) / 32) * 32

    sizes = TARGETS["Qwen-Image-Edit"].sizes
    assert all(pipeline(*size) == size for size in sizes) and len(sizes) == 45
    assert (1024, 1024) in sizes and (672, 1568) in sizes and (832, 1248) in sizes


@pytest.mark.parametrize("name", SIZED)
def test_a_targets_sizes_are_multiples_come_both_ways_and_have_a_source(name):
    target = TARGETS[name]
    assert all(value % target.multiple == 0 for size in target.sizes for value in size)
    assert {(high, wide) for wide, high in target.sizes} == set(target.sizes)
    assert len(set(target.sizes)) == len(target.sizes) and target.source


@given(st.data(), side, side, st.sampled_from(sorted(TARGETS)), st.sampled_from([8, 16, 32]))
def test_never_never_leaves_the_frame_and_always_holds_the_mask(data, wide, high, target, multiple):
    needed = data.draw(st.integers(1, wide)), data.draw(st.integers(1, high))
    wanted = wanted_size(needed, 1.2, 32, (wide, high))
    fit = fit_target(needed, wanted, (wide, high), target, custom=(512, 768), multiple=multiple, leave_frame="never")
    assert needed[0] <= fit.box[0] <= wide and needed[1] <= fit.box[1] <= high
    steps = TARGETS[target].multiple if TARGETS[target].sizes else multiple
    assert fit.size[0] % steps == 0 and fit.size[1] % steps == 0
    exact = fit.box[0] * fit.size[1] == fit.box[1] * fit.size[0]
    assert exact or "apart" in fit.note


@given(st.data(), st.integers(300, 3000), st.integers(300, 3000), st.sampled_from(SIZED))
def test_never_keeps_about_the_pixels_and_the_aspect_for_frames_of_usual_shapes(data, wide, high, target):
    if not 0.4 < wide / high < 2.5:
        return
    needed = data.draw(st.integers(1, wide)), data.draw(st.integers(1, high))
    fit = fit_target(needed, wanted_size(needed, 1.2, 32, (wide, high)), (wide, high), target, leave_frame="never")
    assert abs(math.log(fit.size[0] * fit.box[1] / (fit.size[1] * fit.box[0]))) < 0.03
    areas = [size[0] * size[1] for size in TARGETS[target].sizes]
    assert 0.75 * min(areas) < fit.size[0] * fit.size[1] < 1.15 * max(areas)


@given(st.data(), side, side, st.sampled_from(SIZED), st.sampled_from(LEAVE_FRAME))
def test_a_box_has_its_sizes_aspect_or_the_note_says_by_how_much_not(data, wide, high, target, leave_frame):
    needed = data.draw(st.integers(1, wide)), data.draw(st.integers(1, high))
    wanted = wanted_size(needed, 1.2, 32, None if leave_frame == "for context" else (wide, high))
    fit = fit_target(needed, wanted, (wide, high), target, leave_frame=leave_frame)
    assert fit.box[0] * fit.size[1] == fit.box[1] * fit.size[0] or "apart" in fit.note
    if leave_frame == "for context":
        assert fit.box[0] >= wanted[0] and fit.box[1] >= wanted[1]


def test_never_takes_one_of_the_targets_sizes_where_one_fits():
    fit = fit_target((300, 800), (400, 900), (600, 900), "SDXL", leave_frame="never")
    assert fit.size in TARGETS["SDXL"].sizes and not fit.note


def test_never_says_which_size_it_hands_out_instead():
    fit = fit_target((1000, 40), (1000, 100), (1000, 100), "FLUX Fill", leave_frame="never")
    assert fit.size not in TARGETS["FLUX Fill"].sizes
    assert "without leaving the picture" in fit.note and f"{fit.size[0]}x{fit.size[1]} is handed out" in fit.note


@pytest.mark.parametrize("multiple", [8, 16, 32])
def test_custom_sizes_must_be_multiples(multiple):
    fit = fit_target((50, 50), (70, 70), (500, 500), "custom", custom=(20 * multiple, 25 * multiple), multiple=multiple)
    assert fit.size == (20 * multiple, 25 * multiple)
    with pytest.raises(ShapeError, match=f"no multiple of {multiple}; the next is"):
        fit_target((50, 50), (70, 70), (500, 500), "custom", custom=(20 * multiple + 1, 256), multiple=multiple)


def test_bad_input_is_an_error_that_says_what_to_do():
    with pytest.raises(UnknownName, match="Did you mean 'Qwen-Image-Edit'"):
        fit_target((5, 5), (7, 7), (50, 50), "qwen image edit")
    with pytest.raises(UnknownName, match="if needed, never, for context"):
        fit_target((5, 5), (7, 7), (50, 50), "SDXL", leave_frame="always")
    with pytest.raises(RangeError, match="multiple"):
        fit_target((5, 5), (7, 7), (50, 50), "as is", multiple=0)
