"""A Chromium, a server that running scripts report to, and models with checked fields."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.app.conftest import django_site  # noqa: F401  # for the fixtures below
from tests.browser.conftest import chromium


@dataclass
class Beacon:
    """`heard` has the keys of files whose script ran. `/blank` below `url` is an empty page."""

    url: str
    heard: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def beacon() -> Iterator[Beacon]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/blank":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                return
            if self.path != "/favicon.ico":
                made.heard.add(self.path.strip("/"))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Beacon(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def models(django_site: None) -> Any:  # noqa: F811
    """Two models without tables: the tests end at the storage."""
    from django.db import models as db
    from django.test.utils import isolate_apps

    from azureblob.uploads.fields import CheckedFileField, CheckedImageField
    from azureblob.uploads.rules import UploadRules

    with isolate_apps("gallery"):

        class Photo(db.Model):
            width = db.PositiveIntegerField(null=True, editable=False)
            height = db.PositiveIntegerField(null=True, editable=False)
            file = CheckedImageField(upload_to="photos", width_field="width", height_field="height")

            class Meta:
                app_label = "gallery"

        class Paper(db.Model):
            file = CheckedFileField(upload_to="papers", rules=UploadRules(others="attachment"))

            class Meta:
                app_label = "gallery"

    @dataclass(frozen=True)
    class Models:
        photo: type[db.Model] = Photo
        paper: type[db.Model] = Paper

    return Models()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a Chromium that accepts no downloads."""
    with chromium() as running:
        made = running.new_context(accept_downloads=False).new_page()
        made.set_default_timeout(15_000)
        yield made
