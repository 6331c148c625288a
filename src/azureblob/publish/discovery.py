"""The static files of the project, as its finders find them."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.core.files.storage import Storage

from azureblob.names import MOST_SEGMENTS, invalid_reason, shown
from azureblob.publish.files import LocalFile, read_local
from azureblob.rest.errors import PublishError

# Files that a thread reads at a stretch: few enough that Ctrl-C need not wait for long.
_PART = 128
# What was read, and why the others were not.
_Part = tuple[dict[str, LocalFile], list[str]]


def find(
    ignore_patterns: list[str], scratch: Path, twice: Callable[[str], None]
) -> dict[str, LocalFile]:
    """Each file by the name that it is published under, with forward slashes.

    `twice` gets each name that was found again; the first file counts. A file that a finder has
    elsewhere than in a folder is copied to `scratch`. Raises PublishError with all files that
    cannot be read, or with the folder that cannot be.
    """
    paths: dict[str, str] = {}
    for finder in get_finders():
        for path, storage in _listed(finder, ignore_patterns):
            prefix = getattr(storage, "prefix", None)
            name = f"{prefix}/{path}" if prefix else path
            if os.sep != "/":
                name = name.replace(os.sep, "/")
            if name in paths:
                twice(name)
            else:
                paths[name] = _path(storage, path, scratch)
    return _read(paths)


def _listed(finder: BaseFinder, ignore_patterns: list[str]) -> Iterator[tuple[str, Storage]]:
    """What a finder finds. Raises PublishError for a folder that cannot be listed."""
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
    """The first link of the path that leads to itself or to a folder that it is in, if any."""
    for link in [*reversed(Path(path).parents), Path(path)]:
        if link.is_symlink():
            target = Path(os.path.realpath(link))  # Path.resolve raises for a loop
            if target.is_symlink() or link.parent.resolve().is_relative_to(target):
                return str(link)
    return ""


def _path(storage: Storage, path: str, scratch: Path) -> str:
    try:
        return storage.path(path)
    except NotImplementedError:
        descriptor, copy = tempfile.mkstemp(dir=scratch)
        with storage.open(path) as source, os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
        return copy


def _read(paths: dict[str, str]) -> dict[str, LocalFile]:
    """Side by side: neither the disk nor MD5 needs the interpreter's lock. Raises PublishError with
    all that cannot be read."""
    items = list(paths.items())
    parts = [items[start : start + _PART] for start in range(0, len(items), _PART)]
    found: dict[str, LocalFile] = {}
    problems: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1, "read") as pool:
        for files, wrong in pool.map(_read_part, parts):
            found.update(files)
            problems += wrong
    if problems:
        raise PublishError("These static files cannot be published:\n" + "\n".join(problems))
    return found


def _read_part(part: list[tuple[str, str]]) -> _Part:
    found: dict[str, LocalFile] = {}
    problems: list[str] = []
    for name, path in part:
        plain = name.isascii() and name.isprintable() and len(name) < MOST_SEGMENTS
        if not plain and (reason := invalid_reason(name)):
            problems.append(f"    {shown(path)}: {reason}")
            continue
        try:
            found[name] = read_local(path)
        except OSError as error:
            problems.append(f"    {shown(path)}: {error.strerror or error}")
    return found, problems
