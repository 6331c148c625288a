"""Pictures deleted while storage fails: the rows go, a page comes, what stays behind is named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.conftest import client, django_site  # noqa: F401  # for the fixtures below
from tests.app.test_gallery import upload

if TYPE_CHECKING:
    from django.test import Client

    from gallery.models import Picture


def by_page(client: Client, pictures: list[Picture]) -> None:  # noqa: F811
    for picture in pictures:
        assert client.post(f"/pictures/{picture.pk}/delete/").status_code == 302
    assert client.get("/").status_code == 200


def by_admin(client: Client, pictures: list[Picture]) -> None:  # noqa: F811
    picked = {
        "action": "delete_selected",
        "_selected_action": [picture.pk for picture in pictures],
        "post": "yes",
    }
    assert client.post("/admin/gallery/picture/", picked).status_code == 302


def by_queryset(client: Client, pictures: list[Picture]) -> None:  # noqa: F811
    from gallery.models import Picture

    Picture.objects.filter(pk__in=[picture.pk for picture in pictures]).delete()


@pytest.fixture
def two(client: Client) -> Iterator[list[Picture]]:  # noqa: F811
    """A client that is logged in to the admin, and two pictures."""
    from django.contrib.auth import get_user_model

    from gallery.models import Picture

    admin = get_user_model().objects.create_superuser("deleting-admin", password="p")
    client.force_login(admin)
    for _ in range(2):
        assert client.post("/", {"image": upload()}).status_code == 302
    yield list(Picture.objects.all())
    Picture.objects.all().delete()
    admin.delete()


@pytest.mark.parametrize("way", [by_page, by_admin, by_queryset])
@pytest.mark.parametrize("kind", ["AzureError", "OSError"])
def test_each_blob_is_tried_and_named_when_it_stays(
    client: Client,  # noqa: F811
    two: list[Picture],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    way: Callable[[Any, Any], None],
    kind: str,
) -> None:
    from azure.core.exceptions import ServiceRequestError

    from azureblob.storage import BlobStorage
    from gallery.models import Picture

    tried = []

    def fail(self: BlobStorage, name: str) -> None:
        tried.append(name)
        text = "https://account/media/x?sig=secret"
        raise ServiceRequestError(text) if kind == "AzureError" else OSError(text)

    monkeypatch.setattr(BlobStorage, "delete", fail)
    with caplog.at_level(logging.INFO):
        way(client, two)
    names = {picture.image.name for picture in two}
    assert set(tried) == names
    assert not Picture.objects.exists()
    reported = [r.getMessage() for r in caplog.records if r.name == "gallery.cleanup"]
    assert len(reported) == 2
    assert {name for name in names if any(str(name) in text for text in reported)} == names
    assert "sig=" not in caplog.text
    assert "Traceback" not in caplog.text


def test_every_function_that_runs_on_commit_has_a_name_to_be_logged_with() -> None:
    """Django logs `__qualname__` of a robust one that fails; a functools.partial has none."""
    import ast

    from tests.conftest import ROOT

    calls = [
        (path, node)
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "on_commit"
    ]
    assert calls
    for path, node in calls:
        assert isinstance(node.args[0], ast.Name | ast.Attribute), (path, node.lineno)
