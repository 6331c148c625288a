"""Azurite, a proxy in front of it, and for each test a container and a Django project."""

from __future__ import annotations

import itertools
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from localazure.azurite import Azurite
from tests.conftest import free_port
from tests.faults import FaultProxy
from tests.publish.container import Container
from tests.publish.site import Site
from tests.publish.trees import small_tree

ACCOUNT = "publishing"
_numbers = itertools.count(1)

MakeSite = Callable[..., Site]


def started(home: Path, key: str) -> Azurite:
    """An Azurite that serves one account."""
    service = Azurite(home, free_port())
    service.serve_accounts({ACCOUNT: (key,)})
    service.start()
    return service


@pytest.fixture(scope="session")
def account_key() -> str:
    return b64encode(secrets.token_bytes(64)).decode()


@pytest.fixture(scope="session")
def blob_service(tmp_path_factory: pytest.TempPathFactory, account_key: str) -> Iterator[Azurite]:
    service = started(tmp_path_factory.mktemp("publishing"), account_key)
    yield service
    service.stop()


@pytest.fixture
def make_container(blob_service: Azurite, account_key: str) -> Iterator[Callable[[], Container]]:
    """Makes containers, which are deleted after the test: with ten thousand blobs, Azurite takes
    three times as long for a request as with a few."""
    containers: list[Container] = []

    def make() -> Container:
        made = Container(blob_service.port, ACCOUNT, account_key, f"static{next(_numbers)}")
        made.create()
        containers.append(made)
        return made

    yield make
    for made in containers:
        with made.client() as client, suppress(HttpResponseError):  # a test may have deleted it
            client.delete_container()


@pytest.fixture
def container(make_container: Callable[[], Container]) -> Container:
    return make_container()


@pytest.fixture
def proxy(blob_service: Azurite) -> Iterator[FaultProxy]:
    with FaultProxy(blob_service.port, seed=7) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, container: Container, proxy: FaultProxy) -> Site:
    """A site with the small tree and an empty container, which it reaches through the proxy."""
    made = Site(tmp_path, container, proxy.port)
    made.write(small_tree())
    return made


@pytest.fixture
def make_site(
    tmp_path: Path, make_container: Callable[[], Container], proxy: FaultProxy
) -> MakeSite:
    """Makes further sites, each with its own container unless one is given."""

    def make(container: Container | None = None, **options: Any) -> Site:
        folder = tmp_path / f"site{next(_numbers)}"
        made = Site(folder, container or make_container(), proxy.port, options)
        made.write(small_tree())
        return made

    return make
