"""Blobs on their way into a folder: to a temporary name, and to their own once they are proved."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from azureblob.migrate import fetching
from azureblob.migrate.fetching import Unfetched
from azureblob.migrate.local_tree import UNFINISHED
from azureblob.migrate.reader import Item
from azureblob.migrate.report import Kind, Report
from azureblob.migrate.uploading import ENOUGH_FAILURES
from azureblob.progress import Progress
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.models import RemoteBlob, md5
from azureblob.rest.transport import Transport

_CHUNK = 1024 * 1024
STAYS = "What was fetched stays; the next run fetches what is missing."


class Refused(Exception):
    """A file cannot be written; the text says why."""


class Target:
    """A folder that nothing is written out of, whatever links lie in it."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._known = {self._root}

    def path(self, name: str) -> Path:
        """Where the file of this name is or will be. Raises Refused, for one where a symbolic link
        would lead out of the folder."""
        path = Path(self._root, name)
        folder = os.path.realpath(path.parent)
        if os.path.commonpath([self._root, folder]) != self._root:
            raise Refused("a symbolic link leads out of the folder")
        if path.is_symlink():
            raise Refused("a symbolic link is in its place")
        return path

    def make_folder(self, path: Path) -> None:
        """For a path of this target's. Raises OSError."""
        if str(path.parent) not in self._known:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._known.add(str(path.parent))

    @property
    def folds_case(self) -> bool:
        """Whether two names that differ in upper and lower case alone are one to this disk."""
        probe = Path(self._root, f"{UNFINISHED}{os.getpid()}-probe")
        try:
            probe.touch()
        except OSError:
            return False  # and nothing else can be written either
        try:
            return probe.with_name(probe.name.upper()).exists()
        finally:
            probe.unlink()


class Download:
    """Fetches items whose blobs are in `remote`. A file that is there is replaced only if the item
    says so (it has an `etag` then)."""

    def __init__(
        self,
        target: Target,
        transport: Transport,
        remote: dict[str, RemoteBlob],
        report: Report,
        progress: Progress,
    ) -> None:
        self._target = target
        self._channel = transport
        self._remote = remote
        self._report = report
        self._progress = progress
        self._in_a_row = 0

    @property
    def _enough(self) -> bool:
        return self._in_a_row >= ENOUGH_FAILURES

    def run(self, items: list[Item]) -> None:
        """Raises BlobServiceError for what concerns all of them."""
        large: list[Item] = []
        left = len(items)
        try:
            for item, body in fetching.whole(self._channel, self._small(items, large)):
                left -= 1
                self._end(item, body)
                if self._enough:
                    break
            for item in large:
                if not self._enough:
                    left -= 1
                    self._end(item, None)
        finally:
            self._progress.clear()
        if self._enough:
            raise BlobServiceError(
                f"{ENOUGH_FAILURES} files failed one after another; {left:,} are not fetched yet. "
                f"{STAYS}"
            )

    def _small(
        self, items: list[Item], large: list[Item]
    ) -> Iterator[tuple[str, RemoteBlob, Item]]:
        for item in items:
            blob = self._remote[item.path]
            if fetching.is_large(blob):
                large.append(item)
            else:
                yield item.path, blob, item

    def _end(self, item: Item, body: bytes | Unfetched | None) -> None:
        """Write an item's bytes, or fetch and write them, and say what came of it."""
        blob = self._remote[item.path]
        name = item.file.name
        try:
            if isinstance(body, Unfetched):
                raise body
            if body is None:
                self._write_large(item, blob)
            else:
                self._write(item, blob, body)
                self._progress.add(blob.size)
            self._in_a_row = 0
            self._report.add(Kind.DONE, name, size=blob.size)
            if not blob.md5:
                self._report.add(Kind.UNPROVEN, name, size=blob.size)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
                raise BlobServiceError(
                    f"Nothing can be written any more: {error.strerror}. {STAYS}"
                ) from None
            self._failed(name, f"it cannot be written: {error.strerror or error}", blob.size)
        except Refused as reason:
            self._failed(name, str(reason), blob.size)
        except Unfetched as reason:
            self._in_a_row = self._in_a_row + 1 if reason.passing else 0
            self._failed(name, str(reason), blob.size)

    def _failed(self, name: str, why: str, size: int) -> None:
        self._report.add(Kind.FAILED, name, why, size)

    def _write(self, item: Item, blob: RemoteBlob, body: bytes) -> None:
        _prove(md5(body), blob)
        path = self._target.path(item.file.name)
        self._target.make_folder(path)
        part = _part(path, item.path)
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
            file.write(body)
        _place(part, path, replace=bool(item.etag))

    def _write_large(self, item: Item, blob: RemoteBlob) -> None:
        """Goes on with what an interrupted run has left, if by the MD5 it is of this blob."""
        path = self._target.path(item.file.name)
        self._target.make_folder(path)
        part = _part(path, item.path)
        if not blob.md5 or _is_no_file(part):
            part.unlink(missing_ok=True)
        digest = hashlib.md5(usedforsecurity=False)
        with part.open("ab+") as file:
            begun = _resumed(file, blob, digest)
            self._progress.add(begun, files=0)
            for data in fetching.parts(self._channel, item.path, blob, begun):
                file.write(data)
                digest.update(data)
                self._progress.add(len(data), files=0)
        try:
            _prove(digest.digest(), blob)
        except Unfetched:
            part.unlink()
            if not begun:
                raise
            self._write_large(item, blob)  # what was there was of another blob
            return
        self._progress.add(0)
        _place(part, path, replace=bool(item.etag))


def _resumed(file: IO[bytes], blob: RemoteBlob, digest: hashlib._Hash) -> int:
    """How much of a blob an interrupted run has left in its file; the digest has it then."""
    file.seek(0)
    if file.seek(0, os.SEEK_END) > blob.size:
        file.truncate(0)
    file.seek(0)
    size = 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return size


def _is_no_file(path: Path) -> bool:
    """Whether something lies there that must not be written to: a link, a pipe."""
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _part(path: Path, blob: str) -> Path:
    """The temporary name, short and the same in each run."""
    digest = hashlib.sha256(blob.encode()).hexdigest()[:16]
    return path.with_name(f"{UNFINISHED}{digest}.part")


def _prove(digest: bytes, blob: RemoteBlob) -> None:
    """Raises Unfetched."""
    if blob.md5 and base64.b64decode(blob.md5) != digest:
        raise Unfetched("the bytes that came are not those of its MD5")


def _place(part: Path, path: Path, *, replace: bool) -> None:
    """Give the file its name. Raises Refused where that is taken and must not be replaced."""
    if replace:
        part.replace(path)
        return
    try:
        os.link(part, path)
    except FileExistsError:
        part.unlink()
        raise Refused("a file of this name has come meanwhile") from None
    except OSError:  # a disk without links
        if path.exists():
            part.unlink()
            raise Refused("a file of this name has come meanwhile") from None
        part.rename(path)
        return
    with contextlib.suppress(OSError):
        part.unlink()
