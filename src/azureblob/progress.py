"""The progress of a command: one line that is redrawn, or in a log a line now and then."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TextIO

_REDRAW_SECONDS = 0.1
# Short work logs nothing; long work shows that it is alive.
_LOG_SECONDS = 15.0


class Progress:
    """Counts files and bytes of a known total. A context manager, which clears its line.

    It writes to standard error by default, so that redirected output holds the result alone.
    """

    def __init__(
        self,
        files: int,
        size: int,
        out: TextIO | None = None,
        *,
        quiet: bool,
        verb: str = "Sending",
    ) -> None:
        self._verb = verb
        self._files, self._size = files, size
        self._done_files = self._done_bytes = 0
        self._out = out or sys.stderr
        self._quiet = quiet or not files
        self._is_terminal = self._out.isatty() and not os.environ.get("CI")
        self._began = self._drawn = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def add(self, size: int, files: int = 1) -> None:
        """Count a finished file of `size` bytes; with `files=0`, a part of one."""
        self._done_files += files
        self._done_bytes += size
        now = time.monotonic()
        interval = _REDRAW_SECONDS if self._is_terminal else _LOG_SECONDS
        if self._quiet or now - self._drawn < interval:
            return
        self._drawn = now
        line = self._line(now - self._began)
        if self._is_terminal:
            # A line that wraps could not be redrawn.
            line = line[: shutil.get_terminal_size().columns - 1]
            self._out.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._out.write(line + "\n")
        self._out.flush()

    def clear(self) -> None:
        """Remove the line, to make room for other output or for good."""
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
    """A number of bytes as text, such as `1.5 MB`."""
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
