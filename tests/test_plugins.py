"""Plugins: found in packages and in the user's folder, added whole or left out with their cause, never in the way."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

import pytest
import torch

from hemline.blending.composite import blend_images
from hemline.blending.filters import FILTERS, Filter, apply_filter
from hemline.blending.modes import BLEND_MODES, MODE_REGISTRY
from hemline.plugin_sources import Source, find_sources, plugin_folders
from hemline.plugins import Failure, Plugin, PluginError, Plugins, Registry
from hemline.segmentation.generators import GENERATORS, generate_mask
from hemline.tensors import UnknownName

ROOT = Path(__file__).resolve().parent.parent
GOOD = "def same(image): return image\nFILTERS = {'same': same}\n"
on_posix = pytest.mark.skipif(os.name == "nt", reason="rights of files are POSIX's")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "plugins"
    place.mkdir(mode=0o755)
    return place


def registry_of(kind: Registry, environ: dict[str, str]) -> Registry:
    """A registry like `kind`, built-in records and all, that reads its plugins anew as `environ` says."""
    plugins = Plugins(lambda leave_out: find_sources(environ, leave_out))
    return Registry(kind.kind, kind._group, kind.built_in, kind._make, plugins=plugins)


def filters_in(folder: Path, **files: str) -> Registry:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return registry_of(FILTERS, {"HEMLINE_PLUGINS": str(folder)})


def from_sources(*sources: Source) -> Registry:
    return Registry("filter", "hemline.filters", FILTERS.built_in, FILTERS._make, plugins=Plugins(lambda _: sources))


def offer(**functions) -> Source:
    return Source("mine 1.0", lambda group: functions)


def use(monkeypatch: pytest.MonkeyPatch, registry: Registry, name: str, function) -> None:
    """Adds a plugin's function to the registry that everything asks, until the test ends."""
    record = registry._make(Plugin(registry.kind, name, "mine 1.0", function))
    monkeypatch.setattr(registry, "_added", {name: (record, "mine 1.0")})


# --- finding -------------------------------------------------------------------------------------------------------


def test_the_folder_is_the_users_own_configuration(monkeypatch):
    monkeypatch.setattr(os, "name", "posix")
    assert plugin_folders({"HOME": "/home/ada"}) == (Path("/home/ada/.config/hemline/plugins"),)
    assert plugin_folders({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/conf"}) == (Path("/conf/hemline/plugins"),)
    assert plugin_folders({}) == ()
    assert plugin_folders({"HEMLINE_PLUGINS": os.pathsep.join(("/a", "/b"))}) == (Path("/a"), Path("/b"))
    assert plugin_folders({"HOME": "/home/ada", "HEMLINE_PLUGINS": " OFF "}) == ()


def test_files_are_read_by_name_and_those_with_an_underscore_are_not(folder):
    second = GOOD.replace("'same'", "'again'")
    (folder / "deep").mkdir()
    (folder / "deep" / "more.py").write_text("raise SystemExit('a subfolder was read')")
    registry = filters_in(folder, b=second, a=GOOD, _c="raise SystemExit('a private file was read')")
    assert registry.names() == (*FILTERS.built_in, "same", "again") and registry.failures() == ()
    assert registry.origins() == {"same": str(folder / "a.py"), "again": str(folder / "b.py")}


def test_off_loads_nothing_at_all(folder):
    (folder / "a.py").write_text(GOOD)
    registry = registry_of(FILTERS, {"HEMLINE_PLUGINS": "off", "XDG_CONFIG_HOME": str(folder.parent)})
    assert registry.names() == tuple(FILTERS.built_in) and registry.failures() == ()


def test_a_folder_that_is_not_there_is_no_failure(tmp_path):
    registry = registry_of(FILTERS, {"HEMLINE_PLUGINS": str(tmp_path / "nowhere")})
    assert registry.names() == tuple(FILTERS.built_in) and registry.failures() == ()


def test_a_relative_folder_is_refused_lest_a_downloaded_workflow_brings_code(folder, monkeypatch):
    (folder / "a.py").write_text(GOOD)
    monkeypatch.chdir(folder.parent)
    registry = registry_of(FILTERS, {"HEMLINE_PLUGINS": "plugins"})
    assert "same" not in registry.names() and "whole path" in registry.failures()[0].cause


@on_posix
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_everybody_may_write_is_refused(folder, what):
    registry = filters_in(folder, a=GOOD, b=GOOD.replace("'same'", "'again'"))
    (folder if what == "folder" else folder / "a.py").chmod(0o777)
    assert "same" not in registry.names() and ("again" in registry.names()) == (what == "file")
    assert "chmod o-w" in registry.failures()[0].cause


@on_posix
def test_what_belongs_to_another_user_is_refused(folder, monkeypatch):
    registry = filters_in(folder, a=GOOD)
    owner = folder.stat().st_uid
    if owner == 0:
        if os.geteuid() != 0:
            pytest.skip("needs to change an owner")
        os.chown(folder / "a.py", 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert "same" not in registry.names() and "another user" in registry.failures()[0].cause


def test_a_file_runs_once_for_all_registries(folder):
    counter = folder / "runs.txt"
    text = f"open({str(counter)!r}, 'a').write('x')\ndef f(image): return image\nFILTERS = {{'same': f}}\n"
    (folder / "a.py").write_text(text)
    plugins = Plugins(lambda leave_out: find_sources({"HEMLINE_PLUGINS": str(folder)}, leave_out))
    for kind in (FILTERS, GENERATORS, MODE_REGISTRY):
        registry = Registry(kind.kind, kind._group, kind.built_in, kind._make, plugins=plugins)
        assert registry.failures() == () and registry.names() and registry.names()
    assert counter.read_text() == "x"


def test_nothing_is_read_before_a_registry_is_asked():
    asked = []
    registry = Registry("filter", "g", {}, FILTERS._make, plugins=Plugins(lambda _: asked.append(1) or ()))
    assert not asked
    assert registry.names() == () and registry.names() == () and asked == [1]


def test_a_built_in_name_is_found_without_reading_any_plugin():
    def find(leave_out):
        raise AssertionError("read")

    registry = Registry("filter", "g", FILTERS.built_in, FILTERS._make, plugins=Plugins(find))
    assert registry.get("grain") is FILTERS.built_in["grain"]


def test_many_threads_find_each_plugin_once():
    runs: list[int] = []
    registry = from_sources(Source("mine", lambda group: runs.append(1) or {"same": lambda image: image}))
    names: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: names.append(registry.names())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs == [1] and set(names) == {(*FILTERS.built_in, "same")}


def test_a_plugin_that_asks_while_it_is_read_sees_what_is_built_in():
    seen: list[tuple[str, ...]] = []
    registries: list[Registry] = []

    def offers(group):
        seen.extend(registry.names() for registry in registries)
        return {"same": lambda image: image}

    plugins = Plugins(lambda _: (Source("mine", offers),))
    registries += [Registry("filter", "g", FILTERS.built_in, FILTERS._make, plugins=plugins) for _ in range(2)]
    assert registries[0].names() == registries[1].names() == (*FILTERS.built_in, "same")
    assert seen[:2] == [tuple(FILTERS.built_in)] * 2


# --- one broken plugin never hurts the rest ------------------------------------------------------------------------

BROKEN = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "missing": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "syntax": ("def f(:", "SyntaxError"),
    "null": ("\0", "Error: source code string cannot contain null bytes"),
    "table": ("FILTERS = ['f']", "FILTERS is list"),
    "number": ("FILTERS = {'f': 3}", "'f' is int, no function"),
    "signature": ("FILTERS = {'f': lambda picture: picture}", "'f' cannot be used: it must begin with (image)"),
    "default": ("FILTERS = {'f': lambda image, *, size: image}", "size needs a number"),
    "built_in": ("FILTERS = {'grain': lambda image: image}", "'grain' exists already"),
    "looks_alike": ("FILTERS = {'Gaussian-Blur': lambda image: image}", "'Gaussian-Blur' exists already"),
    "duplicate": ("FILTERS = {'same': lambda image: image}", "'same' exists already"),
    "empty_name": ("FILTERS = {'': lambda image: image}", "'' is no name"),
    "no_name": ("FILTERS = {3: lambda image: image}", "3 is no name"),
    "newline": ("FILTERS = {'a\\nb': lambda image: image}", "is no name"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_left_out_with_its_cause_and_the_rest_works(folder, caplog, case):
    text, cause = BROKEN[case]
    with caplog.at_level(logging.WARNING):
        registry = filters_in(folder, a_good=GOOD, broken=text, z_good=GOOD.replace("'same'", "'again'"))
        assert registry.names() == (*FILTERS.built_in, "same", "again")
    (failure,) = registry.failures()
    assert failure.origin == str(folder / "broken.py") and cause in failure.cause
    assert [record.getMessage() for record in caplog.records] == [failure.line()]
    assert "hemline_plugin_broken" not in sys.modules or case not in ("raises", "exits", "missing", "syntax", "null")


def test_a_plugin_adds_all_it_offers_of_a_kind_or_nothing():
    registry = from_sources(offer(good=lambda image: image, bad=lambda picture: picture))
    assert registry.names() == tuple(FILTERS.built_in) and "'bad' cannot be used" in registry.failures()[0].cause


def test_the_first_of_two_plugins_with_one_name_stays():
    first, second = (Source(f"plugin {n}", lambda group, n=n: {"same": lambda image: image * n}) for n in (1, 2))
    registry = from_sources(first, second)
    assert registry.origins() == {"same": "plugin 1"}
    assert registry.failures() == (
        Failure("plugin 2", "the filter 'same' exists already; choose another name", "filter"),
    )


def test_names_that_are_reserved_are_refused():
    plugins = Plugins(lambda _: (offer(**{"Color Burn": lambda b, s: b}),))
    registry = Registry("blend mode", "g", {}, MODE_REGISTRY._make, reserved=("color-burn",), plugins=plugins)
    assert registry.names() == () and "exists already" in registry.failures()[0].cause


def test_a_plugin_cannot_be_interrupted_into_being_left_out():
    def offers(group):
        raise KeyboardInterrupt

    registry = from_sources(Source("mine", offers))
    with pytest.raises(KeyboardInterrupt):
        registry.names()


def test_an_unknown_name_says_which_plugin_was_left_out(folder):
    registry = filters_in(folder, broken="1 / 0")
    with pytest.raises(UnknownName, match=r"Filter 'same' is not known.*broken.py is left out: ZeroDivisionError"):
        registry.get("same")


@pytest.mark.parametrize(
    "function", [lambda backdrop: 0, lambda: 0, lambda a, b, c: 0, lambda a, *, b: 0], ids=["1", "0", "3", "keyword"]
)
def test_a_blend_mode_takes_backdrop_and_source(function):
    plugins = Plugins(lambda _: (offer(mine=function),))
    registry = Registry("blend mode", "g", BLEND_MODES, MODE_REGISTRY._make, plugins=plugins)
    assert registry.names() == tuple(BLEND_MODES) and "(backdrop, source)" in registry.failures()[0].cause


# --- at run time ---------------------------------------------------------------------------------------------------

IMAGE = torch.rand(2, 6, 5, 3)


def divide_by_zero(image):
    return 1 // 0


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda image: image[:, 1:], r"gave shape \[2, 5, 5, 3\]; it must give \[2, 6, 5, 3\]"),
        (lambda image: image.numpy(), "gave ndarray; it must give a tensor"),
        (lambda image: None, "gave NoneType"),
        (lambda image: (image * 255).to(torch.uint8), "gave torch.uint8; it must give a tensor of floats"),
        (lambda image: image / 0 * 0, "gave NaN or infinity"),
        (divide_by_zero, "failed: ZeroDivisionError: integer division"),
    ],
    ids=["shape", "array", "nothing", "bytes", "NaN", "exception"],
)
def test_a_wrong_result_is_an_error_that_names_the_plugin(monkeypatch, function, complaint):
    use(monkeypatch, FILTERS, "mine", function)
    with pytest.raises(PluginError, match=f"The filter 'mine' of plugin mine 1.0 {complaint}"):
        apply_filter(IMAGE, "mine")


def test_a_wrong_blend_mode_and_a_wrong_generator_are_named_too(monkeypatch):
    use(monkeypatch, MODE_REGISTRY, "grey", lambda backdrop, source: source.mean(-1))
    use(monkeypatch, GENERATORS, "bytes", lambda height, width: torch.full((height, width), 255.0))
    with pytest.raises(PluginError, match=r"blend mode 'grey' of plugin mine 1.0 gave shape"):
        blend_images(IMAGE, IMAGE, mode="grey")
    with pytest.raises(PluginError, match=r"mask generator 'bytes' of plugin mine 1.0 gave values from 255 to 255"):
        generate_mask("bytes", height=3, width=4)


class HostInterruption(Exception):
    """As old versions of ComfyUI raise it."""


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("full"), MemoryError(), HostInterruption()], ids=repr)
def test_memory_that_ran_out_and_an_interruption_reach_the_host(monkeypatch, error):
    def fail(image):
        raise error

    use(monkeypatch, FILTERS, "mine", fail)
    with pytest.raises(type(error)):
        apply_filter(IMAGE, "mine")


def test_a_plugin_that_writes_into_its_input_harms_nobody(monkeypatch):
    use(monkeypatch, FILTERS, "mine", lambda image: image.zero_())
    use(monkeypatch, MODE_REGISTRY, "mine", lambda backdrop, source: backdrop.zero_())
    use(monkeypatch, GENERATORS, "mine", lambda image: image.zero_()[..., 0])
    image = IMAGE.clone()
    assert not apply_filter(image, "mine").any() and not generate_mask("mine", image).any()
    assert not blend_images(image, image, mode="mine").any()
    assert torch.equal(image, IMAGE)


def test_infinite_pictures_may_stay_infinite(monkeypatch):
    use(monkeypatch, FILTERS, "mine", lambda image: image * 2)
    assert apply_filter(torch.full((1, 2, 2, 3), float("inf")), "mine").isinf().all()


def test_a_plugin_blend_mode_is_clamped_unless_it_says_any(monkeypatch):
    def add(backdrop, source):
        return backdrop + source

    bright = torch.full((1, 1, 1, 3), 2.0)
    use(monkeypatch, MODE_REGISTRY, "add-all", add)
    assert blend_images(bright, bright, mode="add-all").unique().tolist() == [2.0]
    add.domain = "any"
    use(monkeypatch, MODE_REGISTRY, "add-all", add)
    assert blend_images(bright, bright, mode="add-all").unique().tolist() == [4.0]


def test_half_floats_and_masks_work_with_plugins(monkeypatch):
    use(monkeypatch, FILTERS, "mine", lambda image, mask, *, gain=0.5: image * gain)
    image, mask = IMAGE.half(), torch.zeros(1, 6, 5)
    mask[:, :3] = 1
    result = apply_filter(image, "mine", mask)
    assert result.dtype == torch.float16 and torch.equal(result[:, 3:], image[:, 3:])
    assert torch.allclose(result[:, :3].float(), IMAGE[:, :3] / 2, atol=1e-3)


def test_records_of_plugins_say_where_they_are_from():
    record = FILTERS._make(Plugin("filter", "mine", "mine 1.0", lambda image, *, size=1.0: image))
    assert isinstance(record, Filter) and record.source == "mine 1.0" and record.settings[0].name == "size"


def test_the_manual_page_is_runnable(folder):
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    (folder / "manual.py").write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    modes, generators, filters = (
        registry_of(kind, {"HEMLINE_PLUGINS": str(folder)}) for kind in (MODE_REGISTRY, GENERATORS, FILTERS)
    )
    assert [*modes.origins(), *generators.origins(), *filters.origins()] == [
        "quadratic mean",
        "shadows",
        "noise",
        "posterise",
    ]
    assert modes.get("quadratic mean").function(IMAGE, IMAGE).allclose(IMAGE, atol=1e-6)
    assert generators.get("shadows").function(IMAGE).shape == (2, 6, 5)
    assert generators.get("noise").function(6, 5).shape == (6, 5)
    assert filters.get("posterise").function(IMAGE, levels=2).unique().tolist() == [0, 1]
    assert not any(registry.failures() for registry in (modes, generators, filters))
