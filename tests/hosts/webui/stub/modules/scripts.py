"""Scripts of extensions: found, shown, and their hooks called; what a hook raises is printed and swallowed."""

import importlib.util
import sys
from collections import namedtuple
from pathlib import Path

from . import errors, scripts_postprocessing
from .paths_internal import data_path

AlwaysVisible = object()
ScriptClassData = namedtuple("ScriptClassData", ["script_class", "path", "basedir", "module"])
scripts_data, postprocessing_scripts_data = [], []


class PostprocessImageArgs:
    def __init__(self, image):
        self.image = image


class PostProcessMaskOverlayArgs:
    def __init__(self, index, mask_for_overlay, overlay_image):
        self.index, self.mask_for_overlay, self.overlay_image = index, mask_for_overlay, overlay_image


class Script:
    name = section = filename = infotext_fields = paste_field_names = None
    is_txt2img = is_img2img = False
    args_from = args_to = 0

    def title(self):
        raise NotImplementedError

    def ui(self, is_img2img):
        return None

    def show(self, is_img2img):
        return True

    def elem_id(self, item_id):
        tab = "img2img" if self.is_img2img else "txt2img"
        return f"script_{tab}_{self.title().lower().replace(' ', '_')}_{item_id}"

    def before_component(self, component, **kwargs): ...
    def after_component(self, component, **kwargs): ...
    def before_process(self, p, *args): ...
    def process(self, p, *args): ...
    def postprocess_image(self, p, pp, *args): ...
    def postprocess_maskoverlay(self, p, ppmo, *args): ...
    def postprocess_image_after_composite(self, p, pp, *args): ...
    def postprocess(self, p, processed, *args): ...


class ScriptRunner:
    def __init__(self):
        self.alwayson_scripts, self.selectable_scripts, self.inputs = [], [], [None]

    def initialize_scripts(self, is_img2img):
        for data in scripts_data:
            script = data.script_class()
            script.filename, script.is_img2img, script.is_txt2img = data.path, is_img2img, not is_img2img
            shown = script.show(is_img2img)
            if shown is AlwaysVisible:
                self.alwayson_scripts.append(script)
            elif shown:
                self.selectable_scripts.append(script)

    def setup_ui(self):
        for script in [*self.selectable_scripts, *self.alwayson_scripts]:
            controls = script.ui(script.is_img2img) or []
            script.name, script.args_from = script.title().lower(), len(self.inputs)
            self.inputs += controls
            script.args_to = len(self.inputs)

    def after_component(self, component, **kwargs):
        for script in self.alwayson_scripts:
            script.after_component(component, **kwargs)

    def run(self, p):
        """What the chosen script makes of it, or None where none is chosen."""
        if not p.script_args[0]:
            return None
        script = self.selectable_scripts[p.script_args[0] - 1]
        return script.run(p, *p.script_args[script.args_from : script.args_to])

    def call(self, hook, p, *values):
        for script in self.alwayson_scripts:
            try:
                getattr(script, hook)(p, *values, *p.script_args[script.args_from : script.args_to])
            except Exception:  # noqa: BLE001 - as hosts do
                errors.report(f"Error running {hook}: {script.filename}")


def load_scripts():
    """Loads every file in the scripts/ of every extension, and our own, without a package around it."""
    own = Path(__file__).resolve().parent.parent / "scripts"
    for folder in [own, *sorted((Path(data_path) / "extensions").glob("*/scripts"))]:
        for path in sorted(folder.glob("*.py")):
            spec = importlib.util.spec_from_file_location(path.name, path)
            module = importlib.util.module_from_spec(spec)
            paths = sys.path
            sys.path = [str(folder.parent), *paths]
            try:
                spec.loader.exec_module(module)
            except Exception:  # noqa: BLE001 - as hosts do
                errors.report(f"Error loading script: {path}")
                continue
            finally:
                sys.path = paths
            _register(module, path)


def _register(module, path):
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Script):
            scripts_data.append(ScriptClassData(value, str(path), str(path.parent.parent), module))
        elif isinstance(value, type) and issubclass(value, scripts_postprocessing.ScriptPostprocessing):
            postprocessing_scripts_data.append(ScriptClassData(value, str(path), str(path.parent.parent), module))
