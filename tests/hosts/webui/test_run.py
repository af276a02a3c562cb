"""The hooks inside a generation of the stand-in host, with a mask that needs no network: what is red is the garment."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.contexts import CONTEXT
from support.webui_host import pixels

from hemline.hosts.webui import run as steps
from hemline.hosts.webui import script, second_pass
from hemline.hosts.webui.masking import GarmentMask
from hemline.segmentation.garments import Garments

STUB = Path(__file__).resolve().parent / "stub"
SIZE = (96, 128)
FIELDS = ("image_mask", "mask_blur_x", "mask_blur_y", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding",
          "inpainting_mask_invert")  # fmt: skip
SQUARE, OTHER = (24, 32, 64, 80), (60, 80, 90, 120)


@pytest.fixture
def runner(modules: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A script runner with our script in it."""
    monkeypatch.setattr(steps, "garment_mask", red_mask)
    monkeypatch.setattr(second_pass, "garment_mask", red_mask)
    modules.scripts.scripts_data.append(
        modules.scripts.ScriptClassData(script.script_class(), "hemline_webui.py", "", None)
    )
    runner = modules.scripts.ScriptRunner()
    runner.initialize_scripts(True)
    for one in runner.alwayson_scripts:
        one.args_from, one.args_to = 1, 2
    return runner


def red_mask(image: torch.Tensor, settings: Any, drawn: Any = None, *, context: Any) -> GarmentMask:
    context.check_cancelled()
    mask = (image[..., 0] > image[..., 1] + 0.4).float()
    if drawn is not None:
        mask = torch.maximum(mask, drawn)
    found = bool(mask.any())
    nothing = Garments(image.shape[2], image.shape[1], len(image), (), "red")
    return GarmentMask(mask, nothing, ("red found" if found else "nothing found",) * len(image), ())


def picture(*boxes: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", SIZE, (120, 130, 140))
    for box in boxes:
        image.paste((230, 30, 30), box)
    return image


def processing(modules: Any, runner: Any, *pictures: Image.Image, **settings: Any) -> Any:
    p = modules.processing.StableDiffusionProcessingImg2Img(
        init_images=[*pictures], width=96, height=128, batch_size=len(pictures), inpainting_mask_invert=0
    )
    p.scripts, p.script_args = runner, (None, {"enabled": True, **settings})
    return p


def axis_option() -> Any:
    """The stand-in's class for an axis; its file is loaded as hosts load it."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("xyz_grid.py", STUB / "scripts" / "xyz_grid.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AxisOption


def test_the_host_is_left_as_it_was(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), fill="latent noise")
    before = {name: getattr(p, name) for name in FIELDS}
    modules.processing.process_images(p)
    assert {name: getattr(p, name) for name in FIELDS} == before
    assert not {"init", "sample"} & set(vars(p))


def test_the_host_is_told_what_the_panel_says(modules: Any, runner: Any, monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, Any] = {}
    init = modules.processing.StableDiffusionProcessingImg2Img.init

    def spy(p: Any, *args: Any) -> None:
        seen.update({name: getattr(p, name) for name in FIELDS})
        init(p, *args)

    monkeypatch.setattr(modules.processing.StableDiffusionProcessingImg2Img, "init", spy)
    modules.processing.process_images(processing(modules, runner, picture(SQUARE), padding=40, fill="latent nothing"))
    assert (seen["inpaint_full_res"], seen["inpaint_full_res_padding"], seen["inpainting_fill"]) == (True, 40, 3)
    assert seen["mask_blur_x"] == seen["mask_blur_y"] == 0
    assert seen["image_mask"].getbbox() == SQUARE
    p = processing(modules, runner, picture(SQUARE), area="as set in the host", fill="as set in the host")
    p.inpaint_full_res, p.inpaint_full_res_padding, p.inpainting_fill = False, 7, 2
    modules.processing.process_images(p)
    assert (seen["inpaint_full_res"], seen["inpaint_full_res_padding"], seen["inpainting_fill"]) == (False, 7, 2)


def test_the_mask_of_one_picture_is_not_taken_for_drawn_on_the_next(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    modules.processing.process_images(p)
    p.init_images = [picture(OTHER)]
    done = pixels(modules.processing.process_images(p).images[0])
    assert torch.equal(done[32:80, 24:60], pixels(picture(OTHER))[32:80, 24:60])


def test_a_picture_that_is_repainted_whole_gets_no_mask_of_the_one_before(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), nothing_found="whole picture", match_colours="none")
    modules.processing.process_images(p)
    p.init_images = [picture()]
    done = pixels(modules.processing.process_images(p).images[0]).float()
    assert float((done - done.mean((0, 1))).abs().max()) < 2
    assert float((done - pixels(picture())).abs().mean()) > 20


def test_a_second_pass_leaves_the_options_of_the_host_alone(modules: Any, runner: Any):
    p = modules.processing.StableDiffusionProcessingTxt2Img(width=96, height=128)
    p.scripts, p.script_args = runner, (None, {"enabled": True, "nothing_found": "whole picture"})
    before = dict(vars(modules.shared.opts))
    modules.processing.process_images(p)
    assert vars(modules.shared.opts) == before


def test_the_mask_is_forgotten_even_where_a_generation_has_failed(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    sample = p.sample

    def fails(**kwargs: Any) -> None:
        raise RuntimeError("out of memory")

    p.sample = fails
    with pytest.raises(RuntimeError, match="out of memory"):
        modules.processing.process_images(p)
    p.sample, p.init_images = sample, [picture(OTHER)]
    done = pixels(modules.processing.process_images(p).images[0])
    assert torch.equal(done[32:80, 24:60], pixels(picture(OTHER))[32:80, 24:60])


def test_each_picture_of_a_batch_keeps_its_own_outside(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), picture(OTHER))
    first, second = (pixels(image) for image in modules.processing.process_images(p).images)
    assert torch.equal(first[80:120, 70:90], pixels(picture(SQUARE))[80:120, 70:90])
    assert torch.equal(second[32:60, 24:60], pixels(picture(OTHER))[32:60, 24:60])
    assert p.nmask.shape[0] == 2
    assert not torch.equal(p.nmask[0], p.nmask[1])


def test_one_picture_of_a_batch_without_anything_is_skipped(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), picture(), nothing_found="skip")
    first, second = (pixels(image) for image in modules.processing.process_images(p).images)
    assert torch.equal(second, pixels(picture()))
    assert not torch.equal(first, pixels(picture(SQUARE)))


def test_stop_names_the_picture_of_the_batch(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), picture())
    with pytest.raises(steps.NothingFound, match="in picture 2"):
        modules.processing.process_images(p)


def test_pictures_of_several_sizes_are_refused(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE), picture(SQUARE).resize((50, 60)))
    with pytest.raises(ValueError, match="2 sizes"):
        modules.processing.process_images(p)


def test_no_picture_is_said(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    p.init_images = [None]
    with pytest.raises(ValueError, match="there is no picture"):
        modules.processing.process_images(p)


def test_what_goes_wrong_before_is_raised_where_users_see_it(
    modules: Any, runner: Any, monkeypatch: pytest.MonkeyPatch
):
    def fails(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(steps, "garment_mask", fails)
    with pytest.raises(OSError, match="the disk is full"):
        modules.processing.process_images(processing(modules, runner, picture(SQUARE)))


def test_what_goes_wrong_after_leaves_the_hosts_own_composite_and_says_so(
    modules: Any, runner: Any, monkeypatch: pytest.MonkeyPatch
):
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(steps, "composite", fails)
    done = modules.processing.process_images(processing(modules, runner, picture(SQUARE)))
    assert done.images[0].size == SIZE
    assert torch.equal(pixels(done.images[0])[:20], pixels(picture())[:20])
    assert "no memory" in done.comments
    assert "Hemline error" in done.infotexts[0]


def test_an_interrupt_is_no_error_and_makes_no_picture(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    modules.shared.state.interrupted = True
    assert modules.processing.process_images(p).images == []


def test_what_was_sampled_before_an_interrupt_is_still_put_back_exactly(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    sample = p.sample

    def interrupted(**kwargs: Any) -> Any:
        modules.shared.state.interrupted = True
        return sample(**kwargs)

    p.sample = interrupted
    done = modules.processing.process_images(p)
    assert "Hemline error" not in done.infotexts[0]
    assert torch.equal(pixels(done.images[0])[:20], pixels(picture())[:20])


def test_memory_is_given_back_whatever_happens(modules: Any, runner: Any):
    for image in (picture(SQUARE), picture()):
        before = modules.devices.collected
        try:
            modules.processing.process_images(processing(modules, runner, image))
        except steps.NothingFound:
            pass
        assert modules.devices.collected > before


def test_off_changes_nothing(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    p.script_args = (None, {"enabled": False, "what": "tops"})
    done = modules.processing.process_images(p)
    assert "Hemline" not in done.infotexts[0]


def test_inpaint_not_masked_is_told_to_be_unused(modules: Any, runner: Any):
    p = processing(modules, runner, picture(SQUARE))
    p.inpainting_mask_invert = 1
    done = modules.processing.process_images(p)
    assert torch.equal(pixels(done.images[0])[:20], pixels(picture())[:20])
    assert "Inpaint not masked" in done.comments


def test_the_host_composites_where_the_exact_one_is_off(modules: Any, runner: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "composite", lambda *args, **kwargs: pytest.fail("not asked for"))
    done = modules.processing.process_images(processing(modules, runner, picture(SQUARE), composite=False))
    assert torch.equal(pixels(done.images[0])[:20], pixels(picture())[:20])


def test_the_second_pass_repaints_the_picture_of_the_first(modules: Any, runner: Any, tmp_path: Path):
    file = tmp_path / "drawn.png"
    picture((16, 32, 64, 80)).save(file)
    p = modules.processing.StableDiffusionProcessingTxt2Img(prompt=str(file), width=96, height=128)
    p.scripts = modules.scripts.ScriptRunner()
    first = pixels(modules.processing.process_images(p).images[0])
    p.scripts, p.script_args = runner, (None, {"enabled": True, "match_colours": "none"})
    done = modules.processing.process_images(p)
    mask = red_mask(first[None] / 255, None, context=CONTEXT).mask
    assert torch.equal(pixels(done.images[0])[mask[0] == 0], first[mask[0] == 0])
    assert float((pixels(done.images[0]) - first).abs()[mask[0] == 1].float().mean()) > 10
    assert "Hemline found" in done.infotexts[0]
    assert modules.shared.opts.overlay_inpaint


def test_a_second_pass_that_fails_keeps_the_first_picture_and_says_so(
    modules: Any, runner: Any, monkeypatch: pytest.MonkeyPatch
):
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(second_pass, "garment_mask", fails)
    p = modules.processing.StableDiffusionProcessingTxt2Img(width=96, height=128)
    p.scripts, p.script_args = runner, (None, {"enabled": True})
    done = modules.processing.process_images(p)
    assert done.images[0].size == SIZE
    assert "no memory" in done.comments


class TestAxes:
    def test_the_plot_gets_our_axes_once(self, modules: Any):
        from hemline.hosts.webui.axes import VARIED, add_axes

        grid = type("Grid", (), {"AxisOption": axis_option(), "axis_options": []})
        modules.scripts.scripts_data.append(modules.scripts.ScriptClassData(None, "scripts/xyz_grid.py", "", grid))
        add_axes()
        add_axes()
        assert [one.label for one in grid.axis_options] == [f"[Hemline] {name.replace('_', ' ')}" for name in VARIED]
        assert "tops" in grid.axis_options[0].choices()

    def test_a_cell_varies_a_setting_and_switches_it_on(self, modules: Any, runner: Any):
        from hemline.hosts.webui.axes import set_axis

        p = processing(modules, runner, picture(SQUARE))
        p.script_args = (None, {"enabled": False})
        cell = copy(p)
        set_axis("grow")(cell, 12.0, [12.0])
        set_axis("what")(cell, "tops", ["tops"])
        done = modules.processing.process_images(cell)
        assert "what = tops; grow = 12" in done.infotexts[0]
        assert not hasattr(p, "hemline_axes")

    def test_a_wrong_value_is_refused_before_the_first_picture(self, modules: Any):
        from hemline.hosts.webui.axes import _check

        _check("what")(None, ["tops", "dress"])
        with pytest.raises(ValueError, match="topz"):
            _check("what")(None, ["tops", "topz"])
        with pytest.raises(ValueError, match="grow"):
            _check("grow")(None, [1.0, 999.0])
