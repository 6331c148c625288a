"""A blob service that stores names, MD5s and headers and discards bodies, for many or large files.
Only the bodies of render caches can be read again.

It is only for tests that make thousands of requests, for which Azurite is too slow: it does not
check signatures, conditions and MD5s.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.publish.container import CACHE, Container
from tests.publish.site import Site

ACCOUNT = "nowhere"
_PROPERTIES = {
    "x-ms-blob-content-type": "Content-Type",
    "x-ms-blob-cache-control": "Cache-Control",
    "x-ms-blob-content-encoding": "Content-Encoding",
    "content-md5": "Content-MD5",
}


class NullService:
    """A context manager. `requests` are such as `GET list`, `PUT` and `PUT block`."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[str] = []
        self.received = 0
        self.blobs: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def take(self) -> list[str]:
        taken, self.requests = self.requests, []
        return taken

    async def _listen(self) -> int:
        self._server = await self._loop.create_server(
            lambda: _Connection(self), "127.0.0.1", 0, backlog=1024
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        comp = query.get("comp", "")
        self.requests.append(f"{method} {comp}".strip())
        name = "".join(unquote(url.path).split("/", 3)[3:])
        if method == "GET" and comp == "list":
            return 200, self._page(query)
        if method == "GET":
            return (200, self.bodies[name]) if name in self.bodies else (404, b"")
        if method == "PUT" and comp in {"", "blocklist"}:
            known = {
                _PROPERTIES[key]: value for key, value in headers.items() if key in _PROPERTIES
            }
            source = headers.get("x-ms-meta-md5", "")
            size = headers.get("content-length", "0")
            self.blobs[name] = {**known, "Content-Length": size, "md5": source}
            if name.endswith(CACHE):
                self.bodies[name] = body
        return (201, b"") if method == "PUT" else (405, b"")

    def _page(self, query: dict[str, str]) -> bytes:
        size, start = int(query.get("maxresults", 5000)), int(query.get("marker", 0))
        names = sorted(self.blobs)
        listed = "".join(map(self._listed, names[start : start + size]))
        following = str(start + size) if start + size < len(names) else ""
        return (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{listed}</Blobs>'
            f"<NextMarker>{following}</NextMarker></EnumerationResults>"
        ).encode()

    def _listed(self, name: str) -> str:
        known = dict(self.blobs[name])
        source = known.pop("md5")
        properties = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in known.items())
        note = f"<Metadata><md5>{source}</md5></Metadata>" if source else ""
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties><Etag>0x1</Etag>{properties}"
            f"</Properties>{note}</Blob>"
        )


class _Connection(asyncio.Protocol):
    def __init__(self, service: NullService) -> None:
        self._service = service
        self._head = b""
        self._body = b""
        self._left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        while data or not self._left:
            if self._left < 0:
                head, end, data = (self._head + data).partition(b"\r\n\r\n")
                if not end:
                    self._head = head
                    return
                self._head = b""
                first, *lines = head.decode("latin-1").split("\r\n")
                self._method, self._target, _ = first.split(" ")
                pairs = (line.partition(": ") for line in lines)
                self._headers = {name.lower(): value for name, _, value in pairs}
                self._left = int(self._headers.get("content-length", 0))
                self._body = b""
            taken = min(self._left, len(data))
            self._left -= taken
            self._service.received += taken
            if CACHE in self._target:
                self._body += data[:taken]
            data = data[taken:]
            if not self._left:
                self._left = -1
                self._answer()

    def _answer(self) -> None:
        status, body = self._service.answer(self._method, self._target, self._headers, self._body)
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nETag: 0x1\r\n\r\n"
        self._transport.write(head.encode() + body)


def null_site(folder: Path, service: NullService, **options: Any) -> Site:
    """A site whose container is in the null service."""
    container = Container(service.port, ACCOUNT, "bm9ib2R5J3Mga2V5", "static")
    return Site(folder, container, service.port, options)
