"""Small files: replaced as a whole or not at all, and read without a traceback."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.console import Problem, say
from scripts.paths import shown

_ABANDONED = 60.0  # seconds


def read_text(path: Path) -> str | None:
    """The file's text, None if there is no such file. Raises Problem if it is not a text file."""
    try:
        # Reading a named pipe would wait forever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _unusable(path, "is not a file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _unusable(path, "is not UTF-8 text") from None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace the file's text in one step; a link stays a link.

    A reader finds the old text or the new one, never a part, and a crash leaves one of the two.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # a link to itself: RuntimeError before Python 3.13
        raise _unusable(path, "is a link that leads nowhere") from None
    if target.is_dir():
        raise _unusable(path, "is a folder")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    prefix = f"{target.name}.new-"
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)  # a rename survives a power cut once the folder has been written
    os.close(folder)
    for left in target.parent.iterdir():
        # A killed process may have left its half, with secrets in it. A recent one may be in use.
        if left.name.startswith(prefix) and left.lstat().st_mtime < time.time() - _ABANDONED:
            left.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Hold the file's lock; if another process has it, say `waiting` and wait."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unusable(path: Path, reason: str) -> Problem:
    name = shown(path)
    return Problem(f"{name} {reason}: move it away (mv {name} {name}.old) and run it again")
