"""With COMFYUI_DIR set: our core nodes beside those of the real ComfyUI, on the same random inputs and files."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.png16 import png16

from hemline.hosts.core_nodes import CORE_NODES
from hemline.hosts.headless_context import headless_context

NODES = {node.id: node for node in CORE_NODES}
COMFYUI = os.environ.get("COMFYUI_DIR", "")
LOG = logging.getLogger(__name__)  # --log-cli-level=INFO shows how far each node is off

JPEG_TOLERANCE = 6 / 255  # two decoders: their inverse cosine transform and chroma upsampling differ
GREY_TOLERANCE = 1 / 255  # ComfyUI 0.33 reads an 8-bit grey g as 256 * g / 65535, older ones and ours as g / 255
WIDE_TOLERANCE = 1e-3  # its conversion of 16-bit PNGs to floats is that coarse
CHECKED_FILES = {
    "rgb.png": 0, "odd.png": 0, "rgba.png": 0, "palette.png": 0, "palette_clear.png": 0, "tiny.png": 0,
    "grey.png": GREY_TOLERANCE, "grey_alpha.png": GREY_TOLERANCE, "grey16.png": 1e-6,
    "grey_alpha16.png": WIDE_TOLERANCE, "rgb16.png": WIDE_TOLERANCE, "rgba16.png": WIDE_TOLERANCE,
    "smooth.jpg": JPEG_TOLERANCE, **{f"turned{n}.jpg": JPEG_TOLERANCE for n in (3, 6, 8)},
}  # fmt: skip


def write_pictures(folder):
    folder.mkdir()
    dice = np.random.default_rng(5)

    def levels(*shape):
        return dice.integers(0, 256, shape).astype(np.uint8)

    Image.fromarray(levels(9, 13, 3)).save(folder / "rgb.png")
    Image.fromarray(levels(333, 77, 3)).save(folder / "odd.png")
    Image.fromarray(levels(9, 13, 4)).save(folder / "rgba.png")
    Image.fromarray(levels(1, 1, 3)).save(folder / "tiny.png")
    # ComfyUI 0.33 cannot open grey and 16-bit pictures of a few pixels, so these are larger.
    Image.fromarray(levels(64, 77)).save(folder / "grey.png")
    Image.fromarray(levels(64, 77, 2)).save(folder / "grey_alpha.png")
    palette = Image.fromarray(levels(40, 50, 3)).quantize(64)
    palette.save(folder / "palette.png")
    palette.save(folder / "palette_clear.png", transparency=7)
    for name, channels in (("grey16", 1), ("grey_alpha16", 2), ("rgb16", 3), ("rgba16", 4)):
        wide = dice.integers(0, 65536, (64, 77, channels)).astype(np.uint16)
        (folder / f"{name}.png").write_bytes(png16(wide, 1))
    smooth = Image.fromarray(levels(4, 6, 3)).resize((48, 32), Image.Resampling.BICUBIC)
    smooth.save(folder / "smooth.jpg", quality=97, subsampling=0)
    for orientation in (3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = orientation
        smooth.save(folder / f"turned{orientation}.jpg", quality=97, subsampling=0, exif=exif)


def cases_of_tensors():
    """(node, values) for every node without files; tensors are given as they are."""
    torch.manual_seed(11)
    for size in ((1, 1), (3, 7), (64, 64), (101, 37)):
        image = torch.rand(2, *size, 3)
        for method in ("nearest-exact", "bilinear", "area", "bicubic", "lanczos"):
            for width, height in ((16, 16), (5, 33), (0, 20), (20, 0), (0, 0), (130, 70)):
                for crop in ("disabled", "center"):
                    if size != (1, 1) or crop == "disabled":
                        yield "ImageScale", {"image": image, "upscale_method": method, "width": width,
                                             "height": height, "crop": crop}  # fmt: skip
        rgba = torch.rand(1, *size, 4)
        for method in ("bilinear", "lanczos"):
            yield "ImageScale", {"image": rgba, "upscale_method": method, "width": 9, "height": 8, "crop": "center"}
        beyond = torch.rand(1, *size, 3) * 3 - 1
        for method in ("bicubic", "lanczos"):
            yield "ImageScale", {"image": beyond, "upscale_method": method, "width": 9, "height": 8, "crop": "disabled"}
        for channel in ("red", "green", "blue", "alpha"):
            yield "ImageToMask", {"image": rgba, "channel": channel}
        for mask in (torch.rand(3, *size), torch.rand(*size), torch.rand(2, 1, *size)):
            yield "MaskToImage", {"mask": mask}
            if mask.dim() != 2 and mask.dim() != 4:
                yield "InvertMask", {"mask": mask * 2 - 0.5}
    yield from composites()


def composites():
    for batch, batch_above, batch_mask in ((1, 1, 1), (3, 1, 1), (3, 2, 2), (1, 3, 2), (2, 5, 3), (4, 2, 1)):
        below, above = torch.rand(batch, 13, 17, 3), torch.rand(batch_above, 6, 9, 3)
        for x, y in ((0, 0), (3, 2), (12, 1), (2, 11), (16, 12), (17, 0), (0, 13), (500, 500)):
            for mask in (None, torch.rand(batch_mask, 6, 9), torch.rand(batch_mask, 5, 21), torch.zeros(1, 64, 64)):
                for resize in (False, True):
                    yield "ImageCompositeMasked", {"destination": below, "source": above, "x": x, "y": y,
                                                   "resize_source": resize, "mask": mask}  # fmt: skip
    for channels, channels_above in ((3, 4), (4, 3), (4, 4)):
        below, above = torch.rand(2, 5, 5, channels), torch.rand(1, 9, 9, channels_above)
        for mask in (None, torch.rand(7, 3)):
            yield "ImageCompositeMasked", {"destination": below, "source": above, "x": 1, "y": 0,
                                           "resize_source": False, "mask": mask}  # fmt: skip


def cases_of_files():
    torch.manual_seed(12)
    for name in CHECKED_FILES:
        yield "LoadImage", {"image": name}
        for channel in ("alpha", "red", "green", "blue"):
            yield "LoadImageMask", {"image": name, "channel": channel}
    yield "LoadImage", {"image": "rgba.png [input]"}
    for images in (
        torch.rand(2, 9, 13, 3) * 1.4 - 0.2,
        torch.rand(1, 5, 4, 4),
        torch.arange(256.0).view(1, 16, 16, 1) / 255,
    ):
        images = images.expand(-1, -1, -1, 3) if images.shape[-1] == 1 else images
        for prefix in ("coat", "coat", "sub/coat_%width%x%height%", "coat_%batch_num%"):
            yield "SaveImage", {"images": images, "filename_prefix": prefix, "prompt": {"1": {"class_type": "Ä"}}}
        yield "PreviewImage", {"images": images}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The cases, and what the real host gave for them."""
    if not COMFYUI:
        pytest.skip("set COMFYUI_DIR to compare with a real ComfyUI")
    folder = tmp_path_factory.mktemp("real")
    write_pictures(folder / "input")
    cases = [*cases_of_tensors(), *cases_of_files()]
    tensors, plain = {}, []
    for number, (name, values) in enumerate(cases):
        plain.append((name, {}))
        for key, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{number}_{key}"] = value.numpy()
                value = {"tensor": f"{number}_{key}"}
            plain[-1][1][key] = value
    np.savez(folder / "cases.npz", **tensors)
    (folder / "cases.json").write_text(json.dumps(plain))
    script = Path(__file__).with_name("core_nodes_in_comfyui.py")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    done = subprocess.run(
        [python, str(script), str(folder), "--cpu"], cwd=COMFYUI, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, cases, np.load(folder / "results.npz")


def tolerance_of(name, values):
    if name in ("LoadImage", "LoadImageMask"):
        return CHECKED_FILES[values["image"].split(" [")[0]]
    return 1e-6


def test_every_node_gives_what_the_real_host_gives(real):
    folder, cases, expected = real
    context = headless_context(folder / "output", device="cpu", input_folder=folder / "input")
    failures = json.loads((folder / "failures.json").read_text())
    worst, wrong = {}, []
    for number, (name, values) in enumerate(cases):
        prompt = values.pop("prompt", None)
        notes = {"prompt": json.dumps(prompt)} if prompt else {}
        extra = {"context": replace(context, notes=notes)} if NODES[name].wants_context else {}
        outputs = NODES[name](**values, **extra).outputs
        if str(number) in failures:
            wrong.append(f"{name} {values}: the host fails ({failures[str(number)]})")
            continue
        for slot, output in enumerate(outputs):
            theirs = torch.as_tensor(expected[f"{number}_{slot}"])
            shown = {key: tuple(one.shape) if isinstance(one, torch.Tensor) else one for key, one in values.items()}
            if output.shape != theirs.shape:
                wrong.append(f"{name} {shown}: {tuple(output.shape)}, the host gives {tuple(theirs.shape)}")
                continue
            off = float((output - theirs).abs().max()) if output.numel() else 0.0
            key = f"{name} {values['image']}" if name == "LoadImage" else name
            worst[key] = max(worst.get(key, 0.0), off)
            if off > tolerance_of(name, values):
                wrong.append(f"{name} {shown} output {slot}: off by {off:.2e}")
    for key, off in worst.items():
        LOG.info("%s: %.2e", key, off)
    assert not wrong, "\n".join(wrong[:30])
    compare_saved(folder)


def compare_saved(folder):
    """The files of both, name by name, pixel by pixel, with the workflow in them."""
    ours, theirs = folder / "output", folder / "host_output"
    names = sorted(path.relative_to(ours).as_posix() for path in ours.rglob("*.png"))
    plain = [name for name in names if "coat_0_" not in name and "coat_1_" not in name]
    assert [name for name in plain if not (theirs / name).exists()] == []
    assert len(plain) == 12
    for name in plain:
        with Image.open(ours / name) as one, Image.open(theirs / name) as other:
            assert one.mode == other.mode
            assert np.array_equal(np.array(one), np.array(other)), name
            assert one.info["prompt"] == other.info["prompt"]


def test_every_node_looks_like_the_real_hosts(real):
    folder, *_ = real
    for name, theirs in json.loads((folder / "surface.json").read_text()).items():
        node = NODES[name]
        assert [port.name for port in node.inputs if not port.optional] == list(theirs["required"]), name
        assert [port.name for port in node.inputs if port.optional] == list(theirs["optional"]), name
        assert [port.type for port in node.outputs] == theirs["outputs"], name
        assert [port.name for port in node.outputs] == theirs["names"], name
        assert (node.category, node.is_output) == (theirs["category"], theirs["is_output"])
        for port in node.inputs:
            kind, *rest = {**theirs["required"], **theirs["optional"]}[port.name]
            options = rest[0] if rest else {}
            choices = kind if isinstance(kind, list) else options.get("options", [])
            assert port.type == ("COMBO" if isinstance(kind, list) else kind), (name, port.name)
            if port.name != "image" or port.type != "COMBO":  # which files there are is the folder's matter
                assert list(port.choices()) == choices, (name, port.name)
                assert port.default == options.get("default", choices[0] if choices else None), (name, port.name)
            assert (port.minimum, port.maximum) == (options.get("min"), options.get("max")), (name, port.name)
            assert port.step == options.get("step"), (name, port.name)
