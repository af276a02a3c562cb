"""The API under ``/hemline/v1/``: masks without a generation, behind the host's own user names and passwords.

Routes are there where the host's own API is (``--api`` or ``--nowebui``). Pictures come and go as base64; nothing is
fetched from an address and no file of the server is read.
"""

from __future__ import annotations

import base64
import binascii
import io
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from typing import Any, NamedTuple

from PIL import Image, ImageOps
from torch import Tensor

from ...blending.crop import TARGETS, crop_for_inpainting, empty_masks
from ...errors import HemlineError, RangeError
from .api_models import MOST_CHARACTERS, MOST_PIXELS, models
from .axes import menu
from .host import lent_context
from .mask_settings import WHAT, MaskSettings, cuts
from .masking import GarmentMask, composite, draw_preview, garment_mask
from .panel_ports import PORTS
from .pixels import eight_bits, to_image, to_mask, to_picture
from .settings import parse_settings

PREFIX = "/hemline/v1"
_FORMATS = ("PNG", "JPEG", "WEBP")


class TooLarge(HemlineError):
    """A picture has more pixels or bytes than a request may bring."""


def add_routes(demo: Any, app: Any) -> None:
    """Adds the routes to the host's server; called when it has started."""
    options = import_module("modules.shared").cmd_opts
    if not (getattr(options, "api", False) or getattr(options, "nowebui", False)):
        return
    known = models()
    dependencies = _dependencies(str(getattr(options, "api_auth", None) or ""))
    for route in ROUTES:
        work = _endpoint(route.work, known[route.request]) if route.request else route.work
        app.add_api_route(
            route.path, work, methods=[route.method], response_model=known[route.answer], summary=route.says,
            dependencies=dependencies, tags=["hemline"],
        )  # fmt: skip


def mask(request: Any) -> dict[str, Any]:
    """The mask of a picture by the panel's settings."""
    picture = read_picture(request.image, "image")
    settings = _settings(request.settings)
    drawn = to_mask(read_picture(request.drawn, "drawn", flat=False), picture.size) if request.drawn else None
    with lent_context(stops=False) as context:
        image = to_image(picture)
        found = garment_mask(image, settings, drawn, context=context)
        overlay = _write(draw_preview(image, found, context=context)) if request.overlay else ""
    return {"mask": _write(found.mask), "overlay": overlay, **_told(found)}


def detect(request: Any) -> dict[str, Any]:
    """The garments of a picture: label, score, box and polygons of each, and the mask of the panel's settings."""
    picture = read_picture(request.image, "image")
    with lent_context(stops=False) as context:
        found = garment_mask(to_image(picture), _settings(request.settings), context=context)
    garments = found.garments
    return {"garments": garments.entries(), "mask": _write(found.mask), "method": garments.method, **_told(found)}


def crop(request: Any) -> dict[str, Any]:
    """The part of a picture around its mask at the size that a model wants, and its place."""
    image, soft = _pair(request)
    made = crop_for_inpainting(
        image, soft, target=request.target, context=request.context_factor, padding_px=request.padding,
        width=request.width, height=request.height, fill=request.fill,
    )  # fmt: skip
    return {
        "image": _write(made.image), "sampling_mask": _write(made.hard_mask), "soft_mask": _write(made.soft_mask),
        "agnostic": _write(made.agnostic), "box": list(made.stitch.boxes[0]), "empty": bool(empty_masks(soft)),
    }  # fmt: skip


def stitch(request: Any) -> dict[str, Any]:
    """The picture with the repainted crop in its place; what lies outside the mask is exactly as it was."""
    image, soft = _pair(request)
    if len(request.box) != 4 or request.box[0] >= request.box[2] or request.box[1] >= request.box[3]:
        raise RangeError(f"box is {request.box}; give x0, y0, x1, y1 as the route 'crop' has told them.")
    height, width = image.shape[1:3]
    x0, y0, x1, y1 = request.box
    if max(x1 - x0, y1 - y0) > 4 * max(width, height) or x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise RangeError(f"box {request.box} does not lie in a picture of {width}x{height}.")
    repainted = to_image(read_picture(request.crop, "crop"))
    settings = parse_settings({"seam": request.seam, "match_colours": request.match_colours})
    with lent_context(stops=False) as context:
        whole, notes = composite(image, soft, repainted, (x0, y0, x1, y1), settings, context=context)
    return {"image": _write(whole), "notes": list(notes)}


def tell_models() -> dict[str, Any]:
    """What can be chosen: model files by name, presets, cuts, crop targets."""
    return {
        "detectors": list(menu(PORTS["detector"])), "sams": list(menu(PORTS["sam"])), "what": list(WHAT),
        "target_cuts": list(cuts()), "targets": list(TARGETS),
    }  # fmt: skip


def tell_version() -> dict[str, Any]:
    """The version of Hemline, and every setting with its default."""
    from ... import __version__

    return {"version": __version__, "settings": asdict(MaskSettings())}


class Route(NamedTuple):
    """work: gives the answer; request: the record that it takes, empty where it takes none; answer: what it gives."""

    name: str
    work: Callable[..., dict[str, Any]]
    request: str
    answer: str

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"{PREFIX}/{self.name}"

    @property
    def method(self) -> str:
        """Of HTTP."""
        return "POST" if self.request else "GET"

    @property
    def says(self) -> str:
        """What the route gives, in a sentence."""
        return str(self.work.__doc__).splitlines()[0]


ROUTES = (
    Route("mask", mask, "HemlineMaskRequest", "HemlineMask"),
    Route("detect", detect, "HemlineDetectRequest", "HemlineDetection"),
    Route("crop", crop, "HemlineCropRequest", "HemlineCrop"),
    Route("stitch", stitch, "HemlineStitchRequest", "HemlineStitched"),
    Route("models", tell_models, "", "HemlineModels"),
    Route("version", tell_version, "", "HemlineVersion"),
)
"""What the server answers."""


def read_picture(text: str, name: str, *, flat: bool = True) -> Image.Image:
    """The picture in a base64 text at 8 bits, upright by its EXIF orientation, on white where it is transparent (flat).

    Raises `RangeError` for what is no such picture and `TooLarge` before anything large is decoded.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"{name} has {len(text)} characters; send at most {MOST_CHARACTERS}.")
    coded = text.split(",", 1)[1] if text.startswith("data:") and "," in text else text
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(coded, validate=True)), formats=_FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            raise TooLarge(f"{name} is {picture.width}x{picture.height}; send at most {MOST_PIXELS} pixels.")
        picture = eight_bits(ImageOps.exif_transpose(picture))
    except TooLarge:
        raise
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise RangeError(f"{name} is no PNG, JPEG or WebP in base64 ({error}); send the file's bytes.") from error
    if not flat:
        return picture
    if picture.mode in ("RGBA", "LA", "P"):
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture.convert("RGBA"))
        picture = ground
    return picture.convert("RGB")


def _pair(request: Any) -> tuple[Tensor, Tensor]:
    picture = read_picture(request.image, "image")
    soft = read_picture(request.mask, "mask", flat=False)
    if soft.size != picture.size:
        raise RangeError(f"mask is {soft.width}x{soft.height} but image is {picture.width}x{picture.height}.")
    return to_image(picture), to_mask(soft)


def _settings(record: Any) -> MaskSettings:
    return parse_settings(record.model_dump() if hasattr(record, "model_dump") else record.dict())


def _told(found: GarmentMask) -> dict[str, Any]:
    return {"badges": list(found.badges), "notes": list(found.notes), "found": not all(found.empty)}


def _write(image: Tensor) -> str:
    buffer = io.BytesIO()
    to_picture(image).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _endpoint(work: Callable[[Any], Any], request: Any) -> Callable[..., Any]:
    """A route's function, whose argument is of the record's type; one request is worked on at a time."""

    def endpoint(body: Any) -> Any:
        with _http_errors(), import_module("modules.call_queue").queue_lock:
            return work(body)

    endpoint.__annotations__ = {"body": request}
    endpoint.__name__ = f"hemline_{work.__name__}"
    return endpoint


@contextmanager
def _http_errors() -> Generator[None]:
    """What goes wrong in the words of HTTP: 413 too large, 422 a wrong request."""
    raise_as: Any = import_module("fastapi").HTTPException
    try:
        yield
    except TooLarge as error:
        raise raise_as(413, str(error)) from error
    except HemlineError as error:
        raise raise_as(422, str(error)) from error


def _dependencies(pairs: str) -> list[Any]:
    """The check of name and password that ``--api-auth`` asks for; none without it."""
    if not pairs:
        return []
    fastapi: Any = import_module("fastapi")
    security: Any = import_module("fastapi.security")
    known = dict(pair.split(":", 1) for pair in pairs.split(",") if ":" in pair)

    def check(credentials: Any) -> None:
        wanted = known.get(credentials.username, "")
        right = secrets.compare_digest(credentials.password.encode(), wanted.encode())
        if not (right and credentials.username in known):
            raise fastapi.HTTPException(401, "wrong user name or password", {"WWW-Authenticate": "Basic"})

    check.__annotations__ = {"credentials": security.HTTPBasicCredentials}
    check.__defaults__ = (fastapi.Depends(security.HTTPBasic()),)
    return [fastapi.Depends(check)]
