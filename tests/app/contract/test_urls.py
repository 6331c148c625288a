"""url(): of any name, fetched as a browser does, and made without a request."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.core.files.base import ContentFile

from tests.app.contract.conftest import Requests, media_storage, static_storage

NAMES = [
    "with space.txt",
    "100%.txt",
    "50%25.txt",
    "%2e%2e/up.txt",
    "hash#tag.txt",
    "what?.txt",
    "a&b=c+d.txt",
    "grüße/猫 🐈.txt",
    "quote'\".txt",
    "semi;colon,comma.txt",
    "tilde~(brackets)[square]{curly}|bar^caret`tick.txt",
    ".hidden/.file",
    "é-composed-é.txt",
    "x" * 1020 + ".txt",
    "猫" * 1020 + ".txt",
    "/".join(["segment"] * 128)[:1024],
    "/".join("s" * 254),
]


def test_the_url_of_any_name_leads_to_its_bytes(storage: Any) -> None:
    for name in NAMES:
        saved = storage.save(name, ContentFile(name.encode()))
        assert saved == name
        url = storage.url(name)
        assert url.isascii()
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == name.encode()
        folder, _, last = name.rpartition("/")
        assert storage.listdir(folder) == ([], [last])
        assert storage.size(name) == len(name.encode())
        storage.delete(name)
        assert not storage.exists(name)


def test_a_signed_url_of_any_name_leads_to_its_bytes(django_site: None) -> None:
    private = media_storage(signed=True)
    private.client.set_container_access_policy({}, public_access=None)
    for name in NAMES:
        saved = private.save(name, ContentFile(name.encode()))
        with urllib.request.urlopen(private.url(saved), timeout=10) as answer:
            assert answer.read() == name.encode()
        private.delete(name)


def test_a_folders_url_keeps_its_slash(storage: Any) -> None:
    root = storage.url("")
    assert root.endswith(f"/{storage.azure_container}/")
    assert storage.url("dir/") == f"{root}dir/"
    assert storage.url("a b/c/") == f"{root}a%20b/c/"
    assert storage.url("dir") == f"{root}dir"


def test_no_url_is_asked_for(storage: Any, counted: Requests) -> None:
    signed = type(media_storage())(signed=True)
    counted.sent.clear()
    for name in [*NAMES, "", "dir/", "no/such/file"]:
        storage.url(name)
        signed.url(name)
    assert counted.sent == []


def test_static_files_have_the_url_that_was_published_after_one_request(
    django_site: None, counted: Requests
) -> None:
    from django.test import override_settings

    from backend.custom_azure import AzureStaticStorage

    AzureStaticStorage().forget_manifest()
    storage = AzureStaticStorage()
    with override_settings(DEBUG=False):  # with it on, names are plain and nothing is read
        urls = [storage.url(name) for name in ("gallery/icon.svg", "admin/css/base.css")]
    assert [urlsplit(url).path.rpartition("/")[2] for _, url in counted.sent] == [
        "staticfiles.json"
    ]
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert "immutable" in answer.headers["Cache-Control"]


def test_a_static_name_beside_the_manifest_has_its_plain_url(django_site: None) -> None:
    storage = static_storage()
    assert storage.url("new.css") == f"{storage.url('')}new.css"
