"""What Chromium reports of a page: what fails, what the console says, and who else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sites.browsing import chromium, visit
from sites.service import static_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def page(folder: Path, body: str) -> None:
    icon = '<link rel="icon" href="data:,">'
    (folder / "index.html").write_text(f"<!doctype html><title>Page</title>{icon}{body}")


def test_failures_of_a_page_are_told_once_and_without_ports(
    browser: Browser, tmp_path: Path
) -> None:
    page(
        tmp_path,
        '<link rel="stylesheet" href="gone.css"><script src="a.js"></script>'
        '<img src="http://cdn.example/x.png">',
    )
    (tmp_path / "a.js").write_text("console.error('I am lost'); throw new Error('no way')")
    with static_server(tmp_path) as origin:
        found = visit(browser, origin, "none", ["/", "/?again"], f"{origin}/")
    assert found.pages == 2
    assert sorted(found.wrong) == [
        "/: 404 for STATIC/gone.css",
        "/: console: I am lost",
        "/: script: no way",
    ]
    assert found.hosts == {"cdn.example"}


def test_a_page_with_nothing_wrong_has_no_failures(browser: Browser, tmp_path: Path) -> None:
    page(tmp_path, "<p>Hello</p>")
    with static_server(tmp_path) as origin:
        found = visit(browser, origin, "none", ["/"], f"{origin}/")
    assert (found.pages, found.wrong, found.hosts) == (1, [], set())
