"""Servers as processes of the bench: each is started for one competitor."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from localazure.azurite import Azurite

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
ACCOUNT = "bench"
CONTAINER = "static"
# Ten minutes after its start Azurite stalls to sweep its files. The longest case takes four.
_OLD_SECONDS = 240
_SETTLED_SECONDS = 0.1
_REQUEST = re.compile(r'"([A-Z]+) (\S+) HTTP/')


@dataclass(frozen=True)
class Target:
    """Where to publish to. `port` is the server's, or that of the line to it."""

    port: int
    key: str
    sas: str

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}/{ACCOUNT}"

    @property
    def url(self) -> str:
        """The container's, with its signature."""
        return f"{self.endpoint}/{CONTAINER}?{self.sas}"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self.key};"
            f"BlobEndpoint={self.endpoint};"
        )


class Server(Protocol):
    key: str

    @property
    def port(self) -> int: ...

    @property
    def process(self) -> int: ...

    def counts(self) -> Counter[str]:
        """Requests so far by method; LIST is List Blobs."""

    def renew(self) -> None:
        """Called before each case."""

    def stop(self) -> None: ...


class AzuriteServer:
    """A fresh Azurite with one account and an empty container."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.key = b64encode(secrets.token_bytes(64)).decode()
        self._azurite = Azurite(folder, free_port())
        self._azurite.serve_accounts({ACCOUNT: (self.key,)})
        self._before: Counter[str] = Counter()
        try:
            self._start()
            with self.client() as client:
                client.create_container(public_access="blob")
        except BaseException:  # also Ctrl-C: no other code could stop it
            self._azurite.stop()
            raise

    @property
    def port(self) -> int:
        return self._azurite.port

    @property
    def process(self) -> int:
        return self._azurite.status().pid or 0

    def client(self) -> ContainerClient:
        """A client with the account key, which does not use the line."""
        credential = AzureNamedKeyCredential(ACCOUNT, self.key)
        return ContainerClient(
            f"http://{HOST}:{self.port}/{ACCOUNT}", CONTAINER, credential=credential
        )

    def counts(self) -> Counter[str]:
        # The log is written a moment after the response.
        text = ""
        while text != (text := self._azurite.log.read_text(errors="replace")):
            time.sleep(_SETTLED_SECONDS)
        counts: Counter[str] = Counter()
        for method, target in _REQUEST.findall(text):
            counts["LIST" if "comp=list" in target else method] += 1
        return self._before + counts

    def renew(self) -> None:
        """Restart an old one; it keeps its blobs."""
        if time.monotonic() - self._started > _OLD_SECONDS:
            self._before = self.counts()
            self._azurite.stop()
            self._start()

    def _start(self) -> None:
        self._azurite.start()
        self._started = time.monotonic()

    def stop(self) -> None:
        self._azurite.stop()


class NullServer:
    def __init__(self, delay_ms: float) -> None:
        self.key = b64encode(secrets.token_bytes(64)).decode()
        self._running = _Module("bench.servers.null", str(delay_ms))

    @property
    def port(self) -> int:
        return self._running.port

    @property
    def process(self) -> int:
        return self._running.process

    def counts(self) -> Counter[str]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        connection.request("GET", "/-/counts")
        counts: Counter[str] = Counter(json.loads(connection.getresponse().read()))
        connection.close()
        return counts

    def renew(self) -> None:
        """Does nothing: it never stalls."""

    def stop(self) -> None:
        self._running.stop()


class Line:
    """A proxy that adds `round_trip_ms` to the round trip to a server."""

    def __init__(self, port: int, round_trip_ms: float) -> None:
        self._running = _Module("bench.servers.line", str(port), str(round_trip_ms))
        self.port = self._running.port
        self.process = self._running.process

    def stop(self) -> None:
        self._running.stop()


class _Module:
    """A module of the bench that prints its port and runs until it is stopped."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the bench, which stops this process itself
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        try:
            printed = self._process.stdout.readline()
            if not printed.strip().isdecimal():
                raise RuntimeError(f"{module} did not start")
        except BaseException:  # also Ctrl-C: no other code could stop it
            self.stop()
            raise
        self.port = int(printed)
        self.process = self._process.pid

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def target(server: Server, port: int) -> Target:
    """What a competitor is given. The SAS is valid for a day, and for this container only."""
    sas = generate_container_sas(
        ACCOUNT,
        CONTAINER,
        account_key=server.key,
        permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
        start=datetime.now(UTC) - timedelta(minutes=15),
        expiry=datetime.now(UTC) + timedelta(days=1),
    )
    return Target(port, server.key, sas)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
