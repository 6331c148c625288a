"""A command on a terminal, and what the user sees there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from typing import Any

from tests.publish.site import Site


@dataclass(frozen=True)
class Seen:
    """`raw` is all that was written to the terminal; line ends are \\r\\n there."""

    code: int
    raw: str

    @property
    def drawn(self) -> list[str]:
        """Each text that a line had, including those that were overwritten."""
        parts = self.raw.replace("\r\n", "\n").replace("\n", "\r").split("\r")
        return [part.rstrip() for part in parts if part.strip()]

    @property
    def left(self) -> list[str]:
        """The lines that remain."""
        lines = []
        for line in self.raw.replace("\r\n", "\n").split("\n"):
            cells: list[str] = []
            for part in line.split("\r"):
                cells[: len(part)] = part
            lines.append("".join(cells).rstrip())
        return [line for line in lines if line]


def on_a_terminal(
    site: Site,
    *words: str,
    answer: str = "",
    columns: int = 100,
    environment: dict[str, str] | None = None,
    **options: Any,
) -> Seen:
    """Run a management command whose input, output and errors are one terminal."""
    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        site.command(*words),
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=site.folder,
        env={**site.environment(**options), "TERM": "xterm", **(environment or {})},
        start_new_session=True,
    ) as process:
        os.close(its)
        try:
            if answer:
                os.write(own, answer.encode())
            raw = _read(own, time.monotonic() + 60)
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(own)
    return Seen(process.returncode, raw.decode())


def _read(descriptor: int, deadline: float) -> bytes:
    """Everything until the other end is closed."""
    found = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise TimeoutError(found.decode(errors="replace"))
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the last one closes it
            return found
        if not piece:
            return found
        found += piece
