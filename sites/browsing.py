"""Pages of a site in Chromium: what fails, what the console says, and who else is asked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, sync_playwright

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
_HOST = "127.0.0.1"
_LOAD_MS, _IDLE_MS = 30_000, 5_000
_LONGEST = 300


@dataclass
class Visit:
    """What went wrong on some pages, each as one line that no port or session changes."""

    pages: int = 0
    wrong: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def note(self, page: str, text: str) -> None:
        """A problem is reported for the first page that has it."""
        line = " ".join(text.split())[:_LONGEST]
        if not any(known.endswith(f": {line}") for known in self.wrong):
            self.wrong.append(f"{page}: {line}")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=list(_FLAGS),
        )
        yield browser
        browser.close()


def visit(browser: Browser, origin: str, session: str, paths: Iterable[str], static: str) -> Visit:
    """Open each page as the administrator. Hosts other than this machine are not reached."""
    found = Visit()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": session, "url": origin}])
    try:
        context.route(re.compile(rf"^https?://(?!{re.escape(_HOST)}[:/])"), _refused(found))
        for path in paths:
            _open(context, origin, path, static, found)
    finally:
        context.close()
    return found


def _refused(found: Visit):  # type: ignore[no-untyped-def]
    def refuse(route: Route) -> None:
        found.hosts.add(urlsplit(route.request.url).hostname or "")
        route.abort()

    return refuse


def _open(context: BrowserContext, origin: str, path: str, static: str, found: Visit) -> None:
    def shown(text: str) -> str:
        text = text.replace(static, "STATIC/").replace(origin, "")
        return re.sub(r":\d+:\d+\b", "", text)

    def local(url: str) -> bool:
        return urlsplit(url).hostname in (_HOST, None)

    page = context.new_page()
    _listen(page, path, shown, local, found)
    try:
        answer = page.goto(f"{origin}{path}", wait_until="load", timeout=_LOAD_MS)
        found.pages += 1
        if answer is not None and answer.status >= 500:
            found.note(path, f"status {answer.status}")
        page.wait_for_load_state("networkidle", timeout=_IDLE_MS)
    except Error as error:
        # A page that polls is never idle.
        if "Timeout" not in error.message or page.url == "about:blank":
            found.note(path, f"{shown(error.message.splitlines()[0])}")
    finally:
        page.close()


def _listen(page: Page, path: str, shown, local, found: Visit) -> None:  # type: ignore[no-untyped-def]
    def answered(response) -> None:  # type: ignore[no-untyped-def]
        if response.status >= 400 and local(response.url):
            found.note(path, f"{response.status} for {shown(response.url)}")

    def failed(request) -> None:  # type: ignore[no-untyped-def]
        if local(request.url) and "ERR_ABORTED" not in (request.failure or ""):
            found.note(path, f"{shown(request.url)} failed: {request.failure}")

    def said(message) -> None:  # type: ignore[no-untyped-def]
        source = message.location.get("url", "")
        if (
            message.type == "error"
            and local(source)
            and "Failed to load resource" not in message.text
        ):
            found.note(path, f"console: {shown(message.text)}")

    page.on("response", answered)
    page.on("requestfailed", failed)
    page.on("console", said)
    page.on("pageerror", lambda error: found.note(path, f"script: {shown(str(error))}"))
