"""Both storages, each in an empty public container of its own; and their requests, counted."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from urllib3 import HTTPConnectionPool

_containers = itertools.count(1)


def media_storage(**options: Any) -> Any:
    """AzureMediaStorage in a container that is made for it."""
    from backend.custom_azure import AzureMediaStorage

    # What a file is stored as is tested elsewhere; here its bytes and its name.
    chosen = {"azure_container": f"contract{next(_containers)}", "check_content": False, **options}
    storage = AzureMediaStorage(**chosen)
    storage.client.create_container(public_access="blob")
    return storage


def static_storage(**options: Any) -> Any:
    """AzureStaticStorage likewise; a file that is saved has the URL of its plain name."""
    from backend.custom_azure import AzureStaticStorage

    chosen = {"azure_container": f"contract{next(_containers)}", "hashed_names": False, **options}
    storage = AzureStaticStorage(**chosen)
    storage.blobs.client.create_container(public_access="blob")
    return storage


def read(storage: Any, name: str) -> bytes:
    with storage.open(name) as file:
        content: bytes = file.read()
    return content


@pytest.fixture(params=[media_storage, static_storage], ids=["media", "static"])
def storage(request: pytest.FixtureRequest, django_site: None) -> Any:
    return request.param()


@pytest.fixture
def media(django_site: None) -> Any:
    return media_storage()


@dataclass
class Requests:
    """Method and URL of each request that left this process."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.sent]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Requests]:
    seen, lock = Requests(), threading.Lock()
    send = HTTPConnectionPool.urlopen

    def counting(self: Any, method: str, url: str, *arguments: Any, **named: Any) -> Any:
        with lock:
            seen.sent.append((method, f"{self.scheme}://{self.host}:{self.port}{url}"))
        return send(self, method, url, *arguments, **named)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", counting)
    yield seen
