"""Sending files to the container and fetching blobs into the folder, each checked by its MD5."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Event, Lock
from typing import IO

from azureblob.migrate.content import (
    ALONE,
    AMONG_OTHERS,
    CHANGED,
    CHUNK_BYTES,
    Content,
    Ranges,
    has_changed,
    is_large,
    read_blobs,
    read_file,
    read_files,
    read_ranges,
)
from azureblob.migrate.journal import FileProblem, Journal, Outcome
from azureblob.migrate.local_tree import Destination, Item, is_special, rename_part
from azureblob.progress import Progress
from azureblob.rest.blocks import BLOCKS_FROM_BYTES, put_blocks
from azureblob.rest.errors import BlobServiceError, is_fatal, service_error
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import Bytes, FilePart, RemoteBlob, Request, Response, md5, put_blob
from azureblob.rest.retries import is_transient
from azureblob.rest.transport import Limits, Transport
from azureblob.storage import BlobStorage

# After this many transient failures in a row the service is down, and every further file would
# spend all its attempts.
ENOUGH_FAILURES = 64
_LARGE_FILES_AT_ONCE = 3
# "Specifying conditional headers": another process wrote the blob first, or the response to our own
# request was lost.
_TAKEN = {"BlobAlreadyExists", "ConditionNotMet"}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_SENT_STAYS = "What was sent stays; run the command again to send the rest."
_FETCHED_STAYS = "What was fetched stays; run the command again to fetch the rest."


class _Transfer:
    """What sending and fetching share: recording failures, and giving up when the service is
    down."""

    def __init__(self, transport: Transport, journal: Journal, progress: Progress) -> None:
        self._transport = transport
        self._journal = journal
        self._progress = progress
        self._failures = self._failures_in_a_row = 0

    @property
    def _service_is_down(self) -> bool:
        return self._failures_in_a_row >= ENOUGH_FAILURES

    def _fail(self, item: Item, problem: FileProblem) -> None:
        self._failures += 1
        self._failures_in_a_row = self._failures_in_a_row + 1 if problem.transient else 0
        self._journal.add_problem(problem, item.file.name, item.file.size)

    def _give_up(self, left: int, verb: str, stays: str) -> BlobServiceError:
        return BlobServiceError(
            f"{ENOUGH_FAILURES} files failed one after another; {left:,} were not {verb}. {stays}"
        )


class Upload(_Transfer):
    """Sends items with their MD5, so that the service refuses corrupted bytes, and only if no other
    process wrote the blob since the container was listed."""

    def __init__(
        self, storage: BlobStorage, transport: Transport, journal: Journal, progress: Progress
    ) -> None:
        super().__init__(transport, journal, progress)
        self._storage = storage
        # Size and MD5 of what the service stored, or may have stored; the closing list decides.
        self._sent: dict[str, tuple[Item, int, bytes]] = {}

    def run(self, items: list[Item]) -> dict[str, RemoteBlob]:
        """Send all items, list the container again, check it for what was sent, and return it.
        Raises BlobServiceError.

        Large files come last, one after another, each in concurrent blocks.
        """
        small = [item for item in items if item.file.size <= BLOCKS_FROM_BYTES]
        large = [item for item in items if item.file.size > BLOCKS_FROM_BYTES]
        try:
            for request, response in self._transport.run(self._requests(small)):
                item, content = request.tag
                self._finish(item, content, response, request.attempts)
                self._progress.add(item.file.size)
                if self._service_is_down:
                    break
            for item in large:
                if not self._service_is_down:
                    self._send_large(item)
        finally:
            self._progress.clear()
        remote = list_blobs(self._transport)
        self._check(remote)
        if self._service_is_down:
            left = len(items) - len(self._sent) - self._failures
            raise self._give_up(left, "sent", _SENT_STAYS)
        return remote

    def _requests(self, items: list[Item]) -> Iterator[Request]:
        for item, content in read_files(items, self._storage, keep=True):
            if isinstance(content, FileProblem):
                self._fail(item, content)
                continue
            body = (
                FilePart(Path(item.file.path), 0, content.size)
                if content.data is None
                else Bytes(content.data)
            )
            headers = {**content.headers, **_condition(item)}
            yield put_blob(item.path, body, content.md5, headers, tag=(item, content))

    def _send_large(self, item: Item) -> None:
        shown = 0

        def sent(size: int) -> None:
            nonlocal shown
            shown += size
            self._progress.add(size, files=0)

        try:
            content = read_file(item, self._storage, keep=False)
            response = put_blocks(
                self._transport,
                item.path,
                FilePart(Path(item.file.path), 0, content.size),
                content.md5,
                {**content.headers, **_condition(item)},
                sent,
            )
            self._finish(item, content, response, 1)
        except FileProblem as problem:
            self._fail(item, problem)
        except OSError as error:
            self._fail(item, FileProblem(f"it cannot be read: {error.strerror or error}"))
        self._progress.add(item.file.size - shown)

    def _finish(self, item: Item, content: Content, response: Response, attempts: int) -> None:
        if is_fatal(response):
            raise service_error(response, "Sending stopped; what was sent stays.")
        if response.ok or response.code in _TAKEN:
            if has_changed(item, content):
                reason = f"{CHANGED}, after it was sent: run again with --overwrite"
                self._fail(item, FileProblem(reason))
            else:
                self._failures_in_a_row = 0
                self._sent[item.path] = (item, content.size, content.md5)
        elif response.status in {0, 400} and has_changed(item, content):
            self._fail(item, FileProblem(CHANGED))
        else:
            tries = f", {attempts} attempts" if attempts > 1 else ""
            problem = FileProblem(f"{response.reason}{tries}", transient=is_transient(response))
            self._fail(item, problem)

    def _check(self, remote: Mapping[str, RemoteBlob]) -> None:
        """Record what the service has of the files that were sent."""
        for path, (item, size, digest) in self._sent.items():
            blob = remote.get(path)
            if blob is None:
                reason = "it was sent, but is not in the container"
                self._journal.add(Outcome.FAILED, item.file.name, reason, size)
            elif (blob.size, blob.md5) == (size, base64.b64encode(digest).decode()):
                self._journal.add(Outcome.DONE, item.file.name, size=size)
            else:
                reason = "another process stored a different file under this name"
                self._journal.add(Outcome.CONFLICT, item.file.name, reason, size)


def _condition(item: Item) -> dict[str, str]:
    return {"If-Match": item.etag} if item.etag else {"If-None-Match": "*"}


class Download(_Transfer):
    """Fetches items whose blobs are in `remote`. An existing file is replaced only if the item has
    an `etag`."""

    def __init__(
        self,
        destination: Destination,
        transport: Transport,
        remote: Mapping[str, RemoteBlob],
        journal: Journal,
        progress: Progress,
    ) -> None:
        super().__init__(transport, journal, progress)
        self._destination = destination
        self._remote = remote
        self._showing = Lock()
        self._stopped = Event()

    def run(self, items: list[Item]) -> None:
        """Raises BlobServiceError if no request can succeed, or the disk cannot be written to.

        Small files come first; then large ones, some at a time.
        """
        large: list[Item] = []
        left = len(items)
        try:
            for item, body in read_blobs(self._transport, self._small(items, large)):
                left -= 1
                self._store(item, partial(self._write, item, body))
                if self._service_is_down:
                    break
            rest = [] if self._service_is_down else large
            with closing(self._fetch_side_by_side(rest)) as fetched:
                for item, result in fetched:
                    left -= 1
                    self._store(item, result)
                    if self._service_is_down:
                        break
        finally:
            self._progress.clear()
        if self._service_is_down:
            raise self._give_up(left, "fetched", _FETCHED_STAYS)

    def _small(
        self, items: list[Item], large: list[Item]
    ) -> Iterator[tuple[str, RemoteBlob, Item]]:
        for item in items:
            blob = self._remote[item.path]
            if is_large(blob):
                large.append(item)
            else:
                yield item.path, blob, item

    def _store(self, item: Item, work: Callable[[], None]) -> None:
        """Record the outcome of `work`, which writes the file or raises why it could not."""
        blob = self._remote[item.path]
        name = item.file.name
        try:
            work()
            self._failures_in_a_row = 0
            self._journal.add(Outcome.DONE, name, size=blob.size)
            if not blob.md5:
                self._journal.add(Outcome.UNPROVEN, name, size=blob.size)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise BlobServiceError(
                    f"The folder cannot be written to: {error.strerror}. {_FETCHED_STAYS}"
                ) from None
            self._fail(item, FileProblem(f"it cannot be written: {error.strerror or error}"))
        except FileProblem as problem:
            self._fail(item, problem)

    def _write(self, item: Item, body: bytes | FileProblem) -> None:
        if isinstance(body, FileProblem):
            raise body
        blob = self._remote[item.path]
        _check_md5(md5(body), blob)
        path, part = self._destination.part(item.file.name, item.path)
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
            file.write(body)
        rename_part(part, path, replace=bool(item.etag))
        self._progress.add(blob.size)

    def _fetch_side_by_side(
        self, items: list[Item]
    ) -> Generator[tuple[Item, Callable[[], None]], None, None]:
        """Fetch large files, each in a thread with connections of its own. Yields each item when
        its file is finished, with a function that raises what went wrong.

        Stopping early makes the threads stop at the next range.
        """
        if not items:
            return
        threads = min(_LARGE_FILES_AT_ONCE, len(items), self._transport.connections)
        ranges = ALONE if threads == 1 else AMONG_OTHERS
        transports = Queue[Transport]()
        with ExitStack() as stack:
            for _ in range(threads):
                transport = self._transport.with_attempts(Limits.attempts)
                transports.put(stack.enter_context(transport))

            def fetch(item: Item) -> None:
                transport = transports.get()
                try:
                    self._fetch_large(item, transport, ranges)
                finally:
                    transports.put(transport)

            pool = stack.enter_context(ThreadPoolExecutor(threads, "fetch"))
            futures = {pool.submit(fetch, item): item for item in items}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result
            finally:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)

    def _fetch_large(self, item: Item, transport: Transport, ranges: Ranges) -> None:
        """Continue the download of an interrupted run, if the MD5 shows that it was of this
        blob."""
        blob = self._remote[item.path]
        path, part = self._destination.part(item.file.name, item.path)
        if not blob.md5 or is_special(part):
            part.unlink(missing_ok=True)
        digest = hashlib.md5(usedforsecurity=False)
        with part.open("ab+") as file:
            start = _resume(file, blob, digest)
            self._show(start)
            for data in read_ranges(transport, item.path, blob, start, ranges):
                file.write(data)
                digest.update(data)
                self._show(len(data))
                if self._stopped.is_set():
                    raise FileProblem("the run was stopped")
                del data  # before the next range is read
        try:
            _check_md5(digest.digest(), blob)
        except FileProblem:
            part.unlink()
            if not start:
                raise
            self._fetch_large(item, transport, ranges)  # the interrupted one was of another blob
            return
        self._show(0, files=1)
        rename_part(part, path, replace=bool(item.etag))

    def _show(self, size: int, files: int = 0) -> None:
        """Count progress from any thread."""
        with self._showing:
            self._progress.add(size, files)


def _resume(file: IO[bytes], blob: RemoteBlob, digest: hashlib._Hash) -> int:
    """How many bytes of the blob an interrupted run left in the file; updates the digest."""
    if file.seek(0, os.SEEK_END) > blob.size:
        file.truncate(0)
    file.seek(0)
    size = 0
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return size


def _check_md5(digest: bytes, blob: RemoteBlob) -> None:
    """Raises FileProblem."""
    if blob.md5 and base64.b64decode(blob.md5) != digest:
        raise FileProblem("the downloaded bytes do not match its MD5")
