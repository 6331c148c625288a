"""Uploading: each change becomes a request, and bodies are compressed while others are sent."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from pathlib import Path

from azureblob.publish.compression import FileChanged, compressed, compressed_file
from azureblob.publish.discovery import LocalFile, content, read_local
from azureblob.publish.headers import GZIP, SOURCE_MD5, Headers
from azureblob.publish.plan import Change, Wanted
from azureblob.rest.blocks import BLOCKS_FROM_BYTES, put_blocks
from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.models import (
    BLOB_HEADERS,
    Body,
    Bytes,
    FilePart,
    Request,
    Response,
    blob_headers,
    md5,
    metadata_headers,
    put_blob,
    set_properties,
)
from azureblob.rest.transport import Transport

# Larger bodies stay in a file.
_MAX_IN_MEMORY = 256 * 1024
# What a thread compresses in one task, since a task costs as much as a small file: up to so many
# files, and bytes before compression.
_BATCH = 16
_BATCH_BYTES = 128 * 1024
# Batches that are compressed or waiting to be sent, for each thread, and further ones.
_AHEAD_PER_THREAD = 2
_AHEAD = 8

_CHANGED = "it changed while it was being published"
Done = Callable[[Change, str], None]
_Prepared = tuple[Change, Request | OSError | FileChanged]


def upload(
    changes: Iterable[Change],
    transport: Transport,
    scratch: Path,
    done: Done,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Make all changes. `done` is called with each change and the reason why it failed, which is
    empty if it did not. No further change is begun once `stop` returns true. Raises
    BlobServiceError for an error that would repeat for all.

    Large files are sent after the others, one at a time, each in concurrent blocks.
    """
    large: list[Change] = []
    small: list[Change] = []
    for change in changes:
        is_large = change.kind == "send" and change.wanted.file.size > BLOCKS_FROM_BYTES
        (large if is_large else small).append(change)
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads, "compress") as pool:
        ahead = _AHEAD + _AHEAD_PER_THREAD * threads
        requests = _prepare(small, pool, ahead, scratch, done)
        for request, response in transport.run(itertools.takewhile(lambda _: not stop(), requests)):
            if is_fatal(response):
                raise service_error(response)
            done(request.tag, _failure(request, response))
    for change in large:
        if not stop():
            done(change, _upload_large(change, transport, scratch))


def _prepare(
    changes: list[Change], pool: ThreadPoolExecutor, ahead: int, scratch: Path, done: Done
) -> Iterator[Request]:
    """The requests, those that are ready first. Only `ahead` batches are compressed before they are
    sent, so memory stays flat.

    A body that is not compressed is read by this thread, which is quicker than handing it to
    another and back. These are sent while no compressed body is ready.
    """
    batches = _batches(change for change in changes if _compresses(change))
    others = (change for change in changes if not _compresses(change))
    compressing: list[Future[list[_Prepared]]] = []
    while True:
        while len(compressing) < ahead and (batch := next(batches, None)):
            compressing.append(pool.submit(_prepare_batch, batch, scratch))
        ready = next((one for one in compressing if one.done()), None)
        if ready is not None:
            compressing.remove(ready)
            prepared = ready.result()
        elif (change := next(others, None)) is not None:
            prepared = _prepare_batch([change], scratch)
        elif compressing:
            wait(compressing, return_when=FIRST_COMPLETED)
            continue
        else:
            return
        for change, request in prepared:
            if isinstance(request, Request):
                yield request
            else:
                done(change, _reason(request))


def _compresses(change: Change) -> bool:
    return change.kind == "send" and change.wanted.gzip


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    batch: list[Change] = []
    size = 0
    for change in changes:
        batch.append(change)
        size += change.wanted.file.size
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _prepare_batch(batch: list[Change], scratch: Path) -> list[_Prepared]:
    prepared: list[_Prepared] = []
    for change in batch:
        try:
            prepared.append((change, _request(change, scratch)))
        except (OSError, FileChanged) as error:
            prepared.append((change, error))
    return prepared


def _request(change: Change, scratch: Path) -> Request:
    """Raises OSError and FileChanged."""
    wanted = change.wanted
    if change.remote is not None:
        encoding = change.remote.content_encoding
        headers = _blob_headers(wanted.headers, encoding)
        return set_properties(wanted.name, change.remote, headers, change)
    body, encoding, digest = _body(wanted, scratch)
    headers = {**_blob_headers(wanted.headers, encoding), **_metadata(wanted)}
    return put_blob(wanted.name, body, digest, headers, change)


@lru_cache(maxsize=256)
def _blob_headers(headers: Headers, encoding: str) -> Mapping[str, str]:
    """`encoding` is that of the body, if the publish compressed it."""
    values = {header.attribute: getattr(headers, header.attribute) for header in BLOB_HEADERS}
    return blob_headers({**values, "content_encoding": headers.content_encoding or encoding})


def _metadata(wanted: Wanted) -> dict[str, str]:
    return metadata_headers({SOURCE_MD5: wanted.file.md5.hex()}) if wanted.gzip else {}


def _body(wanted: Wanted, scratch: Path) -> tuple[Body, str, bytes]:
    """What is sent for the file: the body, its Content-Encoding, and its MD5."""
    file = wanted.file
    if file.size > _MAX_IN_MEMORY:
        small = compressed_file(file, scratch) if wanted.gzip else None
        sent = small or file
        return FilePart(Path(sent.path), 0, sent.size), GZIP if small else "", sent.md5
    data = content(file)
    small_data = compressed(data) if wanted.gzip else None
    if small_data is None:
        return Bytes(data), "", file.md5  # the service compares the MD5
    if md5(data) != file.md5:
        raise FileChanged
    return Bytes(small_data), GZIP, md5(small_data)


def _failure(request: Request, response: Response) -> str:
    """Why a change failed, or empty."""
    if response.ok:
        return ""
    # The service compares MD5s. Azure's code for it is Md5Mismatch; other servers have others.
    if response.status in {0, 400} and _has_changed(request.tag.wanted.file):
        return _CHANGED
    attempts = f", {request.attempts} attempts" if request.attempts > 1 else ""
    return f"{response.reason}{attempts}"


def _upload_large(change: Change, transport: Transport, scratch: Path) -> str:
    """Send a file in blocks. Returns why that failed, or empty."""
    wanted = change.wanted
    try:
        body, encoding, digest = _body(wanted, scratch)
        assert isinstance(body, FilePart)  # noqa: S101 - for the type checker: it is large
        headers = {**_blob_headers(wanted.headers, encoding), **_metadata(wanted)}
        response = put_blocks(transport, wanted.name, body, digest, headers)
    except (OSError, FileChanged) as error:
        return _reason(error)
    return "" if response.ok else response.reason


def _reason(error: OSError | FileChanged) -> str:
    if isinstance(error, OSError):
        return f"it cannot be read: {error.strerror or error}"
    return _CHANGED


def _has_changed(file: LocalFile) -> bool:
    try:
        return file.start is None and read_local(file.path).md5 != file.md5
    except OSError:
        return False  # the error has its own reason
