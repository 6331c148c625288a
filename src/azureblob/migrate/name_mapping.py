"""File names as blob names, and blob names as file names."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from azureblob.migrate.journal import FileProblem, Outcome
from azureblob.names import invalid_reason

# "Naming Files, Paths, and Namespaces" (Windows).
_NOT_ON_WINDOWS = re.compile(
    r'[<>:"|?*]|[. ](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.[^/]*)?(?:/|$)',
    re.IGNORECASE,
)


class InvalidName(FileProblem):
    """A name that is not valid on the other side; the text states the rule."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule, Outcome.INVALID_NAME)


def blob_path(location: str, name: str) -> str:
    """The blob name of a file, below the storage's `location`.

    Raises InvalidName for names that the storage would refuse, or would save as another name.
    """
    if any("\udc80" <= char <= "\udcff" for char in name):
        raise InvalidName("it is not UTF-8")
    if "\\" in name:
        raise InvalidName("a backslash in it would be read as a slash")
    path = f"{location}/{name}" if location else name
    if reason := invalid_reason(path):
        raise InvalidName(reason)
    if any(part.endswith(".") for part in name.split("/")):
        raise InvalidName("a part of it ends with a dot, which Azure clients remove")
    return path


def file_name(location: str, path: str) -> str:
    """The file name of a blob below `location`. Joined to a folder, it stays inside that folder.

    Raises InvalidName.
    """
    name = path[len(location) + 1 :] if location else path
    if "\\" in name:
        raise InvalidName("some systems read a backslash in it as a slash")
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise InvalidName("it points outside the folder, or names no file in it")
    if reason := invalid_reason(path):
        raise InvalidName(reason)
    if os.name == "nt" and _NOT_ON_WINDOWS.search(name):
        raise InvalidName("Windows does not allow this name")
    return name


def is_below(location: str, path: str) -> bool:
    return not location or path.startswith(f"{location}/")


def composed(name: str) -> str:
    """The name in NFC, the form that browsers send and Linux writes; older Macs write NFD."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def same_names(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that macOS or Windows treats as one: they differ only in case or in their
    Unicode form."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[composed(composed(name).casefold())].append(name)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def folders_of(names: Iterable[str]) -> set[str]:
    """Every folder that contains one of the names."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders
