"""The proxy itself: a thread with an event loop, one task for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Self

from tests.faults.exchange import Connection, Record
from tests.faults.messages import HEAD_LIMIT
from tests.faults.rules import Plan, Rule

__all__ = ["FaultProxy", "Record"]

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 10


class FaultProxy:
    """Listens on `port` (0 is any free one) from `with` on and hands on to `upstream_port`.

    `requests` are the records so far, in the order of arrival. `rules` may be set at any time, and
    count from then on. `on_request` is called in the proxy's thread when a request's head has
    come, `on_answer` when the server has answered and before anything is passed on.
    """

    def __init__(
        self, upstream_port: int, rules: Sequence[Rule] = (), *, seed: int = 0, port: int = 0
    ) -> None:
        self.upstream_port = upstream_port
        self.port = port
        self.requests: list[Record] = []
        self.on_request: Callable[[Record], None] | None = None
        self.on_answer: Callable[[Record], None] | None = None
        self._seed = seed
        self.plan = Plan(rules, seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._do(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.plan.rules

    @rules.setter
    def rules(self, rules: Sequence[Rule]) -> None:
        self.plan = Plan(rules, self._seed)

    def cut(self) -> None:
        """Break every connection, and refuse new ones until `restore`."""
        self._do(self._cut())

    def restore(self) -> None:
        """Listen again, on the same port."""
        self._do(self._listen())

    def drain(self) -> None:
        """Wait until all connections that were opened before this call have ended.

        A killed client can leave connections, requests included, that nobody has accepted yet.
        They are accepted in order, so one more connection marks the last of them.
        """
        with socket.create_connection((HOST, self.port)) as last:
            last.shutdown(socket.SHUT_WR)
            last.settimeout(_PATIENCE_SECONDS)
            assert last.recv(1) == b""
        self._do(self._ended())

    def take(self) -> list[Record]:
        """The records so far, which are then forgotten."""
        taken, self.requests = self.requests, []
        return taken

    # --- In the thread ----------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _listen(self) -> None:
        if self._server is not None:
            return
        self._server = await asyncio.start_server(
            self._serve,
            HOST,
            self.port,
            limit=HEAD_LIMIT,
            family=socket.AF_INET,
            backlog=1024,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        connections = list(self._connections)
        for connection in connections:
            connection.stop()
        await asyncio.gather(*(c.task for c in connections), return_exceptions=True)

    async def _ended(self) -> None:
        await asyncio.gather(*(c.task for c in self._connections), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(self, reader, writer, task)
        self._connections.add(connection)
        try:
            await connection.serve()
        except asyncio.CancelledError:
            pass
        finally:
            self._connections.discard(connection)
            with contextlib.suppress(OSError):
                await writer.wait_closed()
