"""Hosts for the WebUI extension: the stand-in on gradio 3 and gradio 4, and real ones.

``HEMLINE_GRADIO3`` and ``HEMLINE_GRADIO4`` name Python interpreters that have gradio 3.41.2 and 4.40.0 (`.ci/webui`
makes them). ``WEBUI_DIR`` names folders of real hosts, separated as in ``PATH``, each with a Python in venv/, or those
that ``WEBUI_PYTHON`` names. What is not there is skipped with the reason.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "hosts" / "webui"
# Importing torch and gradio on a busy machine takes minutes.
PATIENCE_S = 600
# What the stand-in model paints, as 8-bit levels.
PAINT = torch.tensor((0.9, 0.1, 0.6)) * 255
STUBS = {"gradio 3": "HEMLINE_GRADIO3", "gradio 4": "HEMLINE_GRADIO4"}
REAL = [Path(folder) for folder in os.environ.get("WEBUI_DIR", "").split(os.pathsep) if folder]
PYTHONS = [Path(name) for name in os.environ.get("WEBUI_PYTHON", "").split(os.pathsep) if name]


@dataclass(frozen=True)
class Host:
    """A running host. old: whether its gradio is of version 3; real: whether it is one that users run.

    folder: where it keeps what it writes.
    """

    name: str
    url: str
    folder: Path
    real: bool
    old: bool

    def ask(self, path: str, body: object = None, user: str = "") -> Any:
        """The answer of a route; raises `urllib.error.HTTPError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        if user:
            request.add_header("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def refusal(self, path: str, body: object = None, user: str = "") -> tuple[int, str]:
        """The status and the text of an answer that is an error."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.ask(path, body, user)
        return caught.value.code, caught.value.read().decode()

    def img2img(self, picture: Image.Image, settings: Any, **fields: Any) -> Generated:
        """What the host makes of a picture with the panel's settings."""
        return self.generate("img2img", settings, init_images=[to_text(picture)], **fields)

    def probe(self, **asked: Any) -> None:
        """Has the test extension break or slow down parts of ours; nothing asked for puts all right again."""
        self.ask("/probe", asked)

    def told(self) -> dict[str, Any]:
        """What the test extension has seen."""
        return self.ask("/probe")

    def generate(self, kind: str, settings: Any, **fields: Any) -> Generated:
        answer = self.ask(f"/sdapi/v1/{kind}", request_of(settings, **fields))
        pictures = [from_text(text) for text in answer["images"]]
        return Generated(pictures, json.loads(answer["info"])["infotexts"][0])


@dataclass(frozen=True)
class Generated:
    pictures: list[Image.Image]
    infotext: str

    @property
    def image(self) -> Tensor:
        return pixels(self.pictures[0])


def request_of(settings: Any, **fields: Any) -> dict[str, Any]:
    args = settings if isinstance(settings, list) else [{"enabled": True, **settings}]
    return {
        "prompt": "a plain coat", "steps": 2, "sampler_name": "Euler a", "width": 256, "height": 320,
        "alwayson_scripts": {"Hemline": {"args": args}} if args else {}, **fields,
    }  # fmt: skip


def to_text(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def from_text(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1])))


def pixels(picture: Image.Image) -> Tensor:
    """8-bit levels ``[H,W,3]``."""
    from numpy import asarray

    return torch.from_numpy(asarray(picture.convert("RGB")).copy()).int()


def mask_of(webui: Host, picture: Image.Image, **settings: Any) -> Tensor:
    """Levels ``[H,W]`` of the mask that the API gives for these settings."""
    answer = webui.ask("/hemline/v1/mask", {"image": to_text(picture), "settings": settings})
    return pixels(from_text(answer["mask"]))[..., 0]


def painted(image: Tensor) -> Tensor:
    """Where the stand-in's colour is, tone aside."""
    return (image - PAINT).abs().amax(-1) < 60


def started(name: str, folder: Path, flags: list[str]) -> Iterator[Host]:
    real = next((one for one in REAL if one.name == name), None)
    python = _python(name, real)
    extensions = folder / "extensions"
    extensions.mkdir()
    (extensions / "hemline").symlink_to(ROOT)
    (extensions / "probe").symlink_to(HERE / "probe")
    if real is not None:
        (extensions / "stand_in").symlink_to(HERE / "stand_in")
    port = _free_port()
    command = [str(python), *(_real_command(real) if real else [str(HERE / "stub" / "launch.py")])]
    command += ["--port", str(port), "--data-dir", str(folder), "--api", *flags]
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    log = folder / "host.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=real or folder, env=environment, stdout=file, stderr=file)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log, flags)
        yield Host(name, url, folder, real is not None, _is_old(name, real))
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _python(name: str, real: Path | None) -> Path:
    if real is not None:
        number = REAL.index(real)
        return PYTHONS[number] if number < len(PYTHONS) else real / "venv" / "bin" / "python"
    if name not in STUBS:
        pytest.skip("needs WEBUI_DIR, the folder of an A1111, Forge or reForge")
    found = os.environ.get(STUBS[name])
    if not found or not shutil.which(found):
        pytest.skip(f"needs {STUBS[name]}, a Python with {name} (see .ci/webui)")
    return Path(found)


def _real_command(real: Path) -> list[str]:
    """How a host starts on a machine without a GPU and without a checkpoint."""
    common = ["launch.py", "--skip-prepare-environment", "--skip-torch-cuda-test", "--gradio-allowed-path", str(real)]
    if (real / "modules_forge").is_dir():  # Forge and reForge
        common.append("--always-cpu")
    if _is_old(real.name, real):
        common += ["--use-cpu", "all", "--no-half", "--do-not-download-clip", "--no-download-sd-model"]
    return common


def _is_old(name: str, real: Path | None) -> bool:
    if real is None:
        return name == "gradio 3"
    return "gradio==3" in (real / "requirements_versions.txt").read_text()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, flags: list[str]) -> None:
    """Until our own routes answer; with the end of the log where the host has died."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/hemline/v1/version", timeout=30)
            return
        except urllib.error.HTTPError as error:
            if flags and error.code == 401:
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.5)
    raise RuntimeError(f"the host does not answer:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
