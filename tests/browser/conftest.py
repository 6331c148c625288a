"""A Chromium, and the site served as `manage.py runserver --nostatic` does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import NAMES
from tests.app.conftest import site_environment
from tests.conftest import free_port
from tests.site import MANAGE, inherited, manage

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Site:
    """`origin` without a slash at the end; `static` and `media` with one."""

    origin: str
    static: str
    media: str
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    def manage(self, *command: str) -> None:
        """Run a management command of the site."""
        manage(self.environment, *command)

    def clear(self) -> None:
        """Delete the pictures that earlier tests left."""
        delete = "from gallery.models import Picture; Picture.objects.all().delete()"
        self.manage("shell", "--no-imports", "-c", delete)


@dataclass
class Visit:
    """A page, and what happened while it was used."""

    page: Page
    responses: list[Any] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def site(
    azure_env: dict[str, str], prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    environment = {
        **inherited(),
        **site_environment(azure_env, folder),
        "PYTHONUNBUFFERED": "1",
    }
    shutil.copy(prepared, folder)
    port = free_port()
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, MANAGE, "runserver", "--nostatic", "--noreload", f"127.0.0.1:{port}"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    origin = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{origin}/healthz", server, log)
        base = f"http://{azure_env['AZURE_CUSTOM_DOMAIN']}"
        yield Site(
            origin,
            f"{base}/{azure_env['AZURE_STATIC_CONTAINER']}/",
            f"{base}/{azure_env['AZURE_MEDIA_CONTAINER']}/",
            environment,
        )
    finally:
        server.terminate()
        server.wait(10)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the URL answers 200; fails with the server's log."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"The site did not become healthy:\n{log.read_text()}")


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The browser that CHROMIUM names, else the first on PATH, else Playwright's own.

    Keep it open no longer than needed, and open it after a deployment: Playwright keeps an event
    loop running in this thread, in which nothing else can start one.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=[*FLAGS, *flags])
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A desktop window with a light colour scheme and an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    made = Visit(context.new_page())
    made.page.set_default_timeout(15_000)
    made.page.on("response", lambda response: made.responses.append(response))
    made.page.on(
        "console",
        lambda message: (
            made.failures.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
    made.page.on("pageerror", lambda error: made.failures.append(str(error)))
    made.page.on("requestfailed", lambda request: made.failures.append(request.url))
    yield made
    context.close()


@pytest.fixture(scope="session")
def shots() -> Path | None:
    """The folder for screenshots, if SCREENSHOTS names one."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None
