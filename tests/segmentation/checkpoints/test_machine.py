"""The interpreter of pickles gives what Python's own unpickler gives, as long as a pickle holds plain values."""

from __future__ import annotations

import collections
import io
import pickle
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.pickles import Call, Named, Stored, assemble

from hemline.errors import BadFile
from hemline.segmentation.checkpoints.archive import read_directory
from hemline.segmentation.checkpoints.machine import Machine
from hemline.segmentation.checkpoints.records import Global, Record, StorageRecord, TensorRecord, as_literal

keys = st.text(max_size=9) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none()
leaves = keys | st.integers(-(2**100), 2**100) | st.floats(allow_nan=False)
plain = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner), max_leaves=30
)


@given(plain, st.integers(2, 5))
def test_plain_values_come_out_as_they_went_in(value, protocol):
    assert Machine(pickle.dumps(value, protocol)).run() == value


@given(st.dictionaries(st.binary(max_size=9), st.binary(max_size=300)), st.integers(3, 5))
def test_bytes_too_where_the_protocol_knows_them(value, protocol):
    assert Machine(pickle.dumps(value, protocol)).run() == value


@given(plain)
def test_pickles_in_a_row_are_read_one_after_another(value):
    machine = Machine(pickle.dumps(1, 2) + pickle.dumps(value, 4) + pickle.dumps([2], 5))
    assert [machine.run(), machine.run(), machine.run()] == [1, value, [2]]


def test_what_is_shared_stays_shared_and_a_list_may_hold_itself():
    inner: list = []
    found = Machine(pickle.dumps([inner, inner], 2)).run()
    assert isinstance(found, list) and found[0] is found[1]
    inner.append(inner)
    turning = Machine(pickle.dumps(inner, 2)).run()
    assert isinstance(turning, list) and turning[0] is turning


def test_ordered_dicts_are_dicts_and_sets_are_lists():
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    assert Machine(pickle.dumps(ordered, 2)).run() == {"b": 1, "a": 2}
    assert Machine(pickle.dumps(collections.defaultdict(list, a=[1]), 2)).run() == {"a": [1]}
    assert Machine(pickle.dumps({7}, 4)).run() == [7]


def test_any_other_call_is_only_remembered():
    found = Machine(bytes(assemble(Call(Named("os", "system"), ("ls",), {"a": 1})).data)).run()
    assert isinstance(found, Record)
    assert (found.kind, found.arguments, found.state, found.name) == (
        Global("os", "system"),
        ("ls",),
        {"a": 1},
        "system",
    )
    assert repr(found).startswith("<")  # and never what is in it


def test_a_tensor_is_a_record_of_where_it_lies():
    made = assemble(Stored((2, 3), key="7", count=9, stride=(1, 2), offset=3))
    storage = StorageRecord("7", torch.float32, 9)
    assert Machine(bytes(made.data)).run() == TensorRecord(storage, torch.float32, 3, (2, 3), (1, 2))


def test_values_other_than_plain_ones_are_no_literal():
    assert as_literal({"a": (1, [None, True, 2.5])}) == {"a": [1, [None, True, 2.5]]}
    for value in ({"a": Record(None)}, {1.5: 2}, [b"x"], "x" * 600, [2**64]):
        with pytest.raises(BadFile):
            as_literal(value)


names = st.text("abc/_.", min_size=1, max_size=12).filter(
    lambda name: not name.startswith("/") and ".." not in name.split("/")
)


@given(st.dictionaries(names, st.binary(max_size=50), min_size=1, max_size=8), st.binary(max_size=40))
def test_the_directory_of_a_zip_is_that_of_zipfile(tmp_path_factory, entries, comment):
    path = tmp_path_factory.getbasetemp() / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = comment.replace(b"PK", b"")
        for name, content in entries.items():
            archive.writestr(name, content)
    data = path.read_bytes()
    with path.open("rb") as file:
        spans = read_directory(file, len(data))
    assert {name: data[span.start : span.start + span.size] for name, span in spans.items()} == entries


def test_a_zip_with_64_bit_fields_is_read(tmp_path):
    """torch writes them for large files."""
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("a", "w", force_zip64=True) as entry:
        entry.write(b"content")
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    extra = b"\x01\x00\x18\x00" + (7).to_bytes(8, "little") * 2 + bytes(8)
    head, name = data[at : at + 46], data[at + 46 : at + 47]
    head[20:28], head[30:32], head[42:46] = b"\xff" * 8, len(extra).to_bytes(2, "little"), b"\xff" * 4
    directory = bytes(head + name) + extra
    end64 = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + (1).to_bytes(8, "little") * 2
    end64 += len(directory).to_bytes(8, "little") + at.to_bytes(8, "little")
    locator = b"PK\x06\x07" + bytes(4) + (at + len(directory)).to_bytes(8, "little") + (1).to_bytes(4, "little")
    end = b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2)
    whole = bytes(data[:at]) + directory + end64 + locator + end
    assert zipfile.ZipFile(io.BytesIO(whole)).read("a") == b"content"
    path.write_bytes(whole)
    with path.open("rb") as file:
        span = read_directory(file, len(whole))["a"]
    assert whole[span.start : span.start + span.size] == b"content"
