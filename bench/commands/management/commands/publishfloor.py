"""The least that a management command must do to publish: the floor that others are compared with.

It sets up Django, calls the finders, reads each file and computes its MD5, sends one List Blobs for
5,000 names, and PUTs what differs over 64 persistent connections. One SAS signs all requests, which
costs nothing. A single thread reads files while others are being sent. There are no retries, no
headers besides the type, no progress, and no useful errors.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import select
import socket
from base64 import b64encode
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

from django.contrib.staticfiles.finders import get_finders
from django.core.management.base import BaseCommand

CONNECTIONS = 64
HOST = "127.0.0.1"
_BLOB = re.compile(rb"<Name>([^<]*)</Name>.*?<Content-MD5>([^<]*)</Content-MD5>", re.DOTALL)
_MARKER = re.compile(rb"<NextMarker>([^<]+)</NextMarker>")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Command(BaseCommand):
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        port = int(os.environ["FLOOR_PORT"])
        base, sas = os.environ["FLOOR_CONTAINER"], os.environ["FLOOR_SAS"]
        paths: dict[str, str] = {}
        for finder in get_finders():
            for path, storage in finder.list([]):
                prefix = getattr(storage, "prefix", None)
                paths.setdefault(f"{prefix}/{path}" if prefix else path, storage.path(path))
        there = listed(port, base, sas)
        put_all(port, differing(paths, there, base, sas))


def listed(port: int, base: str, sas: str) -> dict[str, bytes]:
    """Base64 of the MD5 by name."""
    found: dict[str, bytes] = {}
    marker = b""
    while True:
        target = f"{base}?restype=container&comp=list&maxresults=5000&{sas}"
        if marker:
            target += f"&marker={quote(marker, safe='')}"
        # HTTP/1.0, so that the response is not chunked.
        head = f"GET {target} HTTP/1.0\r\nHost: {HOST}:{port}\r\nx-ms-version: 2021-12-02\r\n\r\n"
        body = asked(port, head.encode())
        found |= {unescape(name.decode()): md5 for name, md5 in _BLOB.findall(body)}
        following = _MARKER.search(body)
        if following is None:
            return found
        marker = unescape(following[1].decode()).encode()


def asked(port: int, request: bytes) -> bytes:
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(request)
        received = bytearray()
        wanted = -1
        while wanted < 0 or len(received) < wanted:
            piece = connection.recv(1 << 20)
            if not piece:
                break
            received += piece
            if wanted < 0 and (end := received.find(b"\r\n\r\n")) >= 0:
                length = _LENGTH.search(received, 0, end + 2)
                wanted = end + 4 + int(length[1]) if length else 1 << 60
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(f"List Blobs: {bytes(received[:300])!r}")
    return body


def differing(
    paths: dict[str, str], there: dict[str, bytes], base: str, sas: str
) -> Iterator[list[bytes]]:
    """The requests, head and body, for files that are missing or differ."""
    tail = (
        f"?{sas} HTTP/1.1\r\nHost: {HOST}\r\nx-ms-version: 2021-12-02\r\n"
        "x-ms-blob-type: BlockBlob\r\nx-ms-blob-content-type: "
    )
    types: dict[str, str] = {}
    for name, path in paths.items():
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the quickest way to the bytes
            body = file.read()
        md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest())
        if there.get(name) == md5:
            continue
        ending = name[name.rfind(".") :]
        if ending not in types:
            types[ending] = mimetypes.guess_type(name)[0] or "application/octet-stream"
        head = (
            f"PUT {base}/{quote(name)}{tail}{types[ending]}\r\nContent-MD5: {md5.decode()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield [head.encode(), body]


def put_all(port: int, requests: Iterator[list[bytes]]) -> None:
    poll = select.epoll()
    connections: dict[int, socket.socket] = {}
    unsent: dict[int, memoryview] = {}
    for request in requests:
        connection = socket.create_connection((HOST, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        number = connection.fileno()
        connections[number] = connection
        poll.register(number, select.EPOLLIN)
        begin(connection, request, unsent, poll)
        if len(connections) == CONNECTIONS:
            break
    left = len(connections)
    while left:
        for number, event in poll.poll():
            connection = connections[number]
            if event & select.EPOLLOUT:
                rest = unsent.pop(number)
                sent = connection.send(rest)
                if sent < len(rest):
                    unsent[number] = rest[sent:]
                else:
                    poll.modify(number, select.EPOLLIN)
                continue
            answer = connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 201") or not answer.endswith(b"\r\n\r\n"):
                raise SystemExit(f"Put Blob: {answer[:300]!r}")
            following = next(requests, None)
            if following is None:
                left -= 1
            else:
                begin(connection, following, unsent, poll)


def begin(
    connection: socket.socket,
    request: list[bytes],
    unsent: dict[int, memoryview],
    poll: select.epoll,
) -> None:
    """Send as much as the connection accepts now; the rest follows later."""
    sent = connection.sendmsg(request)
    if sent < len(request[0]) + len(request[1]):
        unsent[connection.fileno()] = memoryview(b"".join(request))[sent:]
        poll.modify(connection.fileno(), select.EPOLLIN | select.EPOLLOUT)
