"""A blob service that costs next to nothing, so that the client is what is measured.

`python -m bench.servers.null DELAY_MS` prints its port and runs until it is stopped. It keeps the
name, size, MD5, headers and metadata of each blob, discards bodies except those of render caches,
which the next publish reads, and checks no signatures. Each response is delayed. `GET /-/counts`
returns the number of requests by method, without itself.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import sys
import time
from bisect import bisect_left
from collections import Counter
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

HOST = "127.0.0.1"
PAGE = 5000
# What publishes read again; it has the name that azureblob.publish.manifest.cache_name() makes.
_READ_AGAIN = "/renderings.cache"
_KEPT = {
    "content-type": "Content-Type",
    "cache-control": "Cache-Control",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-disposition": "Content-Disposition",
}


@lru_cache(maxsize=64)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


class Blob:
    """A blob without its content. `md5` is base64; the names in `headers` are written as the
    service writes them, those in `metadata` are in lower case."""

    __slots__ = ("_xml", "etag", "headers", "md5", "metadata", "modified", "size")

    def __init__(
        self, size: int, md5: str, headers: dict[str, str], metadata: dict[str, str], etag: str
    ) -> None:
        self.size = size
        self.md5 = md5
        self.headers = headers
        self.metadata = metadata
        self.etag = etag
        self.modified = int(time.time())
        self._xml = ""

    def xml(self, name: str) -> str:
        """Its element in a List Blobs with metadata, created once."""
        if not self._xml:
            date = _date(self.modified)
            kept = "".join(
                f"<{key}>{escape(self.headers.get(key, ''))}</{key}>" for key in _KEPT.values()
            )
            notes = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in self.metadata.items())
            self._xml = (
                f"<Blob><Name>{escape(name)}</Name><Properties>"
                f"<Creation-Time>{date}</Creation-Time><Last-Modified>{date}</Last-Modified>"
                f"<Etag>{self.etag}</Etag><Content-Length>{self.size}</Content-Length>{kept}"
                f"<Content-MD5>{self.md5}</Content-MD5><BlobType>BlockBlob</BlobType>"
                "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
                f"<ServerEncrypted>true</ServerEncrypted></Properties><Metadata>{notes}</Metadata>"
                "</Blob>"
            )
        return self._xml


class Container:
    """The blobs by name, and requests by method."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.counts: Counter[str] = Counter()
        self._names: list[str] | None = None
        self._etags = itertools.count(1)
        self._bodies: dict[str, bytes] = {}

    def answer(
        self, method: str, target: str, headers: dict[str, str], md5: str, body: bytes
    ) -> bytes:
        """The response. `md5` is the base64 of the MD5 of the request's body, and `body` the body
        itself if it is to be stored."""
        path, _, text = target.partition("?")
        # Parsing the parameters of a signature, which are not needed, would take longest.
        query = dict(parse_qsl(text)) if "comp=" in text or "prefix=" in text else {}
        name = unquote(path.split("/", 3)[3]) if path.count("/") > 2 else ""
        if not name:
            if method == "GET" and query.get("comp") == "list":
                return _answer(200, {"Content-Type": "application/xml"}, self.page(query))
            return _answer(201 if method == "PUT" else 200)
        if method == "PUT":
            if body:
                self._bodies[name] = body
            return self._put(name, query.get("comp", ""), headers, md5)
        blob = self.blobs.get(name)
        if blob is None:
            return _error(404, "BlobNotFound", body=method != "HEAD")
        if method == "HEAD":
            return _answer(200, _properties(blob), length=blob.size)
        if method == "DELETE":
            del self.blobs[name]
            self._names = None
            return _answer(202)
        if name in self._bodies:
            return _part(blob, self._bodies[name], headers.get("x-ms-range", ""))
        return _error(501, "BodyWasDropped")

    def _put(self, name: str, comp: str, headers: dict[str, str], md5: str) -> bytes:
        there = self.blobs.get(name)
        if headers.get("if-none-match") == "*" and there is not None:
            return _error(409, "BlobAlreadyExists")
        match = headers.get("if-match")
        if match is not None and (there is None or match.strip('"') != there.etag.strip('"')):
            return _error(412, "ConditionNotMet")
        if comp == "block":
            return _answer(201)
        if comp == "properties" and there is None:
            return _error(404, "BlobNotFound")
        kept = {
            written: value
            for key, written in _KEPT.items()
            if (value := headers.get(f"x-ms-blob-{key}", ""))
        }
        metadata = {k[10:]: v for k, v in headers.items() if k.startswith("x-ms-meta-")}
        size = int(headers.get("content-length", 0))
        if comp == "properties" and there is not None:
            size, metadata = there.size, there.metadata
            md5 = headers.get("x-ms-blob-content-md5", "")
        if there is None:
            self._names = None
        blob = Blob(size, md5, kept, metadata, f'"0x{next(self._etags):X}"')
        self.blobs[name] = blob
        changed = {"ETag": blob.etag, "Last-Modified": _date(blob.modified)}
        return _answer(200 if comp == "properties" else 201, changed)

    def page(self, query: dict[str, str]) -> bytes:
        """A page of List Blobs: at most 5,000 blobs, from the marker on."""
        if self._names is None:
            self._names = sorted(self.blobs)
        names, prefix = self._names, query.get("prefix", "")
        size = min(int(query.get("maxresults", PAGE)), PAGE)
        start = bisect_left(names, max(query.get("marker", ""), prefix))
        chosen = names[start : start + size + 1]
        if prefix:
            chosen = [name for name in chosen if name.startswith(prefix)]
        following = chosen[size] if len(chosen) > size else ""
        blobs = "".join(self.blobs[name].xml(name) for name in chosen[:size])
        return (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults>'
            f"<Blobs>{blobs}</Blobs><NextMarker>{escape(following)}</NextMarker>"
            "</EnumerationResults>"
        ).encode()


class Connection(asyncio.BufferedProtocol):
    """A client, which sends one request after another, without pipelining."""

    def __init__(self, container: Container, delay: float) -> None:
        self._container = container
        self._delay = delay
        self._transport: asyncio.Transport
        self._buffer = bytearray(65536)
        self._pending = b""
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._left = 0
        self._digest: object = None
        self._stored: bytearray | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        """Always the same one: allocating one for each piece would take a tenth of the CPU time."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received(bytes(memoryview(self._buffer)[:nbytes]))

    def _received(self, data: bytes) -> None:
        while data or (self._head is not None and not self._left):
            if self._head is None:
                data = self._pending + data
                end = data.find(b"\r\n\r\n")
                if end < 0:
                    self._pending = data
                    return
                self._pending = b""
                self._begin(data[:end])
                data = data[end + 4 :]
            if self._left:
                body = data[: self._left]
                if self._digest is not None:
                    self._digest.update(body)  # type: ignore[attr-defined]  # hashlib's is private
                if self._stored is not None:
                    self._stored += body
                self._left -= len(body)
                data = data[len(body) :]
                if self._left:
                    return
            self._finish()

    def _begin(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self._head = method, target, headers
        self._left = int(headers.get("content-length", 0))
        # The digest that a client sends is not checked, which would cost CPU time.
        wanted = method == "PUT" and "content-md5" not in headers
        self._digest = hashlib.md5(usedforsecurity=False) if wanted else None
        stored = method == "PUT" and target.partition("?")[0].endswith(_READ_AGAIN)
        self._stored = bytearray() if stored else None
        if headers.get("expect"):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _finish(self) -> None:
        assert self._head is not None  # noqa: S101 - for the type checker
        method, target, headers = self._head
        self._head = None
        if target == "/-/counts":
            counts = json.dumps(self._container.counts).encode()
            self._transport.write(_answer(200, {"Content-Type": "application/json"}, counts))
            return
        self._container.counts["LIST" if "comp=list" in target else method] += 1
        md5 = headers.get("content-md5", "")
        if self._digest is not None:
            md5 = base64.b64encode(self._digest.digest()).decode()  # type: ignore[attr-defined]
        answer = self._container.answer(method, target, headers, md5, bytes(self._stored or b""))
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 206: "Partial Content"}
_REASONS |= {404: "Not Found", 409: "Conflict", 412: "Precondition Failed", 501: "Not Implemented"}


def _properties(blob: Blob) -> dict[str, str]:
    date = _date(blob.modified)
    return {
        "ETag": blob.etag,
        "Last-Modified": date,
        "x-ms-creation-time": date,
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
        "x-ms-server-encrypted": "true",
        **({"Content-MD5": blob.md5} if blob.md5 else {}),
        **blob.headers,
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }


def _answer(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"", length: int = -1
) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Server: null",
        "x-ms-version: 2021-12-02",
        f"Content-Length: {len(body) if length < 0 else length}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _part(blob: Blob, body: bytes, requested: str) -> bytes:
    """The response to a GET of a range that begins with the first byte, or of the whole blob."""
    if not requested:
        return _answer(200, _properties(blob), body)
    part = body[: int(requested.rpartition("-")[2]) + 1]
    content_range = f"bytes 0-{len(part) - 1}/{len(body)}"
    return _answer(206, {**_properties(blob), "Content-Range": content_range}, part)


def _error(status: int, code: str, *, body: bool = True) -> bytes:
    text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return _answer(status, headers, text.encode() if body else b"")


async def serve(delay: float) -> None:
    container = Container()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(container, delay), HOST, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(float(sys.argv[1]) / 1000))
