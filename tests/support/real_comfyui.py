"""Starts the real ComfyUI of `COMFYUI_DIR` with this pack in it and talks to it over HTTP, as its frontend does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from support.fake_comfyui import install_pack
from support.prompt_validation import Prompt

FOLDERS = ("custom_nodes", "input", "output", "temp", "models", "user")
BINARY_KINDS = {1: "preview", 3: "text", 4: "preview with metadata"}
ENDINGS = ("execution_success", "execution_error", "execution_interrupted")
START_LIMIT_S = 180
PROMPT_LIMIT_S = 120
POLL_S = 0.05


def comfyui_dir() -> Path | None:
    """The folder of a real ComfyUI, if the environment names one."""
    named = os.environ.get("COMFYUI_DIR", "")
    return Path(named).resolve() if named else None


@dataclass(frozen=True)
class Watched:
    """A prompt's id and the messages (kind, data) that the browser would have got until it ended."""

    prompt_id: str
    seen: list[tuple[str, Any]]

    def of(self, kind: str) -> list[Any]:
        return [data for name, data in self.seen if name == kind]


@dataclass
class RealComfyUI:
    """A running server. `python` of the environment that has its requirements: COMFYUI_PYTHON, or this one."""

    url: str
    base: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            body = answer.read()
            return json.loads(body) if "json" in answer.headers.get("Content-Type", "") else body

    def post(self, path: str, value: Any) -> tuple[int, Any]:
        """Status and answer; an error status is an answer too."""
        data = json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _json_or_none(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json_or_none(error.read())

    def queue(self, prompt: Prompt) -> str:
        """Sends a prompt that the host must accept; returns its id."""
        status, answer = self.post("/prompt", {"prompt": prompt, "client_id": "hemline-tests"})
        assert status == 200, json.dumps(answer, indent=1)
        return answer["prompt_id"]

    def wait(self, prompt_id: str) -> dict[str, Any]:
        """The history entry of a prompt once it has ended, well or badly."""
        deadline = time.monotonic() + PROMPT_LIMIT_S
        while time.monotonic() < deadline:
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry is not None:
                return entry
            time.sleep(POLL_S)
        raise TimeoutError(f"prompt {prompt_id} did not end; {self.log()[-2000:]}")

    def run(self, prompt: Prompt) -> dict[str, Any]:
        return self.wait(self.queue(prompt))

    def watch(self, prompt: Prompt, stop_when: Callable[[str, Any], bool] = lambda kind, data: False) -> Watched:
        """Runs a prompt while listening as the browser does; presses Stop once `stop_when` says so of a message."""
        return asyncio.run(self._watch(prompt, stop_when))

    async def _watch(self, prompt: Prompt, stop_when: Callable[[str, Any], bool]) -> Watched:
        import aiohttp

        client = uuid.uuid4().hex
        seen: list[tuple[str, Any]] = []
        async with aiohttp.ClientSession(self.url) as session, session.ws_connect(f"/ws?clientId={client}") as socket:
            answer = await session.post("/prompt", json={"prompt": prompt, "client_id": client})
            prompt_id = (await answer.json())["prompt_id"]
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    kind, data = BINARY_KINDS.get(int.from_bytes(message.data[:4], "big"), "binary"), message.data[4:]
                else:
                    kind, data = (entry := json.loads(message.data))["type"], entry["data"]
                seen.append((kind, data))
                if kind in ENDINGS and data.get("prompt_id") == prompt_id:
                    break
                if stop_when(kind, data):
                    await session.post("/interrupt", json={"prompt_id": prompt_id})
        return Watched(prompt_id, seen)

    def messages(self, entry: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        """The status messages of one kind, such as `execution_error`, of a history entry."""
        return [message for name, message in entry["status"]["messages"] if name == kind]

    def view(self, shown: dict[str, str]) -> Tensor:
        """A picture that a node showed, ``[1,H,W,C]``, fetched as the browser does."""
        from hemline.hosts.pictures import load_image

        path = self.base / "fetched.png"
        path.write_bytes(self.get(f"/view?{urllib.parse.urlencode(shown)}"))
        loaded = load_image(path)
        return torch.cat([loaded.image, 1 - loaded.mask.unsqueeze(-1)], -1) if loaded.has_alpha else loaded.image

    def log(self) -> str:
        return (self.base / "server.log").read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def running_comfyui(base: Path, *, force_v1: bool = False, flags: tuple[str, ...] = ()) -> Iterator[RealComfyUI]:
    """The real host with the pack linked into `custom_nodes` under a name with hyphen and dot; stopped at the end."""
    home = comfyui_dir()
    assert home is not None
    for name in FOLDERS:
        (base / name).mkdir(parents=True, exist_ok=True)
    install_pack(base / "custom_nodes")
    port = _free_port()
    command = [
        os.environ.get("COMFYUI_PYTHON", sys.executable), "main.py", "--cpu", "--listen", "127.0.0.1",
        "--port", str(port), "--disable-api-nodes", "--database-url", "sqlite:///:memory:",
        "--base-directory", str(base), *flags,
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["HEMLINE_FORCE_V1"] = "1" if force_v1 else "0"
    with (base / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT)
    host = RealComfyUI(f"http://127.0.0.1:{port}", base, process)
    try:
        _wait_until_up(host)
        yield host
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_up(host: RealComfyUI) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and host.process.poll() is None:
        try:
            host.get("/system_stats")
            return
        except OSError:
            time.sleep(POLL_S)
    raise RuntimeError(f"ComfyUI did not start:\n{host.log()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _json_or_none(body: bytes) -> Any:
    return json.loads(body) if body else None
