"""A file on this machine as it is to be published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_CHUNK = 128 * 1024


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Where a blob's bytes lie (`path`), their number (`size`) and digest (`md5`, 16 bytes)."""

    path: str
    size: int
    md5: bytes


def read_local(path: str) -> LocalFile:
    """Read a file once for its size and digest; flat in memory. Raises OSError."""
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - this is most of an unchanged run
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return LocalFile(path, size, digest.digest())
