"""The files of a media folder on this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Written by desktops beside the files that they show. What begins with a dot is hidden as well.
_JUNK = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"}
# Names that a download gives to what it has not finished; never a file of anybody's.
UNFINISHED = ".migratemedia-"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """`name` is the file's below the folder, with forward slashes; `path` is where its bytes lie,
    links followed; `size` is in bytes."""

    name: str
    path: str
    size: int


@dataclass
class Folder:
    """`left_out` are names with why none of these could be taken; `hidden` are files and folders
    that are not wanted."""

    files: list[SourceFile] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def walk(root: Path, *, hidden: bool = False, follow: bool = False) -> Folder:
    """All files below `root`, in order of name within each folder. `hidden` takes those too whose
    name begins with a dot, and what desktops leave behind.

    A symbolic link is followed to what is in the folder as well; with `follow` out of it, too, but
    never in a circle.
    """
    return _Walk(os.path.realpath(root), hidden, follow).folder


def is_hidden(name: str) -> bool:
    """Of the last part of a path."""
    return name.startswith(".") or name.lower() in _JUNK


# Device and inode of a folder and of those that it lies in: who meets one again goes in circles.
_Chain = tuple[tuple[int, int], ...]


class _Walk:
    def __init__(self, root: str, hidden: bool, follow: bool) -> None:
        self._root = root
        self._hidden = hidden
        self._follow = follow
        self.folder = Folder()
        at = Path(root).stat()
        waiting: list[tuple[str, str, _Chain]] = [(root, "", ((at.st_dev, at.st_ino),))]
        while waiting:
            path, prefix, chain = waiting.pop()
            waiting += reversed(list(self._enter(path, prefix, chain)))

    def _enter(self, path: str, prefix: str, chain: _Chain) -> Iterable[tuple[str, str, _Chain]]:
        """Take the folder's files; its folders."""
        try:
            with os.scandir(path) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            self._leave(prefix.rstrip("/") or ".", _unreadable(error))
            return
        for entry in entries:
            name = f"{prefix}{entry.name}"
            wanted = not is_hidden(entry.name) or self._hidden
            if not wanted or entry.name.startswith(UNFINISHED):
                self.folder.hidden.append(name)
                continue
            try:
                target, found = self._followed(entry)
            except _LeftOut as reason:
                self._leave(name, str(reason))
                continue
            except OSError as error:
                self._leave(name, _unreadable(error))
                continue
            if stat.S_ISREG(found.st_mode):
                self.folder.files.append(SourceFile(name, target, found.st_size))
            elif not stat.S_ISDIR(found.st_mode):
                self._leave(name, "it is no file, but a device, a pipe or a socket")
            elif (found.st_dev, found.st_ino) in chain:
                self._leave(name, "it is a symbolic link to a folder that it is in")
            else:
                yield target, f"{name}/", (*chain, (found.st_dev, found.st_ino))

    def _followed(self, entry: os.DirEntry[str]) -> tuple[str, os.stat_result]:
        """Where the entry's content lies, and what it is. Raises _LeftOut and OSError."""
        if not entry.is_symlink():
            return entry.path, entry.stat(follow_symlinks=False)
        target = os.path.realpath(entry.path)
        if not self._follow and os.path.commonpath([self._root, target]) != self._root:
            raise _LeftOut("it is a symbolic link that leads out of the folder: see --follow-links")
        try:
            found = Path(target).lstat()
        except OSError:
            raise _LeftOut("it is a symbolic link that leads nowhere") from None
        if stat.S_ISLNK(found.st_mode):
            raise _LeftOut("it is a symbolic link that leads to itself")
        return target, found

    def _leave(self, name: str, why: str) -> None:
        self.folder.left_out.append((name, why))


class _LeftOut(Exception):
    pass


def _unreadable(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or error}"
