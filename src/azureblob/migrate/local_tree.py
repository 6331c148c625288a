"""The media folder on this machine: the files in it, and where downloaded files are written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from azureblob.migrate.journal import FileProblem, Outcome

# Written by desktop environments. Names that begin with a dot are hidden as well.
_HIDDEN = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"}
# The prefix of unfinished downloads. Such files are never sent.
_UNFINISHED = ".migratemedia-"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`name` is relative to the folder, with forward slashes; `path` is the file itself, after
    symbolic links; `size` is in bytes."""

    name: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Item:
    """A file and the blob at `path` that belongs to it. `etag` is set if that blob, or the file
    when fetching, is to be replaced."""

    file: LocalFile
    path: str
    etag: str = ""


@dataclass
class LocalTree:
    """`problems` holds names that could not be read, and why; `hidden` holds files and folders that
    were left out on purpose."""

    files: list[LocalFile] = field(default_factory=list)
    problems: list[tuple[str, FileProblem]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def walk(root: Path, *, hidden: bool = False, follow: bool = False) -> LocalTree:
    """All files below `root`, sorted by name within each folder.

    `hidden` includes hidden files and those that desktop environments write. Symbolic links are
    followed inside the folder, and with `follow` outside it as well, but never in a circle.
    """
    return _Walk(os.path.realpath(root), hidden, follow).tree


# Device and inode of a folder and of all its parents, to detect circles.
_Parents = tuple[tuple[int, int], ...]


class _Walk:
    def __init__(self, root: str, hidden: bool, follow: bool) -> None:
        self._root = root
        self._hidden = hidden
        self._follow = follow
        self.tree = LocalTree()
        status = Path(root).stat()
        pending: list[tuple[str, str, _Parents]] = [(root, "", ((status.st_dev, status.st_ino),))]
        while pending:
            path, prefix, parents = pending.pop()
            pending += reversed(list(self._scan(path, prefix, parents)))

    def _scan(
        self, path: str, prefix: str, parents: _Parents
    ) -> Iterable[tuple[str, str, _Parents]]:
        """Add the files of a folder to the tree; yield its subfolders."""
        try:
            with os.scandir(path) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            self.tree.problems.append((prefix.rstrip("/") or ".", _unreadable(error)))
            return
        for entry in entries:
            name = f"{prefix}{entry.name}"
            wanted = self._hidden or not _is_hidden(entry.name)
            if not wanted or entry.name.startswith(_UNFINISHED):
                self.tree.hidden.append(name)
                continue
            try:
                target, status = self._resolve(entry)
                if stat.S_ISREG(status.st_mode):
                    self.tree.files.append(LocalFile(name, target, status.st_size))
                    continue
                identity = (status.st_dev, status.st_ino)
                if not stat.S_ISDIR(status.st_mode):
                    raise _left_out("it is a device, a pipe or a socket, not a file")
                if identity in parents:
                    raise _left_out("it is a symbolic link to a folder that contains it")
                yield target, f"{name}/", (*parents, identity)
            except FileProblem as problem:
                self.tree.problems.append((name, problem))
            except OSError as error:
                self.tree.problems.append((name, _unreadable(error)))

    def _resolve(self, entry: os.DirEntry[str]) -> tuple[str, os.stat_result]:
        """The path of the entry's content, and its status. Raises FileProblem and OSError."""
        if not entry.is_symlink():
            return entry.path, entry.stat(follow_symlinks=False)
        target = os.path.realpath(entry.path)
        if not self._follow and os.path.commonpath([self._root, target]) != self._root:
            raise _left_out("it is a symbolic link out of the folder: see --follow-links")
        try:
            status = Path(target).lstat()
        except OSError:
            raise _left_out("it is a broken symbolic link") from None
        if stat.S_ISLNK(status.st_mode):
            raise _left_out("it is a symbolic link to itself")
        return target, status


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def _left_out(reason: str) -> FileProblem:
    return FileProblem(reason, Outcome.LEFT_OUT)


def _unreadable(error: OSError) -> FileProblem:
    return _left_out(f"it cannot be read: {error.strerror or error}")


# --- Writing --------------------------------------------------------------------------------------


class Destination:
    """A folder to write downloaded files into. Nothing is written outside it, whatever symbolic
    links it contains."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._created = {self._root}

    def path(self, name: str) -> Path:
        """The path of the file `name`. Raises FileProblem if a symbolic link is in the way."""
        path = Path(self._root, name)
        folder = os.path.realpath(path.parent)
        if os.path.commonpath([self._root, folder]) != self._root:
            raise FileProblem("a symbolic link leads out of the folder")
        if path.is_symlink():
            raise FileProblem("a symbolic link is in its place")
        return path

    def part(self, name: str, blob: str) -> tuple[Path, Path]:
        """The path of the file, and that of its unfinished download, which is short and the same in
        every run. The folder exists afterwards. Raises FileProblem and OSError."""
        path = self.path(name)
        if str(path.parent) not in self._created:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._created.add(str(path.parent))
        digest = hashlib.sha256(blob.encode()).hexdigest()[:16]
        return path, path.with_name(f"{_UNFINISHED}{digest}.part")

    @property
    def ignores_case(self) -> bool:
        """Whether this disk treats names that differ only in case as one."""
        probe = Path(self._root, f"{_UNFINISHED}{os.getpid()}-probe")
        try:
            probe.touch()
        except OSError:
            return False  # the folder is read-only, so the first write fails anyway
        try:
            return probe.with_name(probe.name.upper()).exists()
        finally:
            probe.unlink()


def is_special(path: Path) -> bool:
    """Whether something that must not be written to has this path: a symbolic link, a pipe."""
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def rename_part(part: Path, path: Path, *, replace: bool) -> None:
    """Give a finished download its name. Raises FileProblem if the name is taken and the file there
    must not be replaced."""
    if replace:
        part.replace(path)
        return
    taken = FileProblem("a file of this name appeared in the meantime")
    try:
        os.link(part, path)
    except FileExistsError:
        part.unlink()
        raise taken from None
    except OSError:  # a file system without hard links
        if path.exists():
            part.unlink()
            raise taken from None
        part.rename(path)
        return
    with contextlib.suppress(OSError):
        part.unlink()
