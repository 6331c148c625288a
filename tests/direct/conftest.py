"""An endpoint for uploads, and the browser's part played by plain HTTP requests."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.app.conftest import client, django_site  # noqa: F401  # for the fixtures below

if TYPE_CHECKING:
    from django.test import Client

    from azureblob.direct.quarantine import Quarantine
    from azureblob.direct.tokens import ClaimToken

BASE = "/pictures/upload/"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def put(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and error code of a PUT as a browser sends it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(
            "PUT",
            f"{parts.path}?{parts.query}",
            body,
            {"Content-Type": "application/octet-stream", **(headers or {})},
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("x-ms-error-code") or ""
    finally:
        connection.close()


@dataclass
class Browser:
    """What direct.js does, step by step, at the gallery's endpoint or another."""

    client: Client
    base: str = BASE

    def ask(self, step: str, **body: Any) -> Any:
        return self.client.post(f"{self.base}{step}/", json.dumps(body), "application/json")

    def begin(self, name: str, size: int, **more: Any) -> Any:
        answer = self.ask("begin", files=[{"name": name, "size": size, **more}])
        assert answer.status_code == 200, answer.content
        return answer.json()["files"][0]

    def send(self, body: bytes, name: str = "cat.png") -> Any:
        """The answer to *begin* for an upload that has arrived."""
        grant = self.begin(name, len(body))
        assert put(grant["url"], body, grant["headers"]) == (201, "")
        return grant

    @property
    def owners(self) -> frozenset[str]:
        """The owners whose tokens this browser may use."""
        from django.http import HttpRequest

        from azureblob.direct.tokens import owners_in

        request = HttpRequest()
        request.session = self.client.session
        return owners_in(request)

    def passed(self, body: bytes, name: str = "cat.png") -> ClaimToken:
        from azureblob.direct.tokens import ClaimToken

        return ClaimToken.load(self.token(body, name), "pictures", self.owners)

    def token(self, body: bytes, name: str = "cat.png") -> str:
        answer = self.ask("finish", id=self.send(body, name)["id"])
        assert answer.status_code == 200, answer.content
        token: str = answer.json()["token"]
        return token


@pytest.fixture
def browser(client: Client) -> Browser:  # noqa: F811
    return Browser(client)


@pytest.fixture
def hold(django_site: None) -> Iterator[Quarantine]:  # noqa: F811
    """The quarantine container, empty before and after."""
    from azureblob.direct.quarantine import site_quarantine

    found = site_quarantine()

    def clear() -> None:
        for name in names(found):
            found.delete(name)

    clear()  # tests of another file in this process may have left uploads
    yield found
    clear()


@pytest.fixture(autouse=True)
def empty(django_site: None, hold: Quarantine) -> Iterator[None]:  # noqa: F811
    yield
    from gallery.models import Picture

    Picture.objects.all().delete()


def names(found: Quarantine) -> list[str]:
    return [blob.name for blob in found.storage.client.list_blobs()]


def media_names() -> set[str]:
    from django.core.files.storage import default_storage

    return {blob.name for blob in default_storage.client.list_blobs()}  # type: ignore[attr-defined]
