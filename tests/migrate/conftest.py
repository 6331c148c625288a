"""An account behind a proxy, and a container and a site with a media folder for each test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localazure.azurite import Azurite
from tests.faults import FaultProxy
from tests.migrate.site import ALIASES, MediaSite, Server
from tests.publish.conftest import (  # noqa: F401  # for the fixtures below
    ACCOUNT,
    account_key,
    blob_service,
    container,
    make_container,
    proxy,
)
from tests.publish.container import Container

_numbers = itertools.count(1)
MakeMedia = Callable[..., MediaSite]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def tables(
    tmp_path_factory: pytest.TempPathFactory,
    blob_service: Azurite,  # noqa: F811
    account_key: str,  # noqa: F811
    server: Server,
) -> Path:
    """A folder with the two databases, whose tables are empty."""
    container = Container(blob_service.port, ACCOUNT, account_key, "none")  # noqa: F811
    site = MediaSite(tmp_path_factory.mktemp("tables"), container, server=server)
    for alias in ALIASES:
        site.begin("migrate", "--run-syncdb", "--database", alias, "-v", "0").end().well()
    return site.folder


@pytest.fixture
def make_media(
    tmp_path: Path,
    tables: Path,
    server: Server,
    make_container: Callable[[], Container],  # noqa: F811
    proxy: FaultProxy,  # noqa: F811
) -> MakeMedia:
    """Sites with an empty folder and empty tables, for a new container or a given one."""

    def make(container: Container | None = None, **storage: Any) -> MediaSite:  # noqa: F811
        folder = tmp_path / f"media{next(_numbers)}"
        folder.mkdir()
        for alias in ALIASES:
            shutil.copy(tables / f"{alias}.sqlite3", folder)
        return MediaSite(
            folder, container or make_container(), proxy.port, server=server, storage=storage
        )

    return make


@pytest.fixture
def media(make_media: MakeMedia, container: Container) -> MediaSite:  # noqa: F811
    return make_media(container)
