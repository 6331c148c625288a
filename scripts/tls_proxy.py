"""A proxy that terminates TLS on this machine, as a hosting platform's front end does."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
# Set by the proxy, so a client must not.
_OWN = {b"connection", b"x-forwarded-for", b"x-forwarded-proto"}
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_DAYS = 365


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


def certificate_in(folder: Path) -> Path:
    """A self-signed certificate for this machine, with its key, in one file of mode 0600; created
    if it is missing or expires within a day."""
    path = folder / "localhost.pem"
    with contextlib.suppress(OSError, ValueError):
        known = x509.load_pem_x509_certificate(path.read_bytes())
        if known.not_valid_after_utc > _now() + datetime.timedelta(days=1):
            return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(b"".join(_self_signed()))
    return path


def _self_signed() -> Iterator[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))
        .not_valid_after(_now() + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    yield certificate.public_bytes(serialization.Encoding.PEM)
    yield key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


async def _run(port: int, upstream_port: int, folder: Path) -> None:
    server = await TLSProxy(port, upstream_port, certificate_in(folder)).start()
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """PORT UPSTREAM_PORT FOLDER, the folder of the certificate."""
    port, upstream_port, folder = arguments
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(int(port), int(upstream_port), Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
