from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.hosts.formats.packbits import pack_rows


def unpack(data: bytes) -> bytes:
    """The bytes of one packed row, by the words of TIFF 6.0, section 9."""
    unpacked, place = bytearray(), 0
    while place < len(data):
        head = data[place] - 256 if data[place] > 127 else data[place]
        assert head != -128, "a packet that says nothing"
        if head >= 0:
            assert place + 2 + head <= len(data), "a copy that ends beyond the row"
            unpacked += data[place + 1 : place + 2 + head]
        else:
            unpacked += data[place + 1 : place + 2] * (1 - head)
        place += 2 + head if head >= 0 else 2
    return bytes(unpacked)


def unpack_rows(data: bytes, sizes: np.ndarray) -> list[bytes]:
    ends = np.cumsum(sizes)
    assert ends[-1] == len(data)
    return [unpack(data[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


def runs_and_noise(height: int, width: int, alike: float, seed: int) -> np.ndarray:
    """Rows in which a byte is the one before it with the probability `alike`."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 256, (height, width), dtype=np.uint8)
    repeats = random.random((height, width)) < alike
    for x in range(1, width):
        rows[repeats[:, x], x] = rows[repeats[:, x], x - 1]
    return rows


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 6), st.integers(1, 400), st.sampled_from([0, 0.5, 0.9, 0.99, 1]), st.integers(0, 1000))
def test_every_row_comes_back_by_itself(height, width, alike, seed):
    rows = runs_and_noise(height, width, alike, seed)
    assert unpack_rows(*pack_rows(rows)) == [row.tobytes() for row in rows]


@pytest.mark.parametrize("length", [1, 2, 3, 127, 128, 129, 130, 255, 256, 257])
def test_a_run_is_two_bytes_for_each_128(length):
    data, sizes = pack_rows(np.full((2, length), 7, np.uint8))
    assert unpack_rows(data, sizes) == [bytes([7]) * length] * 2
    assert length < 3 or list(sizes) == [2 * -(-length // 128)] * 2


def test_noise_grows_by_one_byte_in_128():
    _, sizes = pack_rows(np.arange(4 * 1280, dtype=np.uint32).astype(np.uint8).reshape(4, 1280))
    assert list(sizes) == [1290] * 4


def test_rows_longer_than_a_band_and_views_are_packed():
    wide = runs_and_noise(2, 300_000, 0.7, 1)
    assert unpack_rows(*pack_rows(wide)) == [row.tobytes() for row in wide]
    channel = runs_and_noise(9, 60, 0.7, 2).reshape(9, 20, 3)[..., 1]
    assert unpack_rows(*pack_rows(channel)) == [row.tobytes() for row in channel]
