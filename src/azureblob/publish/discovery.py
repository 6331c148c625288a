"""Discovery: the project's static files, as Django's finders list them."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from django.contrib.staticfiles.finders import BaseFinder, FileSystemFinder, get_finders
from django.core.files.storage import FileSystemStorage, Storage

from azureblob.names import MOST_SEGMENTS, invalid_reason, shown
from azureblob.publish import PublishError

# Files that a thread reads in one task: few enough that Ctrl-C takes effect soon.
_BATCH = 128
_CHUNK = 128 * 1024
# By descriptor, as file objects take a fifth of the time of an unchanged publish. O_NONBLOCK: to
# open a named pipe would otherwise wait until a program writes to it.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class LocalFile(NamedTuple):
    """A file to publish: its `path`, its `size` in bytes and its MD5 (16 bytes). A small one may be
    a part of the file at the path, which begins at `start`; content() reads it."""

    path: str
    size: int
    md5: bytes
    start: int | None = None


def find(
    ignore_patterns: list[str], scratch: Path, duplicate: Callable[[str], None]
) -> dict[str, LocalFile]:
    """Each static file by the name that it is published under, with forward slashes.

    `duplicate` is called with each name that is found again; the first file counts. A file of a
    finder whose storage has no paths is copied to `scratch`. Raises PublishError with all files
    that cannot be read, or with the folder that cannot be listed.
    """
    paths: dict[str, str] = {}
    folders: dict[int, str] = {}
    for finder in get_finders():
        for path, storage in _list(finder, ignore_patterns):
            prefix = getattr(storage, "prefix", None)
            name = f"{prefix}/{path}" if prefix else path
            if os.sep != "/":
                name = name.replace(os.sep, "/")
            folder = folders.get(id(storage))
            if folder is None:
                folder = folders[id(storage)] = _folder(finder, storage)
            if name in paths:
                duplicate(name)
            elif folder:
                paths[name] = folder + path
            else:
                paths[name] = _local_path(storage, path, scratch)
    return _read_all(paths)


def _list(finder: BaseFinder, ignore_patterns: list[str]) -> Iterator[tuple[str, Storage]]:
    """Raises PublishError for a folder that cannot be listed."""
    try:
        yield from finder.list(ignore_patterns)
    except OSError as error:
        where = _looping_link(str(error.filename or "")) or error.filename or "a static folder"
        why = (
            "it is a symbolic link that leads back to itself or to a folder that it is in"
            if error.errno == errno.ELOOP
            else error.strerror or error
        )
        raise PublishError(
            f"The static files cannot be listed: {shown(str(where))}: {why}. Nothing was sent; "
            "remove it, or leave it out with --ignore."
        ) from None


def _looping_link(path: str) -> str:
    """The first link in the path that leads to itself or to a folder that it is in, or empty."""
    for link in [*reversed(Path(path).parents), Path(path)]:
        if link.is_symlink():
            target = Path(os.path.realpath(link))  # Path.resolve raises an error for a loop
            if target.is_symlink() or link.parent.resolve().is_relative_to(target):
                return str(link)
    return ""


def _folder(finder: BaseFinder, storage: Storage) -> str:
    """What precedes each name that the finder lists in this storage to make it a path, or empty if
    the storage has to be asked for each. Django's storage checks that a name does not lead out of
    its folder, which takes a tenth of an unchanged publish. What its own finders list is there."""
    lists_as_django = type(finder).list.__module__ == FileSystemFinder.__module__
    if lists_as_django and getattr(type(storage), "path", None) is FileSystemStorage.path:
        return os.path.join(storage.path(""), "")  # noqa: PTH118 - with a separator at its end
    return ""


def _local_path(storage: Storage, path: str, scratch: Path) -> str:
    try:
        return storage.path(path)
    except NotImplementedError:
        descriptor, copy = tempfile.mkstemp(dir=scratch)
        with storage.open(path) as source, os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
        return copy


# --- Reading --------------------------------------------------------------------------------------


def _read_all(paths: dict[str, str]) -> dict[str, LocalFile]:
    """The files by name, read in threads: neither the disk nor MD5 needs the interpreter lock.
    Raises PublishError with all files that cannot be read."""
    items = list(paths.items())
    batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
    found: dict[str, LocalFile] = {}
    problems: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1, "read") as pool:
        for files, batch_problems in pool.map(_read_batch, batches):
            found.update(files)
            problems += batch_problems
    if problems:
        raise PublishError("These static files cannot be published:\n" + "\n".join(problems))
    return found


def _read_batch(batch: list[tuple[str, str]]) -> tuple[dict[str, LocalFile], list[str]]:
    """The files by name, and a line for each that cannot be read."""
    found: dict[str, LocalFile] = {}
    problems: list[str] = []
    for name, path in batch:
        # Nearly all names are plain, and the check of each character takes longer.
        plain = name.isascii() and name.isprintable() and len(name) < MOST_SEGMENTS
        if not plain and (reason := invalid_reason(name)):
            problems.append(f"    {shown(path)}: {reason}")
            continue
        try:
            found[name] = read_local(path)
        except OSError as error:
            problems.append(f"    {shown(path)}: {error.strerror or error}")
    return found, problems


def read_local(path: str) -> LocalFile:
    """Read a file for its size and MD5, in chunks. Raises OSError."""
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file, but a device, a pipe or a socket")
        while chunk := os.read(descriptor, _CHUNK):
            digest.update(chunk)
            size += len(chunk)
    finally:
        os.close(descriptor)
    return LocalFile(path, size, digest.digest())


def content(file: LocalFile) -> bytes:
    """The bytes of a small file, in one read. If the file has grown, one byte more than its size,
    so that the MD5 no longer matches. Raises OSError."""
    return first_bytes(file, file.size + 1)


def first_bytes(file: LocalFile, size: int) -> bytes:
    """Up to `size` bytes, in one read. Raises OSError."""
    descriptor = os.open(file.path, _FLAGS)
    try:
        if file.start is not None:
            os.lseek(descriptor, file.start, os.SEEK_SET)
            size = min(size, file.size)
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)
