"""A proxy that delays every byte in both directions, without limiting the bandwidth.

`python -m bench.servers.line UPSTREAM_PORT ROUND_TRIP_MS` prints its port and runs until it is
stopped. One thread and one queue suffice: every byte waits equally long, so bytes leave in the
order of their arrival.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections import deque

HOST = "127.0.0.1"
_CHUNK = 256 * 1024


class End:
    """One of the two sockets of a connection through the proxy."""

    __slots__ = ("backlog", "ended", "other", "socket")

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self.other: End
        self.backlog = bytearray()
        self.ended = False


class Line:
    def __init__(self, upstream: int, one_way: float) -> None:
        self._upstream = upstream
        self._one_way = one_way
        self._selector = selectors.DefaultSelector()
        self._queue: deque[tuple[float, End, bytes]] = deque()
        self._listening = socket.create_server((HOST, 0), backlog=1024)
        self._listening.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ, None)
        self.port: int = self._listening.getsockname()[1]

    def run(self) -> None:
        while True:
            wait = max(self._queue[0][0] - time.monotonic(), 0) if self._queue else None
            for key, events in self._selector.select(wait):
                if key.data is None:
                    self._accept()
                    continue
                if events & selectors.EVENT_WRITE:
                    self._flush(key.data)
                if events & selectors.EVENT_READ and not key.data.ended:
                    self._read(key.data)
            now = time.monotonic()
            while self._queue and self._queue[0][0] <= now:
                _, end, data = self._queue.popleft()
                self._arrive(end, data)

    def _accept(self) -> None:
        client = End(self._listening.accept()[0])
        server = End(socket.create_connection((HOST, self._upstream)))
        client.other, server.other = server, client
        for end in (client, server):
            self._selector.register(end.socket, selectors.EVENT_READ, end)

    def _read(self, end: End) -> None:
        try:
            data = end.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            end.ended = True
            self._watch(end)
        self._queue.append((time.monotonic() + self._one_way, end.other, data))

    def _arrive(self, end: End, data: bytes) -> None:
        if end.socket.fileno() < 0:
            return
        if not data:
            # HTTP has no use for half a connection, so both ends are closed.
            for one in (end, end.other):
                if one.socket.fileno() >= 0:
                    if not one.ended:
                        self._forget(one)
                    one.socket.close()
            return
        if not end.backlog:
            try:
                sent = end.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return
            if sent == len(data):
                return
            data = data[sent:]
        end.backlog += data
        self._watch(end)

    def _flush(self, end: End) -> None:
        try:
            sent = end.socket.send(end.backlog)
        except BlockingIOError:
            return
        except OSError:
            sent = len(end.backlog)
        del end.backlog[:sent]
        if not end.backlog:
            self._watch(end)

    def _watch(self, end: End) -> None:
        """Register the events that the end waits for."""
        events = 0 if end.ended else selectors.EVENT_READ
        events |= selectors.EVENT_WRITE if end.backlog else 0
        self._forget(end)
        if events:
            self._selector.register(end.socket, events, end)

    def _forget(self, end: End) -> None:
        try:
            self._selector.unregister(end.socket)
        except (KeyError, ValueError):
            return


def main() -> None:
    line = Line(int(sys.argv[1]), float(sys.argv[2]) / 2000)
    print(line.port, flush=True)
    line.run()


if __name__ == "__main__":
    main()
