"""Reads a pickle without running it: an interpreter of its opcodes on a stack of our own.

Python's unpickler imports and calls what a file names, and a subclass of it is only as safe as all that its
`find_class` hands out. Here there is nothing to hand out: the machine knows the opcodes that build plain values, a name
becomes a `Global`, a call a `Record`, and a handful of torch's calls a `TensorRecord`. It imports nothing, calls no
name of the file, hashes nothing but texts and short numbers, and never recurses.

The opcodes are described in CPython's `Lib/pickletools.py`. Those that protocols 2 to 5 write are known; the ones of
older protocols, the extension registry and out-of-band buffers are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import cast

from ...errors import BadFile
from .calls import record_call, record_storage
from .records import Global, Record, StorageRecord, TensorRecord, clean_text

# An n-sized YOLO is 90,000 opcodes in 0.2 MB; a training checkpoint with its optimiser ten times that.
MOST_OPERATIONS, MOST_PICKLE_BYTES = 4_000_000, 2**25
# Numbers as keys can be chosen so that a dict becomes slow; classes are counted in thousands.
MOST_NUMBER_KEYS, MOST_NUMBER_BYTES = 50_000, 16
MOST_GLOBAL = 200


class Machine:
    """Runs pickles that stand one after another in `data`; `position` is where the next one begins.

    storages: every storage that the pickles mention, by its key, for formats that list their types nowhere else.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position
        self.storages: dict[str, StorageRecord] = {}
        self._operations = MOST_OPERATIONS
        self._number_keys = MOST_NUMBER_KEYS
        self._reset()

    def _reset(self) -> None:
        self.stack: list[object] = []
        self.outer: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """The value of the next pickle. Raises `BadFile` where it is none, too long, or uses what is refused."""
        self._reset()
        try:
            return self._run()
        except (IndexError, KeyError, struct.error) as error:
            raise BadFile(f"its pickle is damaged at byte {self.position}.") from error
        except UnicodeDecodeError as error:
            raise BadFile(f"its pickle holds a text that is none at byte {self.position}.") from error

    def _run(self) -> object:
        data, steps, stop = self.data, _STEPS, ord(".")
        for left in range(self._operations - 1, -1, -1):
            code = data[self.position]
            self.position += 1
            if code == stop:
                self._operations = left
                return self.stack.pop()
            steps[code](self)
        raise BadFile(f"its pickle has more than {MOST_OPERATIONS} operations.")

    def take(self, count: int) -> bytes:
        """The next bytes; raises `BadFile` before memory is taken for more than there are."""
        start = self.position
        if count > len(self.data) - start:
            raise BadFile(f"its pickle ends within a value of {count} bytes.")
        self.position = start + count
        return self.data[start : start + count]

    def number(self, form: struct.Struct) -> int:
        """The next number, in the machine form of an opcode's argument."""
        (value,) = form.unpack_from(self.data, self.position)
        self.position += form.size
        return value

    def line(self) -> str:
        """The text up to the next end of line."""
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise BadFile("its pickle ends within a name.")
        word = self.take(end - self.position).decode()
        self.position += 1
        return word

    def above_mark(self) -> list[object]:
        """What was pushed since the last mark; the mark is gone and the stack is as it was before it."""
        items, self.stack = self.stack, self.outer.pop()
        return items

    def pair(self) -> tuple[object, object]:
        """The last two values, in the order in which they were pushed."""
        last = self.stack.pop()
        return self.stack.pop(), last

    def put(self, target: object, pairs: list[object]) -> None:
        """Sets entries, key and value in turn, of a dict or of a record that may be meant as one."""
        if isinstance(target, Record):
            target = target.entries
        if not isinstance(target, dict) or len(pairs) % 2:
            raise BadFile("its pickle sets an entry of something that has none.")
        entries = cast("dict[object, object]", target)
        for index in range(0, len(pairs), 2):
            entries[self._key(pairs[index])] = pairs[index + 1]

    def _key(self, value: object) -> object:
        """A key that is quick to hash; any other becomes one that nobody will look for."""
        if type(value) is str or type(value) is bytes:
            return value
        if value is None or type(value) is bool or (type(value) is int and -(2**63) <= value < 2**63):
            self._number_keys -= 1
            if self._number_keys < 0:
                raise BadFile(f"its pickle has more than {MOST_NUMBER_KEYS} numbers as keys.")
            return value
        return Record(None, (value,))

    def extend(self, target: object, items: list[object]) -> None:
        """Appends to a list, or to a record that may be meant as one."""
        if isinstance(target, Record):
            target = target.items
        if not isinstance(target, list):
            raise BadFile("its pickle adds to something that is no list.")
        cast("list[object]", target).extend(items)


Step = Callable[[Machine], None]
_U1, _U2, _U4, _U8, _I4, _FLOAT = (struct.Struct(form) for form in ("<B", "<H", "<I", "<Q", "<i", ">d"))


def _push(value: Callable[[Machine], object]) -> Step:
    return lambda m: m.stack.append(value(m))


def _gather(value: Callable[[list[object]], object]) -> Step:
    """What is made of the values above the mark takes their place."""

    def step(m: Machine) -> None:
        items = m.above_mark()
        m.stack.append(value(items))

    return step


def _text(length: struct.Struct, coding: str = "utf-8", errors: str = "surrogatepass") -> Step:
    return lambda m: m.stack.append(m.take(m.number(length)).decode(coding, errors))


def _bytes(length: struct.Struct) -> Step:
    return lambda m: m.stack.append(m.take(m.number(length)))


def _long(length: struct.Struct) -> Step:
    def step(m: Machine) -> None:
        count = m.number(length)
        if count > MOST_NUMBER_BYTES:
            raise BadFile(f"its pickle has a number of {count} bytes.")
        m.stack.append(int.from_bytes(m.take(count), "little", signed=True))

    return step


def _tuple(count: int) -> Step:
    def step(m: Machine) -> None:
        if len(m.stack) < count:
            raise IndexError
        m.stack[-count:] = [tuple(m.stack[-count:])]

    return step


# Half of all opcodes are these, so they do without `Machine.number`.


def _byte(m: Machine) -> None:
    m.stack.append(m.data[m.position])
    m.position += 1


def _get_byte(m: Machine) -> None:
    m.stack.append(m.memo[m.data[m.position]])
    m.position += 1


def _get(m: Machine) -> None:
    m.stack.append(m.memo[_U4.unpack_from(m.data, m.position)[0]])
    m.position += 4


def _put_byte(m: Machine) -> None:
    m.memo[m.data[m.position]] = m.stack[-1]
    m.position += 1


def _put(m: Machine) -> None:
    m.memo[_U4.unpack_from(m.data, m.position)[0]] = m.stack[-1]
    m.position += 4


def _memoize(m: Machine) -> None:
    m.memo[len(m.memo)] = m.stack[-1]


def _mark(m: Machine) -> None:
    m.outer.append(m.stack)
    m.stack = []


def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.above_mark()


def _pop_mark(m: Machine) -> None:
    m.above_mark()


def _dict(m: Machine) -> None:
    entries: dict[object, object] = {}
    m.put(entries, m.above_mark())
    m.stack.append(entries)


def _set_item(m: Machine) -> None:
    m.put(m.stack[-3], list(m.pair()))


def _set_items(m: Machine) -> None:
    pairs = m.above_mark()
    m.put(m.stack[-1], pairs)


def _append(m: Machine) -> None:
    m.extend(m.stack[-2], [m.stack.pop()])


def _extend(m: Machine) -> None:
    items = m.above_mark()
    m.extend(m.stack[-1], items)


def _global(m: Machine) -> None:
    module = m.line()
    m.stack.append(_named(module, m.line()))


def _stack_global(m: Machine) -> None:
    m.stack.append(_named(*m.pair()))


def _named(module: object, name: object) -> Global:
    if not isinstance(module, str) or not isinstance(name, str) or max(len(module), len(name)) > MOST_GLOBAL:
        raise BadFile("its pickle names something by no name.")
    return Global(clean_text(module, MOST_GLOBAL), clean_text(name, MOST_GLOBAL))


def _call(m: Machine) -> None:
    m.stack.append(record_call(*m.pair()))


def _call_with_names(m: Machine) -> None:
    names = m.stack.pop()
    kind, arguments = m.pair()
    m.stack.append(Record(kind, (arguments, names)))


def _build(m: Machine) -> None:
    """Puts the state into a record; what else can have one (an ordered dict, a parameter) does without."""
    state, target = m.stack.pop(), m.stack[-1]
    if isinstance(target, Record):
        target.state = state
    elif not isinstance(target, dict | TensorRecord):
        raise BadFile("its pickle gives a state to something that has none.")


def _refer(m: Machine) -> None:
    record = record_storage(m.stack.pop())
    if isinstance(record, StorageRecord):
        m.storages[record.key] = record
    m.stack.append(record)


def _frame(m: Machine) -> None:
    m.number(_U8)  # a hint for streams


def _refuse(m: Machine) -> None:
    raise BadFile(f"its pickle uses the opcode 0x{m.data[m.position - 1]:02x}, which no checkpoint needs.")


def _protocol(m: Machine) -> None:
    version = m.number(_U1)
    if not 2 <= version <= 5:
        raise BadFile(f"its pickle is of protocol {version}; 2 to 5 are known.")


_BY_LETTER: dict[str, Step] = {
    "\x80": _protocol, "\x95": _frame, "(": _mark, "0": _pop, "1": _pop_mark,
    "N": _push(lambda m: None), "\x88": _push(lambda m: True), "\x89": _push(lambda m: False),
    "K": _byte, "M": _push(lambda m: m.number(_U2)), "J": _push(lambda m: m.number(_I4)),
    "\x8a": _long(_U1), "\x8b": _long(_U4), "G": _push(lambda m: m.number(_FLOAT)),
    "\x8c": _text(_U1), "X": _text(_U4), "\x8d": _text(_U8), "U": _text(_U1, "latin-1"), "T": _text(_U4, "latin-1"),
    "C": _bytes(_U1), "B": _bytes(_U4), "\x8e": _bytes(_U8), "\x96": _bytes(_U8),
    ")": _push(lambda m: ()), "\x85": _tuple(1), "\x86": _tuple(2), "\x87": _tuple(3), "t": _gather(tuple),
    "]": _push(lambda m: []), "l": _gather(list), "a": _append, "e": _extend,
    "}": _push(lambda m: {}), "d": _dict, "s": _set_item, "u": _set_items,
    "\x8f": _push(lambda m: []), "\x90": _extend, "\x91": _gather(tuple),  # sets as lists: nothing in them is hashed
    "h": _get_byte, "j": _get, "q": _put_byte, "r": _put, "\x94": _memoize,
    "c": _global, "\x93": _stack_global, "R": _call, "\x81": _call, "\x92": _call_with_names, "b": _build,
    "Q": _refer,
}  # fmt: skip
_STEPS: Sequence[Step] = [_BY_LETTER.get(chr(code), _refuse) for code in range(256)]
