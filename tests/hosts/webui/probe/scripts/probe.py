"""An extension for tests only: makes parts of Hemline fail or take long, and tells what a generation has left behind.

It replaces functions of the running extension from outside; the extension itself knows nothing of it.
"""

import gc
import time
import weakref
from importlib import import_module

from fastapi import Body
from modules import script_callbacks

# What the extension sets on the host's processing object, for comparison before and after.
FIELDS = (
    "image_mask", "mask_blur_x", "mask_blur_y", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding",
    "inpainting_mask_invert", "init", "sample",
)  # fmt: skip
PLACES = {
    "mask": [("run", "garment_mask"), ("second_pass", "garment_mask"), ("extras", "garment_mask")],
    "composite": [("run", "composite"), ("second_pass", "composite")],
}
ASKED = {"broken": "", "mask_s": 0.0}
SEEN = {"looking": False, "as_before": True, "collected": 0}
ALIVE = []
BODY = Body(...)


def follow(kind, thing):
    ALIVE.append((kind, weakref.ref(thing)))


def state_of(p):
    return {name: p.__dict__.get(name) for name in FIELDS}


def wrapped(place, function):
    def stand_in(*args, **kwargs):
        if ASKED["broken"] == place:
            raise RuntimeError(f"the probe broke the {place}")
        if place == "mask":
            SEEN["looking"] = True
            time.sleep(ASKED["mask_s"])
            SEEN["looking"] = False
        result = function(*args, **kwargs)
        if place == "mask":
            follow("mask", result.mask)
        return result

    return stand_in


def watched(begin, end):
    """`run.begin` and `run.end`, with a look at the host's object before and after."""
    before = {}

    def begin_watched(p, settings, context):
        before[id(p)] = state_of(p)
        follow("p", p)
        try:
            run = begin(p, settings, context)
        except BaseException:
            SEEN["as_before"] &= state_of(p) == before.pop(id(p))
            raise
        follow("run", run)
        for picture in run.pictures:
            follow("picture", picture)
        return run

    def end_watched(run, p):
        end(run, p)
        if id(p) in before:
            SEEN["as_before"] &= state_of(p) == before.pop(id(p))

    return begin_watched, end_watched


def collecting(torch_gc):
    def collect(*args, **kwargs):
        SEEN["collected"] += 1
        return torch_gc(*args, **kwargs)

    return collect


def start(demo, app):
    inside = {name: import_module(f"hemline.hosts.webui.{name}") for name in ("run", "second_pass", "extras", "host")}
    for place, functions in PLACES.items():
        for module, name in functions:
            setattr(inside[module], name, wrapped(place, getattr(inside[module], name)))
    inside["run"].begin, inside["run"].end = watched(inside["run"].begin, inside["run"].end)
    devices = import_module("modules.devices")
    devices.torch_gc = collecting(devices.torch_gc)

    modules_of = import_module("hemline.model_cache").modules_of

    def ask(body: dict = BODY):
        ASKED.update({"broken": "", "mask_s": 0.0, **body})
        SEEN["as_before"] = True
        return ASKED

    def tell():
        gc.collect()
        kinds = [kind for kind, thing in ALIVE if thing() is not None]
        networks = [net for model in inside["host"]._MODELS.held_models() for net in modules_of(model)]
        return {
            **SEEN,
            "alive": {kind: kinds.count(kind) for kind in ("p", "run", "mask", "picture")},
            "followed": len(ALIVE),
            "devices": sorted({str(one.device) for net in networks for one in net.parameters()}),
        }

    app.add_api_route("/probe", ask, methods=["POST"])
    app.add_api_route("/probe", tell, methods=["GET"])


script_callbacks.on_app_started(start)
