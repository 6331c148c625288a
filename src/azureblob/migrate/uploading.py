"""Files on their way into the container: what is new, what is to be replaced, and the proof."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

from azureblob.explanations import explain
from azureblob.migrate.reader import (
    CHANGED,
    Content,
    Item,
    Unreadable,
    has_changed,
    read,
    read_all,
)
from azureblob.migrate.report import Kind, Report
from azureblob.progress import Progress
from azureblob.publish.upload import BLOCKS_FROM
from azureblob.rest.blocks import put_blocks
from azureblob.rest.errors import BlobServiceError, is_fatal, service_error
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import Bytes, FilePart, RemoteBlob, Request, Response
from azureblob.rest.retries import is_transient
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage

# So many do not fail because of what they are: the service is away, and each would try and wait.
ENOUGH_FAILURES = 64
# "Specifying conditional headers": somebody was quicker, or an answer of ours was lost.
_TAKEN = {"BlobAlreadyExists", "ConditionNotMet"}
STAYS = "What was sent stays; the next run sends what is missing."


class Upload:
    """Sends items, each with its MD5, so that the service refuses other bytes, and on the condition
    that nobody has written the blob since the container was listed."""

    def __init__(
        self, storage: BlobStorage, transport: Transport, report: Report, progress: Progress
    ) -> None:
        self._storage = storage
        self._channel = transport
        self._report = report
        self._progress = progress
        # Size and MD5 of what the service has taken, or may have; the list in the end decides.
        self._sent: dict[str, tuple[Item, int, bytes]] = {}
        self._failures = self._in_a_row = 0

    @property
    def _enough(self) -> bool:
        return self._in_a_row >= ENOUGH_FAILURES

    def run(self, items: list[Item]) -> dict[str, RemoteBlob]:
        """Send all, and hold what was sent against a new list of the container, which is returned.
        Raises BlobServiceError.

        Large files follow the others, one after another, each in blocks side by side.
        """
        small = [item for item in items if item.file.size <= BLOCKS_FROM]
        large = [item for item in items if item.file.size > BLOCKS_FROM]
        try:
            for request, answer in self._channel.run(self._requests(small)):
                item, content = request.tag
                self._answered(item, content, answer, request.attempts)
                self._progress.add(item.file.size)
                if self._enough:
                    break
            for item in large:
                if not self._enough:
                    self._send_large(item)
        finally:
            self._progress.clear()
        remote = list_blobs(self._channel)
        self._prove(remote)
        if self._enough:
            left = len(items) - len(self._sent) - self._failures
            raise BlobServiceError(
                f"{ENOUGH_FAILURES} files failed one after another; {left:,} are not sent yet. "
                f"{STAYS}"
            )
        return remote

    def _requests(self, items: list[Item]) -> Iterator[Request]:
        for item, content in read_all(items, self._storage, keep=True):
            if isinstance(content, Unreadable):
                self._failed(item, str(content))
                continue
            body = (
                FilePart(Path(item.file.path), 0, content.size)
                if content.data is None
                else Bytes(content.data)
            )
            yield Request(
                "PUT",
                item.path,
                headers={
                    "x-ms-blob-type": "BlockBlob",
                    "Content-MD5": base64.b64encode(content.md5).decode(),
                    **content.headers,
                    **_condition(item),
                },
                body=body,
                tag=(item, content),
            )

    def _send_large(self, item: Item) -> None:
        told = 0

        def sent(size: int) -> None:
            nonlocal told
            told += size
            self._progress.add(size, files=0)

        try:
            content = read(item, self._storage, keep=False)
            answer = put_blocks(
                self._channel,
                item.path,
                FilePart(Path(item.file.path), 0, content.size),
                content.md5,
                {**content.headers, **_condition(item)},
                sent,
            )
            self._answered(item, content, answer, 1)
        except Unreadable as reason:
            self._failed(item, str(reason))
        except OSError as error:
            self._failed(item, f"it cannot be read: {error.strerror or error}")
        self._progress.add(item.file.size - told)

    def _answered(self, item: Item, content: Content, answer: Response, attempts: int) -> None:
        if is_fatal(answer):
            raise BlobServiceError(f"{explain(service_error(answer))}\n{STAYS}")
        if answer.ok or answer.code in _TAKEN:
            self._in_a_row = 0
            if has_changed(item, content):
                self._failed(item, f"{CHANGED}, after it was sent: run again with --overwrite")
            else:
                self._sent[item.path] = (item, content.size, content.md5)
        elif answer.status in {0, 400} and has_changed(item, content):
            self._failed(item, CHANGED)
        else:
            self._in_a_row = self._in_a_row + 1 if is_transient(answer) else 0
            tries = f", {attempts} attempts" if attempts > 1 else ""
            self._failed(item, f"{answer.reason}{tries}")

    def _failed(self, item: Item, why: str) -> None:
        self._failures += 1
        self._report.add(Kind.FAILED, item.file.name, why, item.file.size)

    def _prove(self, remote: Mapping[str, RemoteBlob]) -> None:
        """What was sent is there, by the service's own account."""
        for path, (item, size, md5) in self._sent.items():
            there = remote.get(path)
            if there is None:
                self._report.add(Kind.FAILED, item.file.name, "it was sent, and is not there", size)
            elif (there.size, there.md5) == (size, base64.b64encode(md5).decode()):
                self._report.add(Kind.DONE, item.file.name, size=size)
            else:
                why = "somebody else has stored another file under this name meanwhile"
                self._report.add(Kind.CONFLICT, item.file.name, why, size)


def _condition(item: Item) -> dict[str, str]:
    return {"If-Match": item.etag} if item.etag else {"If-None-Match": "*"}
