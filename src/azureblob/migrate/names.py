"""Names of files as names of blobs, and back again."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from azureblob.names import invalid_reason

# "Naming Files, Paths, and Namespaces" (Windows).
_NOT_ON_WINDOWS = re.compile(
    r'[<>:"|?*]|[. ](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.[^/]*)?(?:/|$)',
    re.IGNORECASE,
)


class Unfit(Exception):
    """A name that the other side cannot have; the text says by which rule."""


def blob_path(location: str, name: str) -> str:
    """The blob's name for a file's, below the storage's `location`. Raises Unfit.

    What the storage itself would refuse to save, or would save under another name, is refused.
    """
    if any("\udc80" <= char <= "\udcff" for char in name):
        raise Unfit("it is not UTF-8")
    if "\\" in name:
        raise Unfit("a backslash in it would be taken for a slash")
    path = f"{location}/{name}" if location else name
    if reason := invalid_reason(path):
        raise Unfit(reason)
    if any(part.endswith(".") for part in name.split("/")):
        raise Unfit("a part of it ends with a dot, which clients of Azure drop")
    return path


def file_name(location: str, path: str) -> str:
    """The file's name for a blob's that lies below `location`; it leads to no other folder than the
    one that it is joined to. Raises Unfit."""
    name = path[len(location) + 1 :] if location else path
    if "\\" in name:
        raise Unfit("a backslash in it is a slash to some machines")
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise Unfit("it leads out of the folder, or names none of its files")
    if reason := invalid_reason(path):
        raise Unfit(reason.replace("Azure takes", "a file's name takes"))
    if os.name == "nt" and _NOT_ON_WINDOWS.search(name):
        raise Unfit("Windows takes no such name")
    return name


def is_below(location: str, path: str) -> bool:
    return not location or path.startswith(f"{location}/")


def composed(name: str) -> str:
    """In NFC, as browsers send names and Linux writes them; older Macs write NFD."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """The same for two names that macOS or Windows takes for one."""
    return composed(composed(name).casefold())


def twins(names: Iterable[str]) -> list[list[str]]:
    """Names that differ in upper and lower case alone, or in how accents are written."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[folded(name)].append(name)
    return [sorted(group) for group in found.values() if len(group) > 1]


def folders_of(names: Iterable[str]) -> set[str]:
    """All folders that the names lie in."""
    found: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
