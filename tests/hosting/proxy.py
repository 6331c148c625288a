"""A proxy that terminates TLS on this machine, as a hosting platform's front end does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from asyncio import StreamReader, StreamWriter
from pathlib import Path

HOST = "127.0.0.1"
_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
# Set by the proxy, so a client must not.
_OWN = {b"connection", b"x-forwarded-for", b"x-forwarded-proto"}
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TLSProxy:
    """Listens on `port` with TLS and forwards requests to `upstream_port`; both on 127.0.0.1.

    Each connection carries one request, which is what a restart of the server needs: an idle
    connection that the server closes cannot be chosen for the next request.
    """

    def __init__(self, port: int, upstream_port: int, certificate: Path) -> None:
        self.port = port
        self._upstream_port = upstream_port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        # asyncio itself only has weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(
            self._accept, HOST, self.port, ssl=self._context, limit=_HEAD_BYTES, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            address = str(writer.get_extra_info("peername")[0])
            try:
                upstream = await asyncio.open_connection(HOST, self._upstream_port)
            except OSError:
                writer.write(_BAD_GATEWAY)
            else:
                upstream[1].write(_forwarded(head, address))
                await _exchange((reader, writer), upstream)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _forwarded(head: bytes, address: str) -> bytes:
    """The request's head with the headers that a front end adds."""
    first, *headers = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    sent = [line for line in headers if line.partition(b":")[0].strip().lower() not in _OWN]
    added = [
        b"X-Forwarded-For: " + address.encode(),
        b"X-Forwarded-Proto: https",
        b"Connection: close",
    ]
    return b"\r\n".join([first, *sent, *added]) + b"\r\n\r\n"


async def _exchange(
    client: tuple[StreamReader, StreamWriter], upstream: tuple[StreamReader, StreamWriter]
) -> None:
    """Copy both ways until the server has sent its response."""
    body = asyncio.ensure_future(_copy(client[0], upstream[1]))
    try:
        await _copy(upstream[0], client[1])
    finally:
        body.cancel()
        upstream[1].close()
        await asyncio.gather(body, return_exceptions=True)


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
