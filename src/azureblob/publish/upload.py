"""Blobs on their way: each change made a request, its body read and packed while others travel."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from azureblob.publish.files import LocalFile, content, read_local
from azureblob.publish.headers import GZIP, Headers, is_worthwhile, packed
from azureblob.publish.plan import Change, Wanted
from azureblob.rest import blocks
from azureblob.rest.body import EMPTY, Body, Bytes, FilePart
from azureblob.rest.errors import PublishError, concerns_all, explain
from azureblob.rest.listing import SOURCE_MD5
from azureblob.rest.models import Answer, Request, md5
from azureblob.rest.transport import Transport

# Up to here a body is held in memory; 64 and a few more of these are on their way at a time.
_IN_MEMORY = 256 * 1024
_AHEAD = 64
_CHUNK = 1024 * 1024
# From here on a blob goes in blocks, which an interrupted publish need not send again.
BLOCKS_FROM = 64 * 1024 * 1024

_CHANGED = "it changed while it was being published"
Done = Callable[[Change, str], None]


class FileChanged(Exception):
    """A file is another than when its name and digest were taken."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was being published")


def send(
    changes: Iterable[Change],
    transport: Transport,
    scratch: Path,
    done: Done,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Make all changes. `done` is called with each one, and why it failed, or an empty text. Once
    `enough` is true no further ones are begun. Raises PublishError for what concerns them all.

    Large files follow the others, one after another, each in blocks side by side.
    """
    large: list[Change] = []
    small: list[Change] = []
    for change in changes:
        big = change.kind == "send" and change.wanted.file.size > BLOCKS_FROM
        (large if big else small).append(change)
    with ThreadPoolExecutor(os.cpu_count() or 1, "pack") as pool:
        requests = _prepared(small, pool, scratch, done)
        for request, answer in transport.run(itertools.takewhile(lambda _: not enough(), requests)):
            if concerns_all(answer):
                raise PublishError(explain(answer))
            done(request.tag, _failure(request, answer))
    for change in large:
        if not enough():
            done(change, _send_large(change, transport, scratch))


def _prepared(
    changes: list[Change], pool: ThreadPoolExecutor, scratch: Path, done: Done
) -> Iterator[Request]:
    """The requests in order. A few bodies are packed ahead, so that memory stays flat.

    What is not packed is read by this thread when its turn comes: to hand it to another and back
    would take longer.
    """
    waiting: deque[tuple[Change, Future[Request] | None]] = deque()
    source = iter(changes)
    while True:
        while len(waiting) < _AHEAD and (change := next(source, None)) is not None:
            packs = change.kind == "send" and change.wanted.gzip
            waiting.append((change, pool.submit(_request, change, scratch) if packs else None))
        if not waiting:
            return
        change, request = waiting.popleft()
        try:
            yield request.result() if request else _request(change, scratch)
        except (OSError, FileChanged) as error:
            done(change, _told(error))


def _request(change: Change, scratch: Path) -> Request:
    """Raises OSError and FileChanged."""
    wanted = change.wanted
    if change.kind == "headers":
        return _headers_request(change)
    body, encoding, digest = _body(wanted, scratch)
    return Request(
        "PUT",
        wanted.name,
        headers={
            "x-ms-blob-type": "BlockBlob",
            # The service refuses a body that is not this one.
            "Content-MD5": base64.b64encode(digest).decode(),
            **_blob_headers(wanted.headers, encoding),
            **_note(wanted),
        },
        body=body,
        tag=change,
    )


def _headers_request(change: Change) -> Request:
    """Set Blob Properties: what is left out of it would be cleared, the digest as well."""
    there = change.remote
    assert there is not None  # noqa: S101 - for the type checker: the plan sets it
    return Request(
        "PUT",
        change.wanted.name,
        query={"comp": "properties"},
        headers={
            **_blob_headers(change.wanted.headers, there.content_encoding),
            **({"x-ms-blob-content-md5": there.md5} if there.md5 else {}),
        },
        body=EMPTY,
        tag=change,
    )


@lru_cache(maxsize=256)
def _blob_headers(headers: Headers, encoding: str) -> Mapping[str, str]:
    values = {
        "x-ms-blob-content-type": headers.content_type,
        "x-ms-blob-cache-control": headers.cache_control,
        "x-ms-blob-content-encoding": headers.content_encoding or encoding,
        "x-ms-blob-content-language": headers.content_language,
        "x-ms-blob-content-disposition": headers.content_disposition,
    }
    return {name: value for name, value in values.items() if value}


def _note(wanted: Wanted) -> dict[str, str]:
    return {f"x-ms-meta-{SOURCE_MD5}": wanted.file.md5.hex()} if wanted.gzip else {}


def _body(wanted: Wanted, scratch: Path) -> tuple[Body, str, bytes]:
    """What is sent of the file: the body, its Content-Encoding, and its MD5."""
    file = wanted.file
    if file.size > _IN_MEMORY:
        small = _packed_file(file, scratch) if wanted.gzip else None
        sent = small or file
        return FilePart(Path(sent.path), 0, sent.size), GZIP if small else "", sent.md5
    data = content(file)
    small_data = packed(data) if wanted.gzip else None
    if small_data is None:
        return Bytes(data), "", file.md5  # the service compares
    if md5(data) != file.md5:
        raise FileChanged(file.path)
    return Bytes(small_data), GZIP, md5(small_data)


def _packed_file(file: LocalFile, scratch: Path) -> LocalFile | None:
    """The file packed into another; None if that saves too little. Raises FileChanged."""
    digest = hashlib.md5(usedforsecurity=False)
    descriptor, path = tempfile.mkstemp(suffix=".gz", dir=scratch)
    with (
        open(file.path, "rb") as source,  # noqa: PTH123
        os.fdopen(descriptor, "wb") as target,
        # No name and no time, so that the bytes are the same in each run and a block is found again
        gzip.GzipFile("", "wb", 6, target, mtime=0) as packer,
    ):
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            packer.write(chunk)
    if digest.digest() != file.md5:
        raise FileChanged(file.path)
    made = read_local(path)
    if is_worthwhile(made.size, file.size):
        return made
    Path(path).unlink()
    return None


def _failure(request: Request, answer: Answer) -> str:
    if answer.ok:
        return ""
    # The service compares digests; Azure says Md5Mismatch, and other servers other things.
    if answer.status in {0, 400} and _has_changed(request.tag.wanted.file):
        return _CHANGED
    tries = f", {request.attempts} attempts" if request.attempts > 1 else ""
    return f"{answer.reason}{tries}"


def _send_large(change: Change, transport: Transport, scratch: Path) -> str:
    """In blocks; why it failed, or nothing."""
    wanted = change.wanted
    try:
        body, encoding, digest = _body(wanted, scratch)
        assert isinstance(body, FilePart)  # noqa: S101 - for the type checker: it is large
        headers = {**_blob_headers(wanted.headers, encoding), **_note(wanted)}
        answer = blocks.put(transport, wanted.name, body, digest, headers)
    except (OSError, FileChanged) as error:
        return _told(error)
    return "" if answer.ok else answer.reason


def _told(error: OSError | FileChanged) -> str:
    if isinstance(error, OSError):
        return f"it cannot be read: {error.strerror or error}"
    return _CHANGED


def _has_changed(file: LocalFile) -> bool:
    try:
        return read_local(file.path).md5 != file.md5
    except OSError:
        return False  # which has a reason of its own
