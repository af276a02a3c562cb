"""Files that want to do harm, each with a word in its error; and honest ones with something odd in a corner.

None of them is ever given to a plain unpickler. Those that would run something would write the file "ran".
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from support.pickles import (
    ARCHITECTURE,
    YOLO,
    Call,
    Named,
    Opcodes,
    Stored,
    assemble,
    legacy_file,
    module,
    torch_zip,
    yolo,
    yolo_tensors,
)

Make = Callable[[Path], object]
CODE = "open('ran', 'w').close()"
SHELL = f'"{sys.executable}" -c "{CODE}"'
OTHER_ORDER = b"big" if sys.byteorder == "little" else b"little"
RUN = Call(Named("os", "system"), (SHELL,))
EVALUATE = Call(Named("builtins", "eval"), (f"exec({CODE!r})",))


def _raw(data: bytes) -> Make:
    return lambda path: path.write_bytes(data)


def _zip(value: object) -> Make:
    return lambda path: torch_zip(path, value)


def _pickle(data: bytes) -> Make:
    return lambda path: torch_zip(path, None, pickled=b"\x80\x02" + data)


def _yaml(**changes: object) -> Make:
    return _zip(yolo(yaml={**ARCHITECTURE, **changes}))


def _layer(*row: object) -> Make:
    return _yaml(backbone=[list(row), *ARCHITECTURE["backbone"][1:]])


def _tensor(tensor: Stored, storages: dict[str, bytes] | None = None) -> Make:
    return lambda path: torch_zip(path, {"weight": tensor}, storages=storages)


def _entries(*entries: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_STORED) -> Make:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", packing) as archive:
            for name, raw in entries:
                archive.writestr(name, raw)

    return make


def _with_entry(name: str | zipfile.ZipInfo, raw: bytes = b"0") -> Make:
    return _entries(("archive/data.pkl", bytes(assemble({}).data)), (name, raw))


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("archive/data/0")
    info.external_attr = 0o120777 << 16
    return info


def _changed(make: Make, change: Callable[[bytearray], object]) -> Make:
    def made(path: Path) -> None:
        make(path)
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return made


def _cut(make: Make, share: float) -> Make:
    def cut(data: bytearray) -> None:
        del data[int(len(data) * share) :]

    return _changed(make, cut)


def _overlap(data: bytearray) -> None:
    """The last two entries of the directory begin at the same place, under the same name length."""
    at = [found for found in range(len(data)) if data[found : found + 4] == b"PK\x01\x02"]
    data[at[-1] + 42 : at[-1] + 46] = data[at[-2] + 42 : at[-2] + 46]


def _encrypt(data: bytearray) -> None:
    data[data.find(b"PK\x01\x02") + 8] |= 1


def _huge_directory(data: bytearray) -> None:
    end = data.rfind(b"PK\x05\x06")
    data[end + 8 : end + 20] = struct.pack("<2H2I", 65_534, 65_534, 2**31, 0)


def _laughs(depth: int) -> bytes:
    """Lists of twice the list before: two to the power of `depth` values, in six bytes each."""
    data = b"]q\x00"
    for number in range(depth):
        data += b"0](h" + bytes([number]) + b"h" + bytes([number]) + b"eq" + bytes([number + 1])
    return data


def _laughing_modules() -> bytes:
    """Modules that hold the module before twice."""
    data = bytes(assemble(module(YOLO, yolo_tensors())).data)[2:-1] + b"q\x00"
    for number in range(60):
        inner = b"h" + bytes([number])
        state = b"}(X\x08\x00\x00\x00_modules}(X\x01\x00\x00\x00a" + inner + b"X\x01\x00\x00\x00b" + inner + b"uu"
        data += b"ctorch.nn\nModule\n)R" + state + b"bq" + bytes([number + 1])
    return data + b"."


def _module_in_itself() -> bytes:
    return b"ctorch.nn\nModule\n)Rq\x00}(X\x08\x00\x00\x00_modules}(X\x01\x00\x00\x00ah\x00uub."


def _safetensors(header: bytes, size: int | None = None, body: bytes = bytes(64)) -> Make:
    return _raw(struct.pack("<Q", len(header) if size is None else size) + header + body)


def _safe_yolo(**texts: str) -> Make:
    header: dict[str, object] = {"__metadata__": texts}
    end = 0
    for name, tensor in yolo_tensors().items():
        start, end = end, end + 4 * tensor.elements()
        header[name] = {"dtype": "F32", "shape": list(tensor.size), "data_offsets": [start, end]}
    raw = json.dumps(header).encode()
    return _safetensors(raw, body=bytes(end))


def _header(offsets: list[int], shape: list[int] | None = None) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": shape or [4], "data_offsets": offsets}}).encode()


HOSTILE: dict[str, tuple[Make, str]] = {
    # What would run.
    "os.system in place of a checkpoint": (_zip(RUN), "holds os.system"),
    "os.system in an old file": (lambda path: legacy_file(path, RUN), "holds os.system"),
    "os.system as a weight": (
        _zip({"model": module(YOLO, {**yolo_tensors(), "model.0.conv.weight": RUN})}), "os.system"),
    "eval by a name on the stack": (
        _pickle(b"X\x08\x00\x00\x00builtinsX\x04\x00\x00\x00eval\x93X\x01\x00\x00\x001\x85R."), "holds builtins.eval"),
    "a pickle within a pickle": (
        _zip(Call(Named("pickle", "loads"), (bytes(assemble(RUN).data),))), "holds pickle.loads"),
    "torch.load of another file": (_zip(Call(Named("torch", "load"), ("other.pt",))), "holds torch.load"),
    "getattr to reach what is not named": (
        _zip(Call(Call(Named("builtins", "getattr"), (Named("os", "path"), "join")), (SHELL,))), "no|without"),
    "functools.partial": (_zip(Call(Named("functools", "partial"), (Named("os", "system"), SHELL))), "partial"),
    "a default dict whose factory is a command": (
        _zip({"state_dict": Call(Named("collections", "defaultdict"), (Named("os", "system"),))}), "without a network"),
    "a tensor rebuilt by a foreign function": (
        _zip({"a": Call(Named("torch._tensor", "_rebuild_from_type_v2"), (RUN.kind, None, (SHELL,), None))}),
        "without a network"),
    "__setstate__ of a class": (
        _zip(Call(Named("numpy.core.multiarray", "_reconstruct"), (), {"a": 1})), "_reconstruct"),
    "an instance by the old opcode": (_pickle(b"(X\x01\x00\x00\x00aios\nsystem\n."), "opcode 0x69"),
    "an object by the old opcode": (_pickle(b"(cos\nsystem\nX\x01\x00\x00\x00ao."), "opcode 0x6f"),
    "the extension registry": (_pickle(b"\x82\x01."), "opcode 0x82"),
    "an out-of-band buffer": (_pickle(b"\x97."), "opcode 0x97"),
    "a text evaluated by old unpicklers": (_pickle(b"S'a'\n."), "opcode 0x53"),
    "a bare pickle": (_raw(pickle.dumps({"a": 1}, protocol=4)), "no checkpoint"),
    "a TorchScript program": (
        _entries(("a/data.pkl", b"\x80\x02}."), ("a/constants.pkl", b"\x80\x02)."), ("a/code/x.py", b"")),
        "TorchScript"),
    # What a builder would evaluate.
    "an activation with a call": (_yaml(activation=f"__import__('os').system({SHELL!r})"), "activation"),
    "an activation behind a good one": (_yaml(activation=f"nn.SiLU() or exec({CODE!r})"), "activation"),
    "a layer that is a function": (_layer(-1, 1, "torch.load", ["other.pt"]), "torch.load"),
    "a layer of another package": (_layer(-1, 1, "torchvision.ops.misc.subprocess", []), "torchvision"),
    "a layer that downloads": (_layer(-1, 1, "TorchVision", [512, "resnet18", "DEFAULT"]), "TorchVision"),
    "an argument with a call": (_layer(-1, 1, "Conv", [64, f"exec({CODE!r})"]), "argument"),
    "an object among the arguments": (_layer(-1, 1, "Conv", [RUN]), "os.system"),
    "a layer repeated a billion times": (_layer(-1, 10**9, "Conv", [64, 3]), "repeats"),
    "a layer a billion wide": (_layer(-1, 1, "Conv", [10**9, 3]), "too much"),
    "a layer that reads ahead": (_layer(7, 1, "Conv", [64, 3]), "source"),
    "a scale of a billion": (_yaml(scales={"n": [1e9, 0.25, 1024]}), "scales"),
    "a billion classes": (_yaml(nc=10**9), "nc"),
    "an architecture that is a call": (_zip(yolo(yaml=EVALUATE)), "architecture"),
    "an activation in safetensors": (
        _safe_yolo(yaml=json.dumps({**ARCHITECTURE, "activation": "print()"})), "activation"),
    # What would exhaust.
    "a compressed pickle of zeros": (
        _entries(("archive/data.pkl", bytes(2**22)), packing=zipfile.ZIP_DEFLATED), "compressed"),
    "lists that double sixty times": (
        _zip(yolo(yaml={**ARCHITECTURE, "head": Opcodes(_laughs(60))})), "too large or too deep"),
    "modules that double sixty times": (_pickle(_laughing_modules()), "deep|modules|tensors"),
    "a module within itself": (_pickle(_module_in_itself()), "deep"),
    "tuples a million deep": (_pickle(b")" + b"\x85" * 10**6 + b"."), "a tuple"),
    "names a million deep": (_zip(yolo(names=Opcodes(b")" + b"\x85" * 10**6))), "too large or too deep"),
    "calls a million deep": (_pickle(b"ca\nb\n" * 10**6 + b")" + b"\x85R" * 10**6 + b"."), "a.b"),
    "states a million deep": (_pickle(b"ca\nb\n)R" * 500_000 + b"b" * 499_999 + b"."), "a.b"),
    "dicts a million deep": (_pickle(b"}N" * 10**6 + b"N" + b"s" * 10**6 + b"."), "as keys"),
    "dicts of dicts": (_pickle(b"}X\x01\x00\x00\x00a" * 500_000 + b"N" + b"s" * 500_000 + b"."), "without a network"),
    "operations without end": (_pickle(b"N0" * 2_100_000 + b"."), "operations"),
    "a number of a megabyte": (_pickle(b"\x8b" + struct.pack("<I", 2**20) + bytes(2**20) + b"."), "a number of"),
    "a text that claims an exabyte": (_pickle(b"\x8d" + struct.pack("<Q", 2**60) + b"a."), "ends within"),
    "keys that fall on one another": (
        _pickle(b"}(" + b"".join(b"\x8a\x08" + struct.pack("<q", n << 20) + b"N" for n in range(60_000)) + b"u."),
        "as keys"),
    "a storage that claims a terabyte": (_tensor(Stored((2**19, 2**19)), {"0": bytes(64)}), "claims"),
    "a storage that is not there": (_tensor(Stored((4,), key="9"), {}), "claims"),
    "a tensor that unfolds without end": (
        _tensor(Stored((2**20, 2**20), count=16, stride=(0, 0)), {"0": bytes(64)}), "larger than its storage"),
    "a tensor beyond its storage": (
        _tensor(Stored((4,), count=4, offset=1), {"0": bytes(64)}), "larger than its storage"),
    "a billion classes without a weight": (
        _zip(module(YOLO, {**yolo_tensors(), "model.4.cv3.0.2.weight": Stored((2**30, 0))})), "1073741824 classes"),
    "a tensor of no elements whose sides overflow": (
        _tensor(Stored((2**31, 2**31, 2**31, 0), stride=(1, 1, 1, 1))), "claims the shape"),
    "a tensor before its storage": (_tensor(Stored((4,), count=4, stride=(-1,)), {"0": bytes(64)}), "no count"),
    "a thousand names for one storage": (
        _zip({f"a{n}": Stored((1024, 256), key="0") for n in range(1000)}), "unfold"),
    "a directory of two gigabytes": (_changed(_zip(yolo()), _huge_directory), "claims 65534 entries"),
    # What is not what it says.
    "nothing": (_raw(b""), "no checkpoint"),
    "a text": (_raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6534387\n"), "no checkpoint"),
    "a picture": (_raw(b"\x89PNG\r\n\x1a\n" + bytes(64)), "no checkpoint"),
    "a zip of something else": (_entries(("word/document.xml", b"<xml/>")), "none that torch.save wrote"),
    "half a file": (_cut(_zip(yolo()), 0.5), "cut off"),
    "a file without its last bytes": (_cut(_zip(yolo()), 0.999), "cut off|damaged"),
    "half an old file": (_cut(lambda path: legacy_file(path, yolo()), 0.9), "cut off"),
    "half a pickle": (_pickle(b"}(X\x01\x00\x00\x00a"), "damaged"),
    "a stack that runs empty": (_pickle(b"R."), "damaged"),
    "a memo that was never written": (_pickle(b"h\x07."), "damaged"),
    "a text that is none": (_pickle(b"X\x02\x00\x00\x00\xff\xff."), "no|none"),
    "two entries in one place": (_changed(_zip(yolo()), _overlap), "overlaps|not where"),
    "an entry named twice": (
        _entries(("archive/data.pkl", b"\x80\x02}."), ("archive/data.pkl", b"\x80\x02].")), "twice"),
    "an entry that leaves its folder": (_with_entry("archive/../../ran"), "leave a folder"),
    "an entry that is a link": (_with_entry(_link(), b"/etc/passwd"), "a link"),
    "an encrypted entry": (_changed(_zip(yolo()), _encrypt), "encrypted"),
    "numbers of another machine": (
        _entries(("a/data.pkl", b"\x80\x02}."), ("a/byteorder", OTHER_ORDER)), "endian"),
    "a tensor with a strange name": (_zip({"model": {"a\x1b[2J": Stored((1,))}}), "names a tensor"),
    "other classes than tensors": (_yaml(nc=3), "3 classes, its tensors 2"),
    "strides that are none": (_zip(yolo(stride=[1e30])), "strides"),
    "safetensors cut off": (_safetensors(_header([0, 2**20], [2**18])), "no whole safetensors"),
    "safetensors with a huge header": (_safetensors(b"{" + bytes(64), size=2**31), "no whole safetensors"),
    "safetensors that is no JSON": (_safetensors(b"{" + b"[" * 60_000), "no whole safetensors"),
    "safetensors whose tensors overlap": (
        _safetensors(json.dumps({n: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for n in "ab"}).encode()),
        "no whole safetensors"),
}  # fmt: skip
"""Name -> how the file is made, and what its error says."""

HARMLESS: dict[str, Make] = {
    "a command in a corner": _zip({**yolo(), "callbacks": RUN, "optimizer": EVALUATE}),
    "a command among the attributes": _zip(yolo(criterion=RUN, args=Call(Named("builtins", "getattr"), (RUN, "a")))),
    "an author's own classes": _zip(
        yolo(loss=Call(Named("my_project.loss", "Loss"), (), {"weight": Stored((2,), key="5")}))
    ),
    "a set and a path": _zip(
        yolo(seen=Call(Named("__builtin__", "set"), (["a"],)), path=Call(Named("pathlib", "WindowsPath"), ("C:", "a")))
    ),
    "keys that are no texts": _zip({**yolo(), "state": {(1, 2): 3, 1.5: Opcodes(b"N"), 2**70: None}}),
    "deep JSON in safetensors": _safe_yolo(version="[" * 100_000),
}
