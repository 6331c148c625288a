"""Several uploads of one form: asked about, removed and put back side by side, in one budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.app.conftest import client, django_site  # noqa: F401  # for the fixtures below
from tests.direct.conftest import Browser, empty, hold, media_names, names, picture  # noqa: F401

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient
    from django.test import Client

    from azureblob.direct.quarantine import Quarantine


@pytest.fixture
def browser(client: Client) -> Browser:  # noqa: F811
    return Browser(client)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The most calls at a time, by the method of Quarantine; each takes a moment."""
    from azureblob.direct.quarantine import Quarantine

    most: dict[str, int] = {}
    lock = threading.Lock()
    running = dict.fromkeys(("properties", "delete"), 0)

    def slow(name: str) -> None:
        original: Any = getattr(Quarantine, name)

        def call(*arguments: Any, **options: Any) -> Any:
            with lock:
                running[name] += 1
                most[name] = max(most.get(name, 0), running[name])
            time.sleep(0.1)
            try:
                return original(*arguments, **options)
            finally:
                with lock:
                    running[name] -= 1

        monkeypatch.setattr(Quarantine, name, call)

    for name in running:
        slow(name)
    yield most


def test_the_uploads_of_a_form_are_not_asked_about_and_removed_side_by_side(
    browser: Browser,
    hold: Quarantine,  # noqa: F811
    at_once: dict[str, int],
) -> None:
    from gallery.models import Picture

    tokens = [browser.token(picture(), f"{n}.png") for n in range(5)]
    at_once.clear()
    assert browser.client.post("/", {"image-uploaded": tokens}).status_code == 302
    assert "properties" not in at_once
    assert at_once["delete"] > 2
    assert sorted(Picture.objects.values_list("title", flat=True)) == list("01234")
    assert names(hold) == []


def test_a_form_that_comes_back_keeps_its_uploads_in_their_order(
    browser: Browser, at_once: dict[str, int]
) -> None:
    tokens = [browser.token(picture(), f"{n}.png") for n in range(5)]
    at_once.clear()
    answer = browser.client.post("/", {"image-uploaded": [*tokens, "unknown"]})
    assert answer.status_code == 422
    assert at_once["properties"] > 2
    page = answer.content.decode()
    places = [page.index(token) for token in tokens]
    assert places == sorted(places)
    assert "This upload is not known any more." in page


def test_moves_are_undone_though_the_budget_is_spent(
    browser: Browser,
    hold: Quarantine,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from azureblob.timeouts import current
    from gallery.models import Picture

    tokens = [browser.token(picture(), f"{n}.png") for n in range(3)]
    before = media_names()
    save = Picture.save

    def last_fails(self: Picture, *arguments: Any, **options: Any) -> None:
        if self.title == "2":
            budget = current()
            assert budget is not None
            budget._spent = 1000.0
        save(self, *arguments, **options)

    monkeypatch.setattr(Picture, "save", last_fails)
    assert browser.client.post("/", {"image-uploaded": tokens}).status_code == 503
    assert not Picture.objects.exists()
    assert media_names() == before
    monkeypatch.undo()
    assert browser.client.post("/", {"image-uploaded": tokens}).status_code == 302


def test_a_copy_that_stays_pending_ends_with_the_budget_and_leaves_nothing(
    hold: Quarantine,  # noqa: F811
) -> None:
    """No service on this machine copies so slowly: the target is made up."""
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    class Pending:
        deleted = 0
        copy = SimpleNamespace(status="pending")

        def start_copy_from_url(self, *_: Any, **__: Any) -> dict[str, str]:
            return {"copy_status": "pending"}

        def get_blob_properties(self) -> Pending:
            return self

        def delete_blob(self, **_: Any) -> None:
            self.deleted += 1

    target = Pending()
    begin = time.monotonic()
    with budget(0.7), pytest.raises(AzureError):
        hold.copy("uploads/x", "etag", cast("BlobClient", target), {}, overwrite=True)
    assert time.monotonic() - begin < 3
    assert target.deleted == 1


def test_uploads_that_begin_again_are_asked_about_side_by_side(
    browser: Browser, at_once: dict[str, int]
) -> None:
    grants = [browser.send(picture(), f"{n}.png") for n in range(5)]
    at_once.clear()
    files = [{"id": grant["id"], "name": "x", "size": 1} for grant in grants]
    answer = browser.ask("begin", files=files).json()
    assert [file["exists"] for file in answer["files"]] == [True] * 5
    assert at_once["properties"] > 2
