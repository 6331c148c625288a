"""The content of local files and of blobs, read with bounded memory."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from azureblob.migrate.journal import FileProblem
from azureblob.migrate.local_tree import Item
from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.models import (
    RemoteBlob,
    Request,
    Response,
    md5,
    quoted,
)
from azureblob.rest.retries import is_transient
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage, blob_request_headers

T = TypeVar("T")

CHUNK_BYTES = 1024 * 1024
# Files up to this size stay in memory between reading and sending.
_SMALL_FILE_BYTES = 256 * 1024
_HEAD_BYTES = 64 * 1024
_READ_AHEAD = 64
CHANGED = "it changed during the run"

# The size of the largest blob that is read with a single request.
_WHOLE_BLOB_BYTES = 2 * 1024 * 1024


class Ranges(NamedTuple):
    """How a large blob is read: `at_once` concurrent requests of `size` bytes each."""

    size: int
    at_once: int


# A blob by itself needs several requests at once to use the line. With other blobs being read at
# the same time, one is enough, and large ranges cost the service less.
ALONE = Ranges(2 * 1024 * 1024, 8)
AMONG_OTHERS = Ranges(8 * 1024 * 1024, 1)
# Concurrent requests for whole blobs of up to so many bytes. Their bodies are in memory.
_WHOLE_BLOBS_AT_ONCE = ((256 * 1024, 64), (_WHOLE_BLOB_BYTES, 16))
# "Specifying conditional headers": the blob was replaced or deleted.
_BLOB_CHANGED = {404, 412}


# --- Local files ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Content:
    """What a local file contains: `size` in bytes, `md5` (16 bytes), the request `headers` that
    its blob gets, metadata included, and `data`, the bytes of a small file. `stamp` changes when
    the file does."""

    size: int
    md5: bytes
    headers: dict[str, str]
    data: bytes | None
    stamp: tuple[int, int]


def read_file(item: Item, storage: BlobStorage, *, keep: bool) -> Content:
    """Read a file once. `keep` returns the bytes of a small file. Raises FileProblem."""
    digest = hashlib.md5(usedforsecurity=False)
    size, data, head = 0, b"", b""
    try:
        with open(item.file.path, "rb", buffering=0) as file:  # noqa: PTH123 - called per file
            before = _stamp(os.fstat(file.fileno()))
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                if len(data) + len(chunk) <= _SMALL_FILE_BYTES and len(data) == size:
                    data += chunk
                head = head or chunk[:_HEAD_BYTES]
                size += len(chunk)
            after = _stamp(os.fstat(file.fileno()))
    except OSError as error:
        raise FileProblem(f"it cannot be read: {error.strerror or error}") from None
    if before != after or before[0] != size:
        raise FileProblem(CHANGED)
    small = data if keep and size <= _SMALL_FILE_BYTES else None
    return Content(size, digest.digest(), _blob_headers(storage, item.path, head), small, before)


def read_files(
    items: Iterable[Item], storage: BlobStorage, *, keep: bool = False
) -> Iterator[tuple[Item, Content | FileProblem]]:
    """The content of each file, or why it cannot be read, in order; some are read ahead."""
    source = iter(items)
    pending: deque[tuple[Item, Future[Content]]] = deque()
    pool = ThreadPoolExecutor(max(4, os.cpu_count() or 1), "read")
    try:
        while True:
            while len(pending) < _READ_AHEAD and (item := next(source, None)) is not None:
                pending.append((item, pool.submit(read_file, item, storage, keep=keep)))
            if not pending:
                return
            item, future = pending.popleft()
            try:
                yield item, future.result()
            except FileProblem as problem:
                yield item, problem
    finally:
        pool.shutdown(cancel_futures=True)


def has_changed(item: Item, content: Content) -> bool:
    """Whether the file is no longer the one that was read."""
    try:
        return _stamp(Path(item.file.path).stat()) != content.stamp
    except OSError:
        return True


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _blob_headers(storage: BlobStorage, path: str, head: bytes) -> dict[str, str]:
    """The headers that the storage itself would set, by the first bytes of the file."""
    return blob_request_headers(*storage.stored_as(path, io.BytesIO(head)))


# --- Blobs ----------------------------------------------------------------------------------------


def is_large(blob: RemoteBlob) -> bool:
    """Whether reading the blob takes several range requests."""
    return blob.size > _WHOLE_BLOB_BYTES


def read_blobs(
    transport: Transport, blobs: Iterable[tuple[str, RemoteBlob, T]]
) -> Iterator[tuple[T, bytes | FileProblem]]:
    """The bytes of small blobs, given as path, blob and a tag, as they arrive: the tag of each with
    its bytes, or why they cannot be read. Raises BlobServiceError if no request can succeed."""
    entries = list(blobs)
    above = -1
    for size, at_once in _WHOLE_BLOBS_AT_ONCE:
        requests = (
            Request("GET", path, headers=_if_match(blob), tag=(blob, tag))
            for path, blob, tag in entries
            if above < blob.size <= size
        )
        for request, response in transport.run(requests, concurrency=at_once):
            blob, tag = request.tag
            try:
                yield tag, _body(response, blob.size)
            except FileProblem as problem:
                yield tag, problem
        above = size


def read_ranges(
    transport: Transport, path: str, blob: RemoteBlob, start: int = 0, ranges: Ranges = ALONE
) -> Iterator[bytes]:
    """The bytes of a large blob from `start`, in order. Raises FileProblem and
    BlobServiceError."""
    for first in range(start, blob.size, ranges.size * ranges.at_once):
        last = min(blob.size, first + ranges.size * ranges.at_once)
        window = range(first, last, ranges.size)
        requests = []
        for begin in window:
            end = min(blob.size, begin + ranges.size)
            headers = {**_if_match(blob), "x-ms-range": f"bytes={begin}-{end - 1}"}
            requests.append(Request("GET", path, headers=headers, tag=(begin, end)))
        received: dict[int, bytes] = {}
        failure: FileProblem | None = None
        for request, response in transport.run(requests, concurrency=ranges.at_once):
            begin, end = request.tag
            try:
                received[begin] = _body(response, end - begin)
            except FileProblem as problem:
                failure = failure or problem
        if failure:
            raise failure
        # Else the last range stays in memory while the next ones are read.
        del response
        for begin in window:
            yield received.pop(begin)


def blob_digests(
    transport: Transport, blobs: Iterable[tuple[str, RemoteBlob, T]]
) -> Iterator[tuple[T, bytes | FileProblem]]:
    """The MD5 of each blob, computed from its bytes, or why they cannot be read. Raises
    BlobServiceError if no request can succeed."""
    large = []

    def small() -> Iterator[tuple[str, RemoteBlob, T]]:
        for entry in blobs:
            if is_large(entry[1]):
                large.append(entry)
            else:
                yield entry

    for tag, body in read_blobs(transport, small()):
        yield tag, body if isinstance(body, FileProblem) else md5(body)
    for path, blob, tag in large:
        digest = hashlib.md5(usedforsecurity=False)
        try:
            for part in read_ranges(transport, path, blob):
                digest.update(part)
            yield tag, digest.digest()
        except FileProblem as problem:
            yield tag, problem


def _if_match(blob: RemoteBlob) -> dict[str, str]:
    return {"If-Match": quoted(blob.etag)}


def _body(response: Response, size: int) -> bytes:
    if is_fatal(response):
        raise service_error(response)
    if response.status in _BLOB_CHANGED:
        raise FileProblem("it was changed or deleted during the run")
    if not response.ok:
        raise FileProblem(response.reason, transient=is_transient(response))
    if len(response.body) != size:
        raise FileProblem(f"{len(response.body):,} of {size:,} bytes arrived")
    return response.body
