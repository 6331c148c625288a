"""Files read once, several side by side: digest, headers, and the bytes of small ones."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from azureblob.migrate.local_tree import SourceFile
from azureblob.storage import BlobStorage

_CHUNK = 1024 * 1024
# Up to here the bytes are kept; of these and of a few more files on their way memory is made up.
KEPT_BYTES = 256 * 1024
_HEAD_BYTES = 64 * 1024
_AHEAD = 64
CHANGED = "it changed meanwhile"
_ON_THE_WIRE = {
    "content_type": "x-ms-blob-content-type",
    "cache_control": "x-ms-blob-cache-control",
    "content_encoding": "x-ms-blob-content-encoding",
    "content_language": "x-ms-blob-content-language",
    "content_disposition": "x-ms-blob-content-disposition",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A file and the blob that it is to be, or is, `path`; `etag` is that of a blob to replace."""

    file: SourceFile
    path: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: `size` in bytes, `md5` (16 bytes), the `headers` of its blob, metadata
    among them, all bytes of a small file as `data`, and a `stamp` that another content changes."""

    size: int
    md5: bytes
    headers: dict[str, str]
    data: bytes | None
    stamp: tuple[int, int]


class Unreadable(Exception):
    """The text says why."""


def read(item: Item, storage: BlobStorage, *, keep: bool) -> Content:
    """Raises Unreadable. `keep`: the bytes of a small file are wanted."""
    digest = hashlib.md5(usedforsecurity=False)
    size, data, head = 0, b"", b""
    try:
        with open(item.file.path, "rb", buffering=0) as file:  # noqa: PTH123 - one for each file
            before = _stamp(os.fstat(file.fileno()))
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if len(data) + len(chunk) <= KEPT_BYTES and len(data) == size:
                    data += chunk
                head = head or chunk[:_HEAD_BYTES]
                size += len(chunk)
            after = _stamp(os.fstat(file.fileno()))
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror or error}") from None
    if before != after or before[0] != size:
        raise Unreadable(CHANGED)
    kept = data if keep and size <= KEPT_BYTES else None
    return Content(size, digest.digest(), _headers(storage, item.path, head), kept, before)


def has_changed(item: Item, content: Content) -> bool:
    """Whether the file is another than when it was read."""
    try:
        return _stamp(Path(item.file.path).stat()) != content.stamp
    except OSError:
        return True


def read_all(
    items: Iterable[Item], storage: BlobStorage, *, keep: bool = False
) -> Iterator[tuple[Item, Content | Unreadable]]:
    """Each with its content or why there is none, in order; a few are read ahead."""
    source = iter(items)
    waiting: deque[tuple[Item, Future[Content]]] = deque()
    pool = ThreadPoolExecutor(max(4, os.cpu_count() or 1), "read")
    try:
        while True:
            while len(waiting) < _AHEAD and (item := next(source, None)) is not None:
                waiting.append((item, pool.submit(read, item, storage, keep=keep)))
            if not waiting:
                return
            item, future = waiting.popleft()
            try:
                yield item, future.result()
            except Unreadable as reason:
                yield item, reason
    finally:
        pool.shutdown(cancel_futures=True)


def _stamp(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _headers(storage: BlobStorage, path: str, head: bytes) -> dict[str, str]:
    """As the storage would store it, by what it begins with."""
    settings, metadata = storage.stored_as(path, io.BytesIO(head))
    found = {
        wire: str(getattr(settings, name))
        for name, wire in _ON_THE_WIRE.items()
        if getattr(settings, name, None)
    }
    return {**found, **{f"x-ms-meta-{name}": value for name, value in (metadata or {}).items()}}
