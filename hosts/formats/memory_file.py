"""A file that lies in memory, such as an entry of an archive, in the place of a path."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal


@dataclass(frozen=True)
class MemoryFile:
    """Bytes with the name that messages call them by; opened and read as a `Path` is."""

    name: str
    data: bytes = field(repr=False)

    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO:
        """The bytes as a file of their own."""
        return io.BytesIO(self.data)

    def read_bytes(self) -> bytes:
        """All of it."""
        return self.data

    def __str__(self) -> str:
        return self.name


PictureFile = Path | MemoryFile


def byte_count(file: PictureFile) -> int:
    """How many bytes the file has."""
    return len(file.data) if isinstance(file, MemoryFile) else file.stat().st_size
