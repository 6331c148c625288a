"""A server that counts what it gets, and a client that says what came back."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults import FaultProxy

Ask = Callable[..., tuple[int, bytes]]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, str, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers GET with the path, one piece of it a chunk below /chunked; PUT with 201."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._note(b"")
        self.send_response(200)
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (self.path.encode(), b"-and-more"):
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.path.encode())

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        self._note(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _note(self, body: bytes) -> None:
        self.server.got.append((self.command, self.path, body))

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(server.server_address[1], seed=7) as running:
        yield running


@pytest.fixture
def ask(proxy: FaultProxy) -> Iterator[Ask]:
    """Status and body of one request; on the connection that the last one left."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)

    def asked(
        method: str = "GET", path: str = "/a/c/x", body: bytes | None = None, timeout: float = 5
    ) -> tuple[int, bytes]:
        connection.timeout = timeout
        if isinstance(connection.sock, socket.socket):
            connection.sock.settimeout(timeout)
        try:
            connection.request(method, path, body)
            with connection.getresponse() as answer:
                return answer.status, answer.read()
        except BaseException:
            connection.close()
            raise

    yield asked
    connection.close()
