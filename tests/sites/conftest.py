"""A blob service, and a site of Django's own apps in the environment of the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sites.catalogue import Package
from sites.service import ACCOUNT, Service
from sites.site import Account, Site, settings

BARE = Package(name="bare", pins=("bare==1",))


@dataclass(frozen=True)
class Published:
    """The admin's files in `container`, and in `folder` as Django's own storage makes them."""

    service: Service
    container: str
    folder: Path


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("sites") / "azurite") as running:
        yield running


@pytest.fixture(scope="session")
def published(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("bare")
    service.create("bare", public=True)
    static = f"{service.base}/bare/"
    account = Account(service.base, ACCOUNT, service.key, "bare", "bare-media")
    for given in (settings(BARE, folder, None, static), settings(BARE, folder, account, static)):
        with Site(Path(sys.executable), given, folder / "site.log") as site:
            site.ask("setup")
            said = site.ask("collect")
            assert said["error"] == ""
    return Published(service, "bare", folder / "static")
