"""A blob as a seekable file, each part of which is fetched when it is read."""

from __future__ import annotations

import io
from collections import OrderedDict

from azure.core import MatchConditions
from azure.core.exceptions import ServiceResponseError
from azure.storage.blob import BlobClient

from azureblob.uploads.inspection import TooComplex

PAGE_BYTES = 64 * 1024
# Sequential reads fetch more at a time, up to this.
_MAX_READ_AHEAD = 16
_CACHED_PAGES = 128
# What an inspection may fetch in total: it must not download large files.
LIMIT_BYTES = 64 * 1024 * 1024


class BlobReader(io.RawIOBase):
    """The `size` stored bytes of one version of a blob, by ranged requests. A content encoding is
    not decoded.

    Raises azure.core.exceptions.ResourceModifiedError if the blob has been replaced,
    ServiceResponseError for an answer of the wrong length, and TooComplex before more than `limit`
    bytes are fetched. At most 9 MiB are in memory.
    """

    def __init__(self, blob: BlobClient, size: int, etag: str, limit: int = LIMIT_BYTES) -> None:
        super().__init__()
        self._blob, self._size, self._etag, self._limit = blob, size, etag, limit
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._read_ahead = 1
        self._next = -1
        self.fetched = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer works
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        requested = min(len(buffer), max(0, self._size - self._position))
        done = 0
        while done < requested:
            number, offset = divmod(self._position, PAGE_BYTES)
            part = self._page(number)[offset : offset + requested - done]
            buffer[done : done + len(part)] = part
            done += len(part)
            self._position += len(part)
        return done

    def _page(self, number: int) -> bytes:
        if number not in self._pages:
            sequential = number == self._next
            self._read_ahead = min(2 * self._read_ahead, _MAX_READ_AHEAD) if sequential else 1
            self._fetch(number)
        self._pages.move_to_end(number)
        return self._pages[number]

    def _fetch(self, first: int) -> None:
        begin = first * PAGE_BYTES
        length = min(self._read_ahead * PAGE_BYTES, self._size - begin)
        if self.fetched + length > self._limit:
            raise TooComplex(f"more than {self._limit} bytes to fetch")
        self.fetched += length
        data = self._blob.download_blob(
            begin,
            length,
            etag=self._etag,
            match_condition=MatchConditions.IfNotModified,
            max_concurrency=1,
            decompress=False,
        ).readall()
        if len(data) != length:
            raise ServiceResponseError(f"received {len(data)} of {length} bytes")
        for offset in range(0, length, PAGE_BYTES):
            self._pages[first + offset // PAGE_BYTES] = data[offset : offset + PAGE_BYTES]
        self._next = first + -(-length // PAGE_BYTES)
        while len(self._pages) > _CACHED_PAGES:
            self._pages.popitem(last=False)
