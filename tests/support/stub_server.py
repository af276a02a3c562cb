"""Serves the real ComfyUI frontend (PyPI: comfyui-frontend-package) over a canned host, for tests in a browser."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib.resources
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# One grey pixel.
PIXEL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCB4+PRAgAAAABJRU5ErkJggg=="
)
# Without these the page opens a tour and a template dialog over the canvas.
FIRST_SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Release.Status": "changelog seen", "Comfy.Locale": "en"}
EMPTY_ANSWERS: dict[str, Any] = {
    "/extensions": [], "/workflow_templates": {}, "/embeddings": [],
    "/models": [], "/experiment/models": [], "/userdata": [], "/v2/userdata": [], "/history": {},
    "/queue": {"queue_running": [], "queue_pending": []},
    "/jobs": {"jobs": [], "pagination": {"offset": 0, "limit": 64, "total": 0, "has_more": False}},
    "/node_replacements": {}, "/prompt": {"exec_info": {"queue_remaining": 0}},
}  # fmt: skip


EXTRA_LOCALE_FILES = ("nodeDefs", "commands", "settings")


def merge(tree: dict[str, Any], other: dict[str, Any]) -> None:
    """Adds the leaves of the other tree to this one."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            tree[key] = value


class StubServer:
    """A host that answers the frontend and keeps what it was sent.

    object_info: what `/object_info` says. web_directories: folder name of a pack -> its web folder.
    settings, prompts: what the page has stored and queued. unknown: paths that nobody serves. pictures: what `/view`
    gives by file name and channel ("" for all), a grey pixel for other names. blueprints: the files that packs have in
    `subgraphs`. answers: what was said to runs that wait; refused with `refusal`, if there is one.
    """

    def __init__(self, object_info: dict[str, Any], web_directories: dict[str, Path]) -> None:
        self.object_info, self.web_directories = object_info, web_directories
        self.settings: dict[str, Any] = dict(FIRST_SETTINGS)
        self.prompts: list[dict[str, Any]] = []
        self.unknown: list[str] = []
        self.pictures: dict[tuple[str, str], bytes] = {}
        self.blueprints: list[Path] = []
        self.answers: list[dict[str, Any]] = []
        self.refusal = ""
        self.url = ""
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, type: str, **data: Any) -> None:
        """Tells every page something, as the host does while it runs a prompt."""

        async def tell() -> None:
            for socket in self._sockets:
                await socket.send_json({"type": type, "data": data})

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(tell(), self._loop).result(10)

    def application(self) -> web.Application:
        """The aiohttp application, every route at `/x` and `/api/x` as in the host."""
        app = web.Application()
        for path, answer in self._json_answers().items():
            self._get(app, path, _json(answer))
        self._get(app, "/ws", self._socket)
        self._get(app, "/settings", self._all_settings)
        self._get(app, "/settings/{id}", self._one_setting)
        self._get(app, "/view", self._picture)
        self._get(app, "/i18n", self._translations)
        self._get(app, "/global_subgraphs", self._all_blueprints)
        self._get(app, "/global_subgraphs/{name}", self._one_blueprint)
        for prefix in ("", "/api"):
            app.router.add_post(prefix + "/settings", self._store_settings)
            app.router.add_post(prefix + "/settings/{id}", self._store_setting)
            app.router.add_post(prefix + "/prompt", self._queue)
            app.router.add_post(prefix + "/upload/image", self._upload)
            app.router.add_post(prefix + "/hemline/edit_mask/answer", self._answer)
            app.router.add_post(prefix + "/userdata/{file}", self._refuse)
        for name, folder in self.web_directories.items():
            app.router.add_static(f"/extensions/{name}", folder)
        self._add_frontend(app)
        return app

    def _json_answers(self) -> dict[str, Any]:
        scripts = [
            f"/extensions/{name}/{path.relative_to(folder).as_posix()}"
            for name, folder in self.web_directories.items()
            for path in sorted(folder.rglob("*.js"))
        ]
        stats = {"system": {"os": "linux", "comfyui_version": "0.33.0", "argv": []}, "devices": []}
        special = {"/object_info": self.object_info, "/extensions": scripts, "/system_stats": stats}
        return EMPTY_ANSWERS | special | {"/users": {"storage": "server", "migrated": True}, "/features": {}}

    def _add_frontend(self, app: web.Application) -> None:
        root = Path(str(importlib.resources.files("comfyui_frontend_package"))) / "static"

        async def any_file(request: web.Request) -> web.StreamResponse:
            path = root / (request.match_info["path"] or "index.html")
            if path.is_file():
                return web.FileResponse(path)
            self.unknown.append(request.path)
            raise web.HTTPNotFound

        app.router.add_get("/{path:.*}", any_file)

    @staticmethod
    def _get(app: web.Application, path: str, handler: Handler) -> None:
        for prefix in ("", "/api"):
            app.router.add_get(prefix + path, handler)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        idle = {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "1"}
        await socket.send_json({"type": "status", "data": idle})
        self._loop = asyncio.get_running_loop()
        self._sockets.add(socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT and json.loads(message.data).get("type") == "feature_flags":
                await socket.send_json({"type": "feature_flags", "data": {}})
        self._sockets.discard(socket)
        return socket

    async def _all_settings(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.settings)

    async def _one_setting(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.settings.get(request.match_info["id"]))

    async def _store_settings(self, request: web.Request) -> web.StreamResponse:
        self.settings.update(await request.json())
        return web.Response()

    async def _store_setting(self, request: web.Request) -> web.StreamResponse:
        self.settings[request.match_info["id"]] = await request.json()
        return web.Response()

    async def _queue(self, request: web.Request) -> web.StreamResponse:
        self.prompts.append(await request.json())
        return web.json_response({"prompt_id": str(len(self.prompts)), "number": len(self.prompts), "node_errors": {}})

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        key = request.query.get("filename", ""), request.query.get("channel", "")
        return web.Response(body=self.pictures.get(key, PIXEL_PNG), content_type="image/png")

    async def _translations(self, request: web.Request) -> web.StreamResponse:
        """What the packs' folders `locales/<language>` hold, merged as the host does it."""
        merged: dict[str, dict[str, Any]] = {}
        for folder in self.web_directories.values():
            for path in sorted(folder.parent.glob("locales/*/main.json")):
                merge(merged.setdefault(path.parent.name, {}), json.loads(path.read_bytes()))
            for path in sorted(folder.parent.glob("locales/*/*.json")):
                if path.stem in EXTRA_LOCALE_FILES:
                    merge(merged.setdefault(path.parent.name, {}), {path.stem: json.loads(path.read_bytes())})
        return web.json_response(merged)

    async def _all_blueprints(self, request: web.Request) -> web.StreamResponse:
        info = {"source": "custom_node", "info": {"node_pack": "custom_nodes.hemline"}}
        return web.json_response({str(number): {"name": path.stem, **info} for number, path in
                                  enumerate(self.blueprints)})  # fmt: skip

    async def _one_blueprint(self, request: web.Request) -> web.StreamResponse:
        path = self.blueprints[int(request.match_info["name"])]
        return web.json_response({"name": path.stem, "data": path.read_text(encoding="utf-8")})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form["image"]
        assert isinstance(file, web.FileField)
        self.pictures[file.filename, ""] = file.file.read()
        return web.json_response({"name": file.filename, "subfolder": form.get("subfolder", ""), "type": "input"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.answers.append(await request.json())
        return web.json_response({"message": self.refusal or "taken."}, status=400 if self.refusal else 200)

    async def _refuse(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({})


def _json(answer: Any) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    return handle


@contextlib.contextmanager
def serving(server: StubServer) -> Iterator[StubServer]:
    """Runs the server on a free port of this machine in a thread of its own; `server.url` says where."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    runner = web.AppRunner(server.application())

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        server.url = f"http://127.0.0.1:{port}"
        ready.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(30), "the stub server did not start"
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
