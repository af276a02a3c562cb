"""Small nodes and a workflow of them, for the tests of running workflows; `RAN` keeps what ran."""

from __future__ import annotations

import torch

from hemline.hosts.core_nodes import CORE_NODES
from hemline.nodes.spec import NotGiven, Port, Result, node
from hemline.tensors import RangeError

RAN: list[str] = []
MASK = Port("MASK", "MASK")


@node(id="TestMask", name="Mask", category="test", inputs=[
    Port("size", "INT", default=4, minimum=1, maximum=64),
    Port("value", "FLOAT", default=0.5, minimum=0.0, maximum=1.0),
    Port("mode", "COMBO", default="flat", options=("flat", "slope")),
    Port("flip", "BOOLEAN", default=False),
    Port("text", "STRING", default=""),
], outputs=[MASK, Port("STRING", "STRING")])  # fmt: skip
def make_mask(size=4, value=0.5, mode="flat", flip=False, text=""):
    """Makes a mask."""
    RAN.append(f"mask {text}".strip())
    return torch.full((1, size, size), value), f"{mode} {flip}"


@node(id="TestJoin", name="Join", category="test",
      inputs=[Port("first", "MASK"), Port("second", "MASK", optional=True)], outputs=[MASK])  # fmt: skip
def join(first, second=None):
    """Multiplies masks."""
    RAN.append("join")
    return first if second is None else first * second


@node(id="TestShow", name="Show", category="test", inputs=[Port("mask", "MASK")], outputs=[], is_output=True)
def show(mask):
    """Shows a mask."""
    RAN.append("show")
    return Result((), mask, (f"{mask.mean():.3f}",))


@node(id="TestLoop", name="Loop", category="test", inputs=[Port("mask", "MASK")], outputs=[MASK], is_output=True)
def loop(mask):
    """Passes a mask on."""
    return mask


@node(id="TestFail", name="Fail", category="test",
      inputs=[Port("how", "STRING", default="")], outputs=[MASK], is_output=True)  # fmt: skip
def fail(how="", *, context):
    """Fails."""
    if how == "hemline":
        raise RangeError("radius is 7; give a number from 0 to 5.")
    if how == "python":
        raise KeyError("radius")
    if how == "interrupt":
        raise KeyboardInterrupt
    context.check_cancelled()
    return torch.zeros(1, 1, 1)


@node(id="TestHeavy", name="Heavy", category="test", weight="heavy",
      inputs=[Port("mask", "MASK")], outputs=[MASK, Port("STRING", "STRING")], is_output=True)  # fmt: skip
def heavy(mask):
    """Tells where it runs."""
    return Result((Carried(), str(mask.device)), None, (str(torch.is_grad_enabled()), str(mask.is_inference())))


class Carried:
    """Remembers where it was sent, as our records with `to` are."""

    def __init__(self, device="nowhere"):
        self.device = device

    def to(self, device, dtype=None):
        return Carried(str(device))


@node(id="TestShort", name="Short", category="test", inputs=[], outputs=[MASK], is_output=True)
def short():
    """Gives too little."""
    return ()


@node(id="TestSplit", name="Split", category="test", inputs=[Port("mask", "MASK"), Port("count", "INT", default=3)],
      outputs=[Port("masks", "MASK", is_list=True), Port("names", "STRING", is_list=True), MASK])  # fmt: skip
def split(mask, count=3):
    """Makes several masks of one."""
    return [mask / (n + 1) for n in range(count)], [f"part {n}" for n in range(count)], NotGiven("nothing is left")


@node(id="TestGather", name="Gather", category="test", is_output=True,
      inputs=[Port("masks", "MASK", is_list=True), Port("name", "STRING", default="")], outputs=[MASK])  # fmt: skip
def gather(masks, name=""):
    """Adds masks."""
    RAN.append(f"gather {len(masks)} {name}".strip())
    return sum(masks)


NODES = {one.id: one for one in (make_mask, join, show, loop, fail, heavy, short, split, gather, *CORE_NODES)}


def entry(class_type, title="", **inputs):
    return {"class_type": class_type, "inputs": inputs, **({"_meta": {"title": title}} if title else {})}


def good():
    return {
        "1": entry("TestMask", "Coat", size=8, value=0.5, text="a"),
        "2": entry("TestMask", size=8, value=0.5, text="b"),
        "3": entry("TestJoin", first=["1", 0], second=["2", 0]),
        "4": entry("TestShow", mask=["3", 0]),
    }
