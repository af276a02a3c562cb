"""Deflate at the speed of the content: runs and letter frequencies for noise, repeated strings for what repeats."""

from __future__ import annotations

import zlib
from typing import Any, cast

# A compressed share above this says photo: looking for repeated strings costs twice the time there and even adds
# bytes, because a string found breaks up what the letter frequencies would give. Below it the search pays.
NOISY_SHARE = 0.3
NOISE = (1, zlib.Z_RLE)
REPEATS = (4, zlib.Z_DEFAULT_STRATEGY)


def deflate_library() -> Any:
    """zlib-ng where the extra `io` brought it, which is two to three times faster, else Python's own zlib."""
    try:
        from zlib_ng import zlib_ng  # pyright: ignore[reportMissingImports]
    except ImportError:
        return zlib
    return cast(Any, zlib_ng)


class Deflater:
    """A zlib stream (RFC 1950) written piece by piece, whose strategy follows what the last piece was like.

    fast: never look for repeated strings, whatever it costs in size.
    """

    def __init__(self, *, fast: bool = False) -> None:
        self._fast = fast
        self._library = deflate_library()
        self._strategy = NOISE
        self._stream = self._raw_stream()
        self._sum = 1
        self._head = b"\x78\x01"

    def compress(self, data: Any) -> bytes:
        """The next bytes of the stream."""
        self._sum = self._library.adler32(data, self._sum)
        packed: bytes = self._stream.compress(data)
        head, self._head = self._head, b""
        return head + packed + self._adapt(len(data), len(packed))

    def finish(self) -> bytes:
        """The end of the stream."""
        head, self._head = self._head, b""
        return head + self._stream.flush() + self._sum.to_bytes(4, "big")

    def _adapt(self, size: int, packed: int) -> bytes:
        wanted = NOISE if self._fast or packed > NOISY_SHARE * size else REPEATS
        if wanted == self._strategy:
            return b""
        # A flushed piece ends on a whole byte and is not marked as the last, so another stream may go on behind it.
        end: bytes = self._stream.flush(zlib.Z_FULL_FLUSH)
        self._strategy = wanted
        self._stream = self._raw_stream()
        return end

    def _raw_stream(self) -> Any:
        level, strategy = self._strategy
        return self._library.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
