"""How far the work is: a line that is drawn over on a terminal, one now and then elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TextIO

_REDRAW_SECONDS = 0.1
# In a log short work says nothing, long work that it lives.
_LOG_SECONDS = 15.0


class Progress:
    """Counts files and bytes against the whole. A context manager: it clears its line."""

    def __init__(
        self, files: int, size: int, out: TextIO, *, quiet: bool, verb: str = "Sending"
    ) -> None:
        self._verb = verb
        self._files, self._size = files, size
        self._done_files = self._done_bytes = 0
        self._out = out
        self._quiet = quiet or not files
        self._terminal = out.isatty() and not os.environ.get("CI")
        self._began = self._drawn = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def add(self, size: int, files: int = 1) -> None:
        """One more file of `size` bytes is done; with `files=0` a part of one."""
        self._done_files += files
        self._done_bytes += size
        now = time.monotonic()
        every = _REDRAW_SECONDS if self._terminal else _LOG_SECONDS
        if self._quiet or now - self._drawn < every:
            return
        self._drawn = now
        line = self._line(now - self._began)
        if self._terminal:
            # A line that wraps could not be drawn over.
            line = line[: shutil.get_terminal_size().columns - 1]
            self._out.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._out.write(line + "\n")
        self._out.flush()

    def clear(self) -> None:
        """Take the line away, for another or for good."""
        if self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._out.flush()
            self._width = 0

    def _line(self, seconds: float) -> str:
        rate = self._done_bytes / seconds if seconds else 0.0
        left = (self._size - self._done_bytes) / rate if rate else 0.0
        return (
            f"{self._verb} {self._done_files:,} of {self._files:,} files, "
            f"{amount(self._done_bytes)} of {amount(self._size)}, {amount(rate)}/s, "
            f"{_duration(left)} left"
        )


def amount(size: float) -> str:
    """`1.5 MB`."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def standard() -> TextIO:
    """Where progress goes: standard error, so that a redirected output holds the result alone."""
    return sys.stderr
