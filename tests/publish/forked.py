"""Commands that a preloaded process forks (preloaded.py), instead of subprocess.Popen."""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


class Preloaded:
    """The process that has imported what a command needs."""

    def __init__(self) -> None:
        self._control, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.publish.preloaded"],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "PYTHONPATH": str(ROOT / "app"),
                    "PYTHONUTF8": "1",
                },
            )

    def fork(self, out: int, err: int, connection: int) -> None:
        socket.send_fds(self._control, [b"."], [out, err, connection])

    def end(self) -> None:
        self._control.close()
        self._process.wait(10)


@functools.cache
def preloaded() -> Preloaded:
    """One process for all tests, which ends when they do."""
    made = Preloaded()
    atexit.register(made.end)
    return made


class Forked:
    """A running management command, or `-c` and code. It has the parts of Popen that the tests
    use, and behaves like Popen with text in UTF-8. A context manager."""

    def __init__(self, words: list[str], environment: dict[str, str], folder: Path) -> None:
        self.args = words
        self.returncode: int | None = None
        self._heard = b""
        self._line, its = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        preloaded().fork(pipes[0][1], pipes[1][1], its.fileno())
        its.close()
        for _, end in pipes:
            os.close(end)
        self.stdout, self.stderr = (os.fdopen(own, encoding="utf-8") for own, _ in pipes)
        self._read = {self.stdout: b"", self.stderr: b""}
        order = {"words": words, "environment": environment, "folder": str(folder)}
        self._line.sendall(json.dumps(order).encode())
        self._line.shutdown(socket.SHUT_WR)
        self.pid = self._hear(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._hear(timeout)
            self._line.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All output until the command ends; line ends are \\n, as with Popen."""
        end = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for file in self._read:
                if not file.closed:
                    selector.register(file, selectors.EVENT_READ, file)
            while selector.get_map():
                ready = selector.select(_left(end))
                if not ready:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    piece = os.read(key.fd, 65536)
                    self._read[key.data] += piece
                    if not piece:
                        selector.unregister(key.data)
                        key.data.close()
        self.wait(_left(end))
        out, err = (
            said.decode().replace("\r\n", "\n").replace("\r", "\n") for said in self._read.values()
        )
        return out, err

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _hear(self, timeout: float | None) -> int:
        """The next number. Raises TimeoutExpired, and EOFError if none comes."""
        self._line.settimeout(timeout)
        while b"\n" not in self._heard:
            try:
                piece = self._line.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            if not piece:
                raise EOFError("the preloaded process is gone")
            self._heard += piece
        number, _, self._heard = self._heard.partition(b"\n")
        return int(number)


Process = Forked | subprocess.Popen[str]


def _left(end: float | None) -> float | None:
    return None if end is None else max(end - time.monotonic(), 0)
