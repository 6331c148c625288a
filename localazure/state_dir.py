"""The state folder, readable by its owner only, and its files."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localazure.errors import LocalAzureError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_BLOB_PORT = 10000


class Damaged(LocalAzureError):
    """A file of the state folder that cannot be used. `repair` moves it aside."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} {reason}. To start afresh: 'make down' (or 'python -m localazure repair') "
            "moves aside what cannot be used and deletes the rest, then 'make up'"
        )


def state_dir() -> Path:
    """The folder in LOCALAZURE_HOME, or `.localazure` in the project; created with mode 0700.

    Raises LocalAzureError if it cannot be used.
    """
    path = Path(os.environ.get("LOCALAZURE_HOME") or ROOT / ".localazure").absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalAzureError(
            f"The state folder {path} cannot be made ({error.strerror}): move away what is there, "
            "or name another folder in LOCALAZURE_HOME"
        ) from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise LocalAzureError(
            f"The state folder {path} belongs to another user: take it over "
            f"(sudo chown -R $(id -u) {path}), or name another folder in LOCALAZURE_HOME"
        )
    return path


def read_text(path: Path) -> str | None:
    """The file's text, None if there is no such file.

    Raises Damaged for anything else than a text file that can be read.
    """
    try:
        # Reading a named pipe would block.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Damaged(path, "is not a file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path.is_symlink():
            raise Damaged(path, "is a link to nothing") from None
        return None
    except UnicodeDecodeError:
        raise Damaged(path, "is not text") from None
    except OSError as error:
        raise Damaged(path, f"cannot be read ({error.strerror})") from None


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in the file, None if there is no such file. Raises Damaged."""
    text = read_text(path)
    if text is None:
        return None
    if not text.strip():
        raise Damaged(path, "is empty")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged(path, "is not valid JSON") from None
    if not isinstance(value, dict):
        raise Damaged(path, "does not hold a JSON object")
    return value


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, mode 0600.

    Readers, and a crash, see the old text or the new one, never a part. There must be one writer at
    a time: temporary files of killed writers are removed.
    """
    make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp makes it 0600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    for entry in os.scandir(path.parent):
        if entry.name.startswith(f".{path.name}."):
            Path(entry).unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on `path`; yields False at once if `wait` is off and it is taken.

    The lock belongs to the process, so it ends with a killed process.
    """
    descriptor = open_lock(path)
    try:
        yield take_lock(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """A descriptor of a lock file. Raises Damaged if it is no file."""
    make_folder(path.parent)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Damaged(path, f"is no lock file ({error.strerror})") from None


def take_lock(descriptor: int, *, wait: bool) -> bool:
    """Lock the file until its last descriptor is closed, in a child process as well."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def make_folder(path: Path) -> None:
    """Create a private folder if it does not exist. Raises Damaged if it is no folder."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Damaged(path, f"is no folder ({error.strerror})") from None


def _sync_folder(path: Path) -> None:
    """Sync the folder: otherwise a rename may be lost in a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
