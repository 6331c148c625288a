"""For tests of a running publish: visitors who never stop, and moments for interrupting it."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from tests.faults import FaultProxy, Record
from tests.publish.container import HISTORY, MANIFEST, Container, Visitor
from tests.publish.forked import Process

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties

_PATIENCE_SECONDS = 20.0
# Between two rounds, to leave the machine time for others.
_PAUSE_SECONDS = 0.05


class Watcher:
    """Visitors who read all files of the live page, and of earlier pages, again and again while a
    `with` block runs. `plain` are further names that always have to exist."""

    def __init__(self, container: Container, plain: tuple[str, ...] = ()) -> None:
        self._container = container
        self._plain = plain
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher")
        self._names: set[str] = set()
        self.failures: list[str] = []
        self.rounds = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def read_all(self, rounds: int) -> None:
        """Wait until all files have been read so many times."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while self.rounds < rounds and not self.failures:
            assert time.monotonic() < end, "it never came"
            time.sleep(0.003)

    def saw_no_failure(self) -> None:
        assert self.failures == []
        assert self.rounds > 0

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                self._read_all()
            except Exception as error:
                self.failures.append(repr(error))
                return
            self.rounds += 1
            time.sleep(_PAUSE_SECONDS)

    def _read_all(self) -> None:
        """Read the page as it is now, and the files of older pages."""
        with self._container.visitor() as visitor:
            self._open(visitor)
            for number, name in enumerate(sorted(self._names)):
                if number % 5 == 4:  # a new page is read before anything else
                    self._open(visitor)
                visitor.check(name)
            for name in self._plain:
                assert visitor.get(name).status == 200, name

    def _open(self, visitor: Visitor) -> None:
        """Load the page as it is now; the files that it shares with older ones are cached."""
        live = set(visitor.paths().values())
        assert live, "there is no manifest"
        for name in sorted(live - self._names):
            visitor.check(name)
        self._names |= live


class Moment:
    """When request number `at` (from 0) reaches the proxy, or with `answered`, its response. A
    signal `sign` is then sent to the process `pid`, if given."""

    def __init__(
        self, proxy: FaultProxy, at: int, *, answered: bool = False, pid: int = 0, sign: int = 0
    ) -> None:
        self._left = at
        self._pid, self._sign = pid, sign
        self._came = threading.Event()
        if answered:
            proxy.on_answer = self._see
        else:
            proxy.on_request = self._see

    def _see(self, _: Record) -> None:
        if self._left == 0:
            if self._sign:
                os.kill(self._pid, self._sign)
            self._came.set()
        self._left -= 1

    def wait(self) -> None:
        assert self._came.wait(_PATIENCE_SECONDS), "it never came"


def until(proxy: FaultProxy, enough: Callable[[list[Record]], object]) -> None:
    """Wait until the requests at the proxy are enough."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not enough(list(proxy.requests)):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.003)


def settle(proxy: FaultProxy) -> None:
    """Wait until the service has answered all requests of clients that have ended, or never will.
    Removes the hooks."""
    proxy.drain()
    proxy.on_request = proxy.on_answer = None


def kill_at(process: Process, proxy: FaultProxy, at: int, *, answered: bool = False) -> None:
    """Kill the process at that moment with SIGKILL."""
    Moment(proxy, at, answered=answered, pid=process.pid, sign=signal.SIGKILL)
    said = process.communicate(timeout=_PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGKILL, said
    settle(proxy)


def blob(record: Record) -> str:
    """The blob's name; empty for the container."""
    return record.path.split("/", 3)[3] if record.path.count("/") > 2 else ""


def deletes(records: list[Record]) -> bool:
    return any(record.method == "DELETE" for record in records)


def puts(records: list[Record]) -> list[str]:
    """The blobs that were sent, sorted by name, without records of the history and without the
    render cache."""
    return sorted(
        blob(record)
        for record in records
        if record.method == "PUT" and not blob(record).startswith(HISTORY)
    )


def missing(container: Container, wanted: dict[str, bytes]) -> list[str]:
    """The names of files that are not in the container with this content."""
    there = container.blobs()
    return sorted(name for name, data in wanted.items() if not _is(there.get(name), data))


def _is(there: BlobProperties | None, data: bytes) -> bool:
    """Whether a blob's content, decompressed if need be, is the bytes."""
    if there is None:
        return False
    noted = (there.metadata or {}).get("md5")
    stored = bytes(there.content_settings.content_md5 or b"").hex()
    return (noted or stored) == hashlib.md5(data, usedforsecurity=False).hexdigest()


def owed(container: Container, wanted: dict[str, bytes], manifest: bytes) -> list[str]:
    """What a publish still has to send: the missing files, and the manifest if it is not live."""
    live = container.get(MANIFEST).raw
    return sorted(missing(container, wanted) + ([] if live == manifest else [MANIFEST]))
