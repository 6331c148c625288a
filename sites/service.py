"""The blob service that is published to, and a plain web server for Django's own files."""

from __future__ import annotations

import gzip
import http.client
import mimetypes
import secrets
import shutil
import threading
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient, CorsRule, PublicAccess

from bench.servers.running import free_port
from localazure.azurite import Azurite

HOST = "127.0.0.1"
ACCOUNT = "sites"


@dataclass(frozen=True)
class Answer:
    """A visitor's GET; `body` is unpacked."""

    status: int
    headers: dict[str, str]
    body: bytes


class Service:
    """An Azurite of our own. Pages of any origin may read from it, as the stack sets it up."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.key = b64encode(secrets.token_bytes(64)).decode()
        self._azurite = Azurite(folder, free_port())
        self._azurite.serve_accounts({ACCOUNT: (self.key,)})
        self._folder = folder

    def __enter__(self) -> Service:
        self._azurite.start()
        rule = CorsRule(["*"], ["GET", "HEAD", "OPTIONS"], allowed_headers=["*"])
        with self.client() as client:
            client.set_service_properties(cors=[rule])
        return self

    def __exit__(self, *_: object) -> None:
        self._azurite.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self._azurite.port}/{ACCOUNT}"

    def client(self) -> BlobServiceClient:
        return BlobServiceClient(self.base, credential=AzureNamedKeyCredential(ACCOUNT, self.key))

    def create(self, container: str, *, public: bool) -> None:
        with self.client() as client:
            client.create_container(container, public_access=PublicAccess.BLOB if public else None)

    def names(self, container: str) -> set[str]:
        with self.client() as client:
            return set(client.get_container_client(container).list_blob_names())

    @contextmanager
    def visitor(self, container: str) -> Iterator[Any]:
        """A function that gets a blob as a browser does, on one connection."""
        connection = http.client.HTTPConnection(HOST, self._azurite.port, timeout=60)

        def get(name: str) -> Answer:
            return _get(connection, f"/{ACCOUNT}/{container}/{quote(name)}")

        try:
            yield get
        finally:
            connection.close()


def fetch(url: str) -> Answer:
    """A visitor's GET of a URL on this machine."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    try:
        return _get(connection, parts.path + (f"?{parts.query}" if parts.query else ""))
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, target: str) -> Answer:
    connection.request("GET", target)
    with connection.getresponse() as answer:
        body = answer.read()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if headers.get("content-encoding") == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as error:
                # No browser would show it either; no file has these bytes.
                body = f"(not decompressed: {error})".encode()
        return Answer(answer.status, headers, body)


class _Static(SimpleHTTPRequestHandler):
    """What any web server for static files does; its types are those of Python's own table."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 - the base class's own form
        **mimetypes.types_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
    }

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def static_server(folder: Path) -> Iterator[str]:
    """Serve a folder from a thread; its address."""
    server = ThreadingHTTPServer((HOST, 0), partial(_Static, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
