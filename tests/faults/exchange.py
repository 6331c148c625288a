"""One client's connection, with one of its own to the server: requests one after another."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import NoReturn, Protocol

from tests.faults.messages import HEAD_LIMIT, Head, pieces, read_head
from tests.faults.rules import Fault, Plan, Rule

TRICKLE_SECONDS = 0.2
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(slots=True)
class Record:
    """One request. `status` is what the client was told, `upstream` what the server said to it;
    0 is nothing. `sent` and `received` are the bytes of the bodies."""

    number: int
    method: str
    path: str
    comp: str
    fault: str = "none"
    status: int = 0
    upstream: int = 0
    sent: int = 0
    received: int = 0
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


class Owner(Protocol):
    upstream_port: int
    requests: list[Record]
    plan: Plan
    on_request: Callable[[Record], None] | None
    on_answer: Callable[[Record], None] | None


class Broken(Exception):
    """The client's connection is at its end, by a rule or because the server's is."""


class Connection:
    def __init__(
        self,
        owner: Owner,
        reader: StreamReader,
        writer: StreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        self.task = task
        self._owner = owner
        self._reader, self._writer = reader, writer
        self._upstream: tuple[StreamReader, StreamWriter] | None = None

    def stop(self) -> None:
        _reset(self._writer)
        self.task.cancel()

    async def serve(self) -> None:
        try:
            while (head := await read_head(self._reader)) is not None:
                await self._exchange(head)
        except (Broken, *_BROKEN):
            pass
        finally:
            self._writer.close()
            if self._upstream is not None:
                self._upstream[1].transport.abort()

    async def _exchange(self, head: Head) -> None:
        path, comp = head.target()
        rule = self._owner.plan.verdict(head.method, path, comp)
        record = Record(len(self._owner.requests), head.method, path, comp)
        record.fault = f"status-{rule.status}" if rule.status else str(rule.fault)
        self._owner.requests.append(record)
        if self._owner.on_request is not None:
            self._owner.on_request(record)
        try:
            if rule.delay:
                await asyncio.sleep(rule.delay / 1000)
            if rule.fault is Fault.RESET:
                self._break()
            if head["Expect"]:
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if rule.fault is Fault.HANG:
                while await self._reader.read(65536):
                    pass
                self._break()
            if rule.status:
                await self._refuse(head, rule, record)
            else:
                await self._hand_on(head, rule, record)
        finally:
            record.seconds = time.monotonic() - record.started

    async def _refuse(self, head: Head, rule: Rule, record: Record) -> None:
        """Take the request in and answer it here, as the service words its errors."""
        async for piece in pieces(self._reader, head, answer=False):
            record.sent += len(piece)
        body = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<Error><Code>{rule.error_code}</Code><Message>By rule.</Message></Error>"
        ).encode()
        lines = [
            f"HTTP/1.1 {rule.status} {rule.error_code}",
            f"x-ms-error-code: {rule.error_code}",
            f"Date: {formatdate(usegmt=True)}",
            "Content-Type: application/xml",
            f"Content-Length: {len(body)}",
        ]
        if rule.retry_after is not None:
            lines.append(f"Retry-After: {rule.retry_after}")
        if head["Origin"]:  # as the service does for an origin that its CORS rules name
            lines.append(f"Access-Control-Allow-Origin: {head['Origin']}")
            lines.append("Access-Control-Expose-Headers: retry-after,x-ms-error-code")
        record.status = rule.status
        self._writer.write(Head([line.encode() for line in lines]).raw)
        self._writer.write(b"" if head.method == "HEAD" else body)
        await self._writer.drain()

    async def _hand_on(self, head: Head, rule: Rule, record: Record) -> None:
        reader, writer = await self._server()
        writer.write(head.without("Expect").raw)
        async for piece in pieces(self._reader, head, answer=False):
            record.sent += len(piece)
            writer.write(piece)
            await writer.drain()
        await writer.drain()
        answer = await read_head(reader)
        if answer is None:
            self._break()
        record.upstream = answer.status
        record.seconds = time.monotonic() - record.started  # who sees the answer may ask for it
        if self._owner.on_answer is not None:
            self._owner.on_answer(record)
        bodiless = head.method == "HEAD" or answer.status in {204, 304}
        empty = bodiless or answer["Content-Length"] == "0"
        if rule.fault is Fault.LOST:
            self._break()
        if rule.fault is Fault.CUT_HEAD or (rule.fault is Fault.CUT_BODY and empty):
            self._writer.write(answer.raw[: len(answer.raw) // 2])
            raise Broken
        if rule.fault is Fault.TRICKLE:
            await self._trickle(answer.raw)
        else:
            self._writer.write(answer.raw)
        record.status = answer.status
        if not bodiless:
            async for piece in pieces(reader, answer, answer=True):
                if rule.fault in {Fault.TRICKLE, Fault.TRICKLE_BODY}:
                    record.received += len(piece)
                    await self._trickle(piece)
                    continue
                if rule.fault is Fault.CUT_BODY:
                    self._writer.write(piece[: len(piece) // 2])
                    raise Broken
                record.received += len(piece)
                self._writer.write(piece)
                await self._writer.drain()
        await self._writer.drain()
        if head.closes or answer.closes:
            raise Broken

    async def _trickle(self, data: bytes) -> None:
        for position in range(len(data)):
            self._writer.write(data[position : position + 1])
            await self._writer.drain()
            await asyncio.sleep(TRICKLE_SECONDS)

    async def _server(self) -> tuple[StreamReader, StreamWriter]:
        """The connection to the server; a new one if it closed the last while nothing was asked."""
        if self._upstream is not None and self._upstream[0].at_eof():
            self._upstream[1].transport.abort()
            self._upstream = None
        if self._upstream is None:
            try:
                self._upstream = await asyncio.open_connection(
                    "127.0.0.1", self._owner.upstream_port, limit=HEAD_LIMIT
                )
            except OSError:
                self._break()
        return self._upstream

    def _break(self) -> NoReturn:
        _reset(self._writer)
        raise Broken


def _reset(writer: StreamWriter) -> None:
    """Close with RST instead of FIN: what was not delivered is thrown away."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
