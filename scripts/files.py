"""Small private files: written whole or not at all, and read without a traceback."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from pathlib import Path

from scripts.console import Problem
from scripts.paths import shown

_ABANDONED = 60.0


def read_text(path: Path) -> str | None:
    """The file's text, None if there is no such file. Raises Problem for what is no text file."""
    try:
        # A named pipe would be waited for without end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _unusable(path, "is not a file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _unusable(path, "is not UTF-8 text") from None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, mode 0600; a link stays a link.

    A reader sees the old text or the new, never a part, and a crash leaves one of the two.
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
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp makes it 0600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)  # a rename lasts through a power cut once the folder has been written
    os.close(folder)
    for left in target.parent.iterdir():
        # One that was killed may have left its half, with secrets in it; another may be at work.
        if left.name.startswith(prefix) and time.time() - left.lstat().st_mtime > _ABANDONED:
            left.unlink(missing_ok=True)


def _unusable(path: Path, reason: str) -> Problem:
    name = shown(path)
    return Problem(f"{name} {reason}: move it away (mv {name} {name}.old) and run it again")
