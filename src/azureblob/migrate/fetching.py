"""Bytes of blobs: whole ones side by side, and large ones part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.models import RemoteBlob, Request, Response, md5, quoted
from azureblob.rest.retries import is_transient
from azureblob.rest.transport import Transport

# A part, and a blob that comes in one answer. So many are in memory at a time.
PART_BYTES = 2 * 1024 * 1024
_AT_ONCE = 8
# "Specifying conditional headers": the blob is another, or gone.
_CHANGED = {404, 412}


class Unfetched(Exception):
    """A blob's bytes could not be had; the text says why. `passing`: as it may be with any blob,
    the service being away or busy."""

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


def is_large(blob: RemoteBlob) -> bool:
    return blob.size > PART_BYTES


def whole(
    transport: Transport, blobs: Iterable[tuple[str, RemoteBlob, Any]]
) -> Iterator[tuple[Any, bytes | Unfetched]]:
    """Blobs of one answer each, side by side: the third of each and its bytes, as they come.

    Raises BlobServiceError for what concerns them all.
    """
    requests = (
        Request("GET", path, headers=_unchanged(blob), tag=(blob, tag)) for path, blob, tag in blobs
    )
    for request, answer in transport.run(requests, concurrency=_AT_ONCE):
        blob, tag = request.tag
        try:
            yield tag, _body(answer, blob.size)
        except Unfetched as reason:
            yield tag, reason


def parts(transport: Transport, path: str, blob: RemoteBlob, start: int = 0) -> Iterator[bytes]:
    """A large blob's bytes from `start` on, in order. Raises Unfetched, and BlobServiceError."""
    for first in range(start, blob.size, PART_BYTES * _AT_ONCE):
        window = range(first, min(blob.size, first + PART_BYTES * _AT_ONCE), PART_BYTES)
        requests = [
            Request(
                "GET",
                path,
                headers={**_unchanged(blob), "x-ms-range": f"bytes={begin}-{end - 1}"},
                tag=(begin, end),
            )
            for begin in window
            for end in [min(blob.size, begin + PART_BYTES)]
        ]
        found: dict[int, bytes] = {}
        failure: Unfetched | None = None
        for request, answer in transport.run(requests, concurrency=_AT_ONCE):
            begin, end = request.tag
            try:
                found[begin] = _body(answer, end - begin)
            except Unfetched as reason:
                failure = failure or reason
        if failure:
            raise failure
        for begin in window:
            yield found.pop(begin)


def digest(transport: Transport, path: str, blob: RemoteBlob) -> bytes:
    """The MD5 of a blob's bytes, read for it. Raises Unfetched, and BlobServiceError."""
    found = hashlib.md5(usedforsecurity=False)
    for part in parts(transport, path, blob):
        found.update(part)
    return found.digest()


def digests(
    transport: Transport, blobs: Iterable[tuple[str, RemoteBlob, Any]]
) -> Iterator[tuple[Any, bytes | Unfetched]]:
    """The MD5 of each blob. Raises BlobServiceError."""
    large = []

    def small() -> Iterator[tuple[str, RemoteBlob, Any]]:
        for entry in blobs:
            if is_large(entry[1]):
                large.append(entry)
            else:
                yield entry

    for tag, body in whole(transport, small()):
        yield tag, body if isinstance(body, Unfetched) else md5(body)
    for path, blob, tag in large:
        try:
            yield tag, digest(transport, path, blob)
        except Unfetched as reason:
            yield tag, reason


def _unchanged(blob: RemoteBlob) -> dict[str, str]:
    return {"If-Match": quoted(blob.etag)}


def _body(answer: Response, size: int) -> bytes:
    if is_fatal(answer):
        raise service_error(answer)
    if answer.status in _CHANGED:
        raise Unfetched("it was changed or deleted meanwhile")
    if not answer.ok:
        raise Unfetched(answer.reason, passing=is_transient(answer))
    if len(answer.body) != size:
        raise Unfetched(f"{len(answer.body):,} bytes came of {size:,}")
    return answer.body
