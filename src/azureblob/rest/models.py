"""What is asked of the blob service, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from azureblob.rest.body import EMPTY, Body

_BLOCK_BYTES = 8 * 1024 * 1024
# "Put Block": a blob has at most 50,000 blocks.
_MOST_BLOCKS = 50_000


@dataclass(slots=True)
class Request:
    """`blob` is the name, unencoded; empty for the container itself. `tag` is the caller's own."""

    method: str
    blob: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY
    tag: Any = None
    attempts: int = 0


@dataclass
class Answer:
    """`status` 0 means that none came, and `failure` says why. `head` has the lines as they came:
    of thousands of answers that say no more than 201, nobody reads further. `container` is the
    name of the one that was asked, empty if nothing was sent."""

    status: int
    head: Sequence[bytes] = ()
    body: bytes = b""
    failure: str = ""
    container: str = ""

    @cached_property
    def headers(self) -> dict[str, str]:
        """By their names in lower case."""
        found: dict[str, str] = {}
        for line in self.head:
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                found[name.lower()] = value.strip()
        return found

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The service's own word for what went wrong, such as `ServerBusy`."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def reason(self) -> str:
        """For a person; no header and no address in it."""
        if not self.status:
            return self.failure
        return f"{self.code} (status {self.status})" if self.code else f"status {self.status}"


def block_size(size: int) -> int:
    """The size in bytes of each block of a blob of `size` bytes."""
    return max(_BLOCK_BYTES, -(-size // _MOST_BLOCKS))


def quoted(etag: str) -> str:
    """The ETag as conditional headers need it; List Blobs returns it without quotes."""
    return etag if etag.startswith('"') else f'"{etag}"'


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
