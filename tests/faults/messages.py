"""HTTP/1.1 messages as they go by: the head is read, the body is passed on in pieces."""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

_PIECE = 256 * 1024
# What one head may hold at the most; asyncio's own limit is for lines.
HEAD_LIMIT = 256 * 1024
_END = b"\r\n\r\n"


@dataclass(slots=True)
class Head:
    """The first line and the headers, without the empty line at the end."""

    lines: list[bytes]

    def __getitem__(self, name: str) -> str:
        """A header's value, empty if there is none."""
        wanted = name.lower().encode() + b":"
        for line in self.lines[1:]:
            if line.lower().startswith(wanted):
                return line[len(wanted) :].strip().decode("latin-1")
        return ""

    def without(self, name: str) -> Head:
        unwanted = name.lower().encode() + b":"
        return Head([line for line in self.lines if not line.lower().startswith(unwanted)])

    @property
    def raw(self) -> bytes:
        return b"\r\n".join(self.lines) + b"\r\n\r\n"

    @property
    def method(self) -> str:
        return self.lines[0].split(b" ", 1)[0].decode("latin-1")

    @property
    def status(self) -> int:
        return int(self.lines[0].split(b" ", 2)[1])

    def target(self) -> tuple[str, str]:
        """A request's path, decoded, and its `comp`."""
        parts = urlsplit(self.lines[0].split(b" ", 2)[1].decode("latin-1"))
        return unquote(parts.path), dict(parse_qsl(parts.query)).get("comp", "")

    @property
    def closes(self) -> bool:
        return self["Connection"].lower() == "close"


async def read_head(reader: StreamReader) -> Head | None:
    """The next message's head, None at the end of the connection.

    Raises asyncio.IncompleteReadError if it ends in the middle.
    """
    try:
        raw = await reader.readuntil(_END)
    except IncompleteReadError as error:
        if error.partial:
            raise
        return None
    return Head(raw.removesuffix(_END).split(b"\r\n"))


async def pieces(reader: StreamReader, head: Head, *, answer: bool) -> AsyncIterator[bytes]:
    """The message's body as it is on the wire, chunk framing and all.

    Raises ConnectionError or asyncio.IncompleteReadError if it ends too early.
    """
    if head["Transfer-Encoding"].lower() == "chunked":
        async for piece in _chunks(reader):
            yield piece
        return
    length = head["Content-Length"]
    left = int(length) if length else 0
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise ConnectionError("the connection ended within the body")
        left -= len(piece)
        yield piece
    if answer and not length:  # the end of the connection is the end of the body
        while piece := await reader.read(_PIECE):
            yield piece


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        size = int(line.split(b";")[0], 16)
        if size:
            yield await reader.readexactly(size + 2)
            continue
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":  # trailers
            yield line
        yield line
        return
