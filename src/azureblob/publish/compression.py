"""Compression with gzip: the same bytes for the same file, in each run on the same machine.

Other versions of a library make other bytes, which is why a blob's metadata has the MD5 of the file
before compression (azureblob.publish.headers.SOURCE_MD5), and that is compared.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

import deflate

from azureblob.publish.discovery import LocalFile, content, read_local
from azureblob.rest.models import md5

# libdeflate's and zlib's default. Of zlib's size, libdeflate makes 99 to 101 percent in half of the
# time; zlib's level 9 takes twice the time and saves one percent.
LEVEL = 6
# libdeflate has the whole file in memory, so larger ones are compressed with zlib.
_MAX_IN_MEMORY = 2 * 1024 * 1024
_CHUNK = 1024 * 1024
# Decompression costs the browser something too, so compression has to save a twentieth.
_WORTHWHILE = 0.95


class FileChanged(Exception):
    """A file's content is no longer the one that it was named by."""


def compressed(data: bytes) -> bytes | None:
    """The bytes compressed with gzip, or None if that saves less than 5%. The same bytes always
    give the same result."""
    small = bytes(deflate.gzip_compress(data, LEVEL))
    return small if is_worthwhile(len(small), len(data)) else None


def is_worthwhile(compressed_size: int, size: int) -> bool:
    return compressed_size <= size * _WORTHWHILE


def compressed_file(file: LocalFile, scratch: Path) -> LocalFile | None:
    """The file compressed into another in the folder `scratch`, or None if that saves less than 5%.
    Raises OSError and FileChanged."""
    descriptor, path = tempfile.mkstemp(suffix=".gz", dir=scratch)
    with os.fdopen(descriptor, "wb") as target:
        if file.size <= _MAX_IN_MEMORY:
            data = content(file)
            digest = md5(data)
            target.write(deflate.gzip_compress(data, LEVEL))
        else:
            digest = _compress_in_chunks(file, target)
    if digest != file.md5:
        raise FileChanged
    made = read_local(path)
    if is_worthwhile(made.size, file.size):
        return made
    Path(path).unlink()
    return None


def _compress_in_chunks(file: LocalFile, target: IO[bytes]) -> bytes:
    """Compress the file with zlib, and return the MD5 of what was read."""
    digest = hashlib.md5(usedforsecurity=False)
    with (
        open(file.path, "rb") as source,  # noqa: PTH123
        # Without name and time the bytes are the same in each run, so that blocks can be resumed.
        gzip.GzipFile("", "wb", LEVEL, target, mtime=0) as compressor,
    ):
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            compressor.write(chunk)
    return digest.digest()
