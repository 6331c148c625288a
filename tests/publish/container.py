"""A container, as its owner and as visitors see it."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties

    from tests.publish.site import Expected

MANIFEST = "staticfiles.json"
HISTORY = "staticfiles-history/"
# The end of the name of a render cache.
CACHE = "/renderings.cache"
_HASH = re.compile(r"\.([0-9a-f]{12})(?:\.[^./]*)?$")


@dataclass(frozen=True)
class Answer:
    """The response to a visitor's GET request."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        """As a browser gets it, decompressed."""
        return gzip.decompress(self.raw) if self.headers.get("content-encoding") else self.raw


@dataclass(frozen=True)
class Container:
    port: int
    account: str
    key: str
    name: str

    def client(self) -> ContainerClient:
        """The owner's client, of azure-storage-blob."""
        return ContainerClient(
            f"http://127.0.0.1:{self.port}/{self.account}",
            self.name,
            credential=AzureNamedKeyCredential(self.account, self.key),
        )

    def create(self) -> None:
        with self.client() as client:
            client.create_container(public_access="blob")

    # --- The owner --------------------------------------------------------------------------------

    def blobs(self) -> dict[str, BlobProperties]:
        with self.client() as client:
            return {blob.name: blob for blob in client.list_blobs(include=["metadata"])}

    def put(self, name: str, data: bytes) -> None:
        with self.client() as client:
            client.upload_blob(name, data, overwrite=True)

    def delete(self, name: str) -> None:
        with self.client() as client:
            client.delete_blob(name)

    def rest(self, seconds: int) -> None:
        """Wait until the newest blob is that old. Blobs have times in whole seconds."""
        last = max(blob.last_modified.timestamp() for blob in self.blobs().values())
        time.sleep(max(0, last + seconds + 0.01 - time.time()))

    # --- A visitor --------------------------------------------------------------------------------

    def visitor(self) -> Visitor:
        return Visitor(self)

    def get(self, name: str) -> Answer:
        with self.visitor() as visitor:
            return visitor.get(name)

    def paths(self) -> dict[str, str]:
        """The paths of the live manifest."""
        with self.visitor() as visitor:
            return visitor.paths()

    # --- Assertions -------------------------------------------------------------------------------

    def holds(self, expected: Expected) -> None:
        """Assert that this version is live, byte for byte."""
        with self.visitor() as visitor:
            assert visitor.get(MANIFEST).body == expected.manifest
            for name, content in expected.files.items():
                answer = visitor.get(name)
                assert answer.status == 200, name
                assert answer.body == content, name

    def is_whole(self) -> None:
        """Assert that all files of the live manifest exist, with the right content."""
        with self.visitor() as visitor:
            for name in set(visitor.paths().values()):
                visitor.check(name)


class Visitor:
    """A browser without a cache, on one connection, without a key."""

    def __init__(self, container: Container) -> None:
        self._base = f"/{container.account}/{container.name}/"
        self._connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=10)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, name: str) -> Answer:
        self._connection.request("GET", self._base + quote(name))
        with self._connection.getresponse() as answer:
            headers = {key.lower(): value for key, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())

    def paths(self) -> dict[str, str]:
        """The paths of the live manifest; empty if there is none."""
        answer = self.get(MANIFEST)
        if answer.status == 404:
            return {}
        paths: dict[str, str] = json.loads(answer.body)["paths"]
        return paths

    def check(self, name: str) -> None:
        """Assert that a hashed file exists, with the content that its name says."""
        answer = self.get(name)
        assert answer.status == 200, f"{name}: {answer.status}"
        found = _HASH.search(name)
        assert found, name
        digest = hashlib.md5(answer.body, usedforsecurity=False).hexdigest()
        assert digest.startswith(found[1]), f"{name} has the bytes of {digest}"
