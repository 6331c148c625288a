"""Open blobs, and files to be stored as blobs."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from django.core.files.base import File
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.utils import FileProxyMixin
from storages.utils import setting

if TYPE_CHECKING:
    from azureblob.storage import BlobStorage

    _File = File[Any]
else:
    # Django's own class takes no parameter; only its stubs do.
    _File = File

_MODE = re.compile(r"(?P<kind>[rwax])(?:[bt]?\+?|\+[bt])")


def spool(max_size: int) -> SpooledTemporaryFile[bytes]:
    """A temporary file: in memory up to `max_size` bytes, then on disk."""
    folder = setting("FILE_UPLOAD_TEMP_DIR", None)
    return SpooledTemporaryFile(max_size=max_size, dir=folder)


def gunzip(file: SpooledTemporaryFile[bytes]) -> None:
    """Decompress the file in place, in chunks. Raises OSError and EOFError for invalid data."""
    with spool(0) as compressed:
        file.seek(0)
        shutil.copyfileobj(file, compressed)
        compressed.seek(0)
        file.seek(0)
        file.truncate()
        with gzip.GzipFile(fileobj=compressed, mode="rb") as decompressed:
            shutil.copyfileobj(decompressed, file)


class BlobFile(_File):
    """A blob opened with one of open()'s modes; text is UTF-8.

    Its content is in a temporary file. close() stores what was written, as a whole. If the body of
    a `with` raises, nothing is stored and the blob stays unchanged. If a blob is opened for writing
    twice, the last close() wins.

    Unlike files from open() it accepts both text and bytes in either mode, as django-storages does.
    """

    file: IO[Any]
    name: str

    def __init__(self, name: str, mode: str, storage: BlobStorage) -> None:
        super().__init__(None, name)
        self._storage = storage
        self._start(mode)

    def _start(self, mode: str) -> None:
        known = _MODE.fullmatch(mode)
        if known is None:
            raise ValueError(f"invalid mode: {mode!r}")
        kind = known["kind"]
        self.mode = mode
        self._kind = kind
        self._reads = kind == "r" or "+" in mode
        self._writes = kind != "r" or "+" in mode
        raw = spool(self._storage.max_memory_size)
        try:
            self._dirty = self._storage.fetch_for(kind, self.name, raw)
            raw.seek(0, os.SEEK_END if kind == "a" else os.SEEK_SET)
            self._raw = raw
            # Lines end as in files from open() on Unix, whatever the operating system.
            self.file = cast(
                "IO[Any]",
                raw
                if "b" in mode
                else io.TextIOWrapper(
                    cast("IO[bytes]", raw), encoding="utf-8", newline=None if kind == "r" else ""
                ),
            )
        except BaseException:
            raw.close()
            raise

    def open(self, mode: str | None = None, *_: Any, **__: Any) -> BlobFile:
        """Go to the beginning; open the blob again if it was closed."""
        if self.closed:
            self._start(mode or self.mode)
        else:
            self.seek(0)
        return self

    @property
    def size(self) -> int:
        """In bytes, including what was written and is not stored yet."""
        if self.closed:
            return self._storage.size(self.name)
        if self._writes:
            self.flush()
        here = self._raw.tell()
        self._raw.seek(0, os.SEEK_END)
        end = self._raw.tell()
        self._raw.seek(here)
        return end

    def readable(self) -> bool:
        return not self.closed and self._reads

    def writable(self) -> bool:
        return not self.closed and self._writes

    def read(self, size: int = -1) -> Any:
        self._open_for(reading=True)
        return self.file.read(size)

    def write(self, content: Any) -> int:
        self._open_for(reading=False)
        self._dirty = True
        text = isinstance(self.file, io.TextIOWrapper)
        if isinstance(content, str) == text:
            return self.file.write(content)
        if text:
            self.file.flush()
            return self._raw.write(content)
        return self.file.write(content.encode())

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def truncate(self, size: int | None = None) -> int:
        self._open_for(reading=False)
        self._dirty = True
        return self.file.truncate(self.tell() if size is None else size)

    def _open_for(self, *, reading: bool) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not (self._reads if reading else self._writes):
            raise io.UnsupportedOperation(f"not {'readable' if reading else 'writable'}")

    def close(self) -> None:
        """Store what was written. Raises FileExistsError in mode `x` if the blob exists by now."""
        if self.closed:
            return
        try:
            if self._dirty:
                self.file.flush()
                self._storage.upload(self.name, self._raw, overwrite=self._kind != "x")
        finally:
            self._dirty = False
            self.file.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._dirty = False
        self.close()


@runtime_checkable
class ServerSideCopy(Protocol):
    """A file whose content is in the account already."""

    def move_into(self, storage: BlobStorage, name: str) -> bool:
        """Copy it to this name on the server; False if it has to be downloaded and sent instead.

        Raises FileExistsError if the name is taken and files are not overwritten.
        """


@contextmanager
def seekable(content: File[Any], max_memory: int) -> Iterator[File[Any]]:
    """The content as a File whose `file` returns bytes and is seekable: itself, or a copy."""
    if _is_seekable(content):
        yield content
        return
    with spool(max_memory) as copy:
        for chunk in content.chunks():
            copy.write(chunk.encode() if isinstance(chunk, str) else chunk)
        yield File(cast("IO[bytes]", copy), content.name)


def _is_seekable(content: File[Any]) -> bool:
    """Whether chunks() returns just the bytes of a seekable stream."""
    kind = type(content)
    if (
        not isinstance(content, File)
        or kind.chunks not in {File.chunks, InMemoryUploadedFile.chunks}
        or kind.read is not FileProxyMixin.read
    ):
        return False
    stream = content.file
    if stream is None or not all(hasattr(stream, name) for name in ("seek", "tell")):
        return False
    if hasattr(stream, "seekable") and not stream.seekable():
        return False
    return isinstance(stream.read(0), bytes)
