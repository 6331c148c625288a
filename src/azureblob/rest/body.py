"""What a request carries: bytes in memory, or a part of a file that is read as it is sent."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Bytes:
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> IO[bytes]:
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class FilePart:
    """`size` bytes of a file from `offset` on. Opened anew for each attempt."""

    path: Path
    offset: int
    size: int

    def open(self) -> IO[bytes]:
        file = self.path.open("rb")
        file.seek(self.offset)
        return file


Body = Bytes | FilePart
EMPTY = Bytes(b"")
