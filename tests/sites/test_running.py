"""One row of the table, from the installation to Chromium, in the environment of the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import django
import pytest
from playwright.sync_api import Browser

from sites import running
from sites.browsing import chromium
from sites.catalogue import Package
from sites.environments import Unsupported
from sites.results import Row
from sites.running import Run
from sites.service import Service
from tests.sites.conftest import BARE

MakeRow = Callable[[Package], Row]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def make_row(
    service: Service, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MakeRow:
    monkeypatch.setattr(running, "prepared", lambda *_: Path(sys.executable))
    monkeypatch.setattr(running, "find_python", lambda *_: sys.executable)
    line = ".".join(map(str, django.VERSION[:2]))

    def make(package: Package) -> Row:
        return Run(service, browser, tmp_path).row(package, line, django.get_version())

    return make


def test_a_site_is_published_opened_and_compared(make_row: MakeRow) -> None:
    row = make_row(replace(BARE, name="opened"))
    assert (row.unsupported, row.own, row.failures, row.same) == ("", "", [], [])
    assert row.files > 100
    assert row.pages >= 3
    assert row.seconds.keys() == {"own", "ours", "again"}
    assert row.wrong == []


def test_a_package_that_does_not_start_with_django_alone_is_not_supported(
    make_row: MakeRow,
) -> None:
    row = make_row(replace(BARE, name="broken", apps=("no.such.app",)))
    assert row.unsupported.startswith("does not run: ModuleNotFoundError")
    assert not row.differs


def test_a_package_that_cannot_be_installed_is_not_supported(
    make_row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise Unsupported("it needs another Django")

    monkeypatch.setattr(running, "prepared", refuse)
    assert make_row(replace(BARE, name="refused")).unsupported == "it needs another Django"


def test_what_fails_with_both_storages_is_not_ours(make_row: MakeRow) -> None:
    broken = "<script src='{% get_static_prefix %}admin/js/nothing.js'></script>"
    row = make_row(
        replace(BARE, name="failing", template={"load": "{% load static %}", "body": broken})
    )
    assert row.failures == []
    [same] = row.same
    assert "STATIC/admin/js/nothing.js" in same
