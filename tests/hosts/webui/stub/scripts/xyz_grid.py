"""The X/Y/Z plot: one generation for each cell of a grid."""

from copy import copy

from modules import scripts
from modules.processing import Processed, process_images
from PIL import Image


class AxisOption:
    def __init__(self, label, type, apply, format_value=None, confirm=None, cost=0.0, choices=None, prepare=None):
        self.label, self.type, self.apply, self.confirm, self.choices = label, type, apply, confirm, choices


axis_options = [AxisOption("Nothing", str, lambda p, value, values: None)]
FLAGS = (
    "Draw legend", "Include Sub Images", "Include Sub Grids", "Keep -1 for seeds",
    "Vary seeds for X", "Vary seeds for Y", "Vary seeds for Z",
)  # fmt: skip


class Grid(scripts.Script):
    def title(self):
        return "X/Y/Z plot"

    def show(self, is_img2img):
        return True

    def ui(self, is_img2img):
        import gradio as gr

        labels = [option.label for option in axis_options]
        made = []
        for axis in "XYZ":
            made += [
                gr.Dropdown(choices=labels, value=labels[0], type="index", label=f"{axis} type"),
                gr.Textbox("", label=f"{axis} values"),
                gr.Dropdown(choices=[], multiselect=True, label=f"{axis} values"),
            ]
        made += [gr.Checkbox(label=flag) for flag in FLAGS]
        return [*made, gr.Slider(0, 500, 0, step=2, label="Grid margins (px)"), gr.Checkbox(label="Use text inputs")]

    def run(self, p, *args):
        axes = [self._axis(p, *args[start : start + 3], as_text=args[17]) for start in (0, 3, 6)]
        cells, texts = [], []
        for z in axes[2][1]:
            for y in axes[1][1]:
                for x in axes[0][1]:
                    cell = copy(p)
                    for (option, values), value in zip(axes, (x, y, z), strict=True):
                        option.apply(cell, value, values)
                    cells, texts = self._add(cell, cells, texts)
        grid = Image.new("RGB", (sum(one.width for one in cells), max(one.height for one in cells)))
        for number, one in enumerate(cells):
            grid.paste(one, (sum(before.width for before in cells[:number]), 0))
        shown = [grid, *cells] if args[10] else [grid]
        return Processed(p, shown, [texts[0], *texts][: len(shown)])

    def _add(self, cell, cells, texts):
        try:
            done = process_images(cell)
        except Exception:  # noqa: BLE001 - hosts leave such a cell empty
            return [*cells, Image.new("RGB", (cell.width, cell.height))], [*texts, ""]
        return [*cells, done.images[0]], [*texts, done.infotexts[0]]

    def _axis(self, p, kind, text, chosen, *, as_text):
        option = axis_options[kind or 0]
        if option.label == "Nothing":
            return option, [0]
        words = chosen if option.choices is not None and not as_text else [part.strip() for part in text.split(",")]
        values = [option.type(word) for word in words]
        if option.confirm:
            option.confirm(p, values)
        return option, values
