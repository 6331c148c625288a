"""A blob as a file that can be sought in: each part is fetched when it is asked for."""

from __future__ import annotations

import io
from collections import OrderedDict

from azure.core import MatchConditions
from azure.core.exceptions import ServiceResponseError
from azure.storage.blob import BlobClient

from azureblob.uploads.budget import TooComplex

PAGE_BYTES = 64 * 1024
# Reading on fetches more at a time, up to this.
_MOST_PAGES = 16
_KEPT_PAGES = 128
# What an inspection may fetch in all: it is for looking, and not for downloading.
LIMIT_BYTES = 64 * 1024 * 1024


class BlobReader(io.RawIOBase):
    """The stored bytes of one version of a blob, `size` of them, by ranged requests. An encoding
    that the blob claims is not decoded.

    Raises azure.core.exceptions.ResourceModifiedError if the blob is another by now,
    ServiceResponseError for an answer of another length than was asked for, and TooComplex once
    more than `limit` bytes would have been fetched. At most 9 MiB are in memory.
    """

    def __init__(self, blob: BlobClient, size: int, etag: str, limit: int = LIMIT_BYTES) -> None:
        super().__init__()
        self._blob, self._size, self._etag, self._limit = blob, size, etag, limit
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._ahead = 1
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

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer will do
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        wanted = min(len(buffer), max(0, self._size - self._position))
        done = 0
        while done < wanted:
            number, offset = divmod(self._position, PAGE_BYTES)
            piece = self._page(number)[offset : offset + wanted - done]
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return done

    def _page(self, number: int) -> bytes:
        if number not in self._pages:
            self._ahead = min(2 * self._ahead, _MOST_PAGES) if number == self._next else 1
            self._fetch(number)
        self._pages.move_to_end(number)
        return self._pages[number]

    def _fetch(self, first: int) -> None:
        begin = first * PAGE_BYTES
        length = min(self._ahead * PAGE_BYTES, self._size - begin)
        if self.fetched + length > self._limit:
            raise TooComplex(f"more than {self._limit} bytes would have to be fetched")
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
            raise ServiceResponseError(f"{len(data)} bytes came of {length}")
        for offset in range(0, length, PAGE_BYTES):
            self._pages[first + offset // PAGE_BYTES] = data[offset : offset + PAGE_BYTES]
        self._next = first + -(-length // PAGE_BYTES)
        while len(self._pages) > _KEPT_PAGES:
            self._pages.popitem(last=False)
