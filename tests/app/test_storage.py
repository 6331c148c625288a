"""The storages, against a real blob service."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from azureblob.content_types import content_type
from azureblob.signing import CLOCK_SKEW_SECONDS, window

if TYPE_CHECKING:
    from azureblob.staticfiles import StaticBlobStorage
    from azureblob.storage import BlobStorage

AWKWARD = [
    "with space.txt",
    "100%.txt",
    "50%25.txt",
    "hash#tag.txt",
    "what?.txt",
    "a&b=c+d.txt",
    "grüße/猫 🐈.txt",
    "quote'\".txt",
    "semi;colon,comma.txt",
]


@pytest.fixture
def media(django_site: None) -> BlobStorage:
    from backend.custom_azure import AzureMediaStorage

    return AzureMediaStorage()


@pytest.fixture
def static(django_site: None) -> StaticBlobStorage:
    from backend.custom_azure import AzureStaticStorage

    return AzureStaticStorage()


def content(text: bytes = b"hello") -> Any:
    from django.core.files.base import ContentFile

    return ContentFile(text)


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.headers, response.read()


@pytest.mark.parametrize("name", AWKWARD)
def test_a_blob_of_any_name_is_saved_found_and_read_by_its_url(
    media: BlobStorage, name: str
) -> None:
    saved = media.save(f"names/{name}", content(name.encode()))
    assert saved == f"names/{name}"
    assert media.exists(saved)
    assert media.size(saved) == len(name.encode())
    with media.open(saved) as file:
        assert file.read() == name.encode()
    assert fetch(media.url(saved))[1] == name.encode()
    media.delete(saved)
    assert not media.exists(saved)


def test_a_url_begins_with_the_custom_domain_and_needs_no_network(
    azure_env: dict[str, str], django_site: None
) -> None:
    from django.conf import settings

    from backend.custom_azure import AzureStaticStorage

    nowhere = "http://127.0.0.1:1/nobody/"
    storage = AzureStaticStorage(blob_endpoint=nowhere, hashed_names=False)
    domain = azure_env["AZURE_CUSTOM_DOMAIN"]
    assert storage.url("a b/c.css") == f"http://{domain}/static/a%20b/c.css"
    # Neither a folder nor the container is in a manifest: none is asked for.
    storage = AzureStaticStorage(blob_endpoint=nowhere)
    assert storage.url("folder/") == f"http://{domain}/static/folder/"
    assert storage.url("") == settings.STATIC_URL == f"http://{domain}/static/"


def test_the_urls_scheme_is_https_unless_the_endpoint_is_http(django_site: None) -> None:
    from backend.custom_azure import AzureMediaStorage

    azure = AzureMediaStorage(
        blob_endpoint="https://shop.blob.core.windows.net/", custom_domain="cdn.example.com"
    )
    assert azure.url("a.png") == "https://cdn.example.com/media/a.png"
    signed = AzureMediaStorage(
        blob_endpoint="https://shop.blob.core.windows.net/",
        custom_domain="cdn.example.com",
        signed=True,
    )
    assert "spr=https&" in signed.url("a.png")


def test_a_missing_blob_is_a_file_not_found(media: BlobStorage) -> None:
    assert not media.exists("no/such.txt")
    for ask in (media.open, media.size, media.get_modified_time):
        with pytest.raises(FileNotFoundError, match=r"no/such\.txt"):
            ask("no/such.txt")
    media.delete("no/such.txt")


def test_a_name_cannot_climb_out_of_the_container(media: BlobStorage) -> None:
    from django.core.exceptions import SuspiciousOperation

    with pytest.raises(SuspiciousOperation):
        media.save("../static/admin/css/base.css", content())


def test_a_second_upload_of_a_name_gets_another_one(media: BlobStorage) -> None:
    first, second = (media.save("twice.txt", content(text)) for text in (b"one", b"two"))
    assert first != second
    with media.open(first) as file:
        assert file.read() == b"one"


def test_concurrent_saves_of_one_name_are_all_stored(
    media: BlobStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them sees the name free, because all look before any uploads."""
    together = threading.Barrier(8)
    looked = threading.local()
    free = media.get_available_name

    def wait_for_the_others(name: str, max_length: int | None = None) -> str:
        found: str = free(name, max_length)
        if not getattr(looked, "once", False):
            looked.once = True
            together.wait(20)
        return found

    monkeypatch.setattr(media, "get_available_name", wait_for_the_others)
    saved: dict[str, bytes] = {}
    failures: list[BaseException] = []

    def save(text: bytes) -> None:
        try:
            saved[media.save("race/one.txt", content(text))] = text
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(b"%d" % number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(saved) == 8
    for name, text in saved.items():
        with media.open(name) as file:
            assert file.read() == text


def test_a_file_opened_for_writing_replaces_what_is_there(media: BlobStorage) -> None:
    name = media.save("rewritten.txt", content(b"old"))
    with media.open(name, "w") as file:
        file.write("new")
    with media.open(name) as file:
        assert file.read() == b"new"
    assert not media.overwrite_files


def test_a_folder_is_listed_by_last_names(media: BlobStorage) -> None:
    for name in ("list/a.txt", "list/deep/b.txt", "listing.txt"):
        media.save(name, content())
    assert media.listdir("list") == (["deep"], ["a.txt"])
    folders, files = media.listdir("")
    assert "list" in folders
    assert "listing.txt" in files


@pytest.mark.parametrize("access", ["private, max-age=3600", "public, max-age=3600"])
def test_media_says_who_may_cache_it(media: BlobStorage, access: str) -> None:
    from django.test import override_settings

    from backend.custom_azure import AzureMediaStorage

    with override_settings(AZURE_MEDIA_ACCESS=access.partition(",")[0]):
        storage = AzureMediaStorage()
    headers, _ = fetch(storage.url(storage.save("cache/a.txt", content())))
    assert headers["Cache-Control"] == access


def test_static_files_are_overwritten_and_carry_type_and_caching(static: StaticBlobStorage) -> None:
    assert static.save("tests/a.css", content(b"one")) == "tests/a.css"
    assert static.save("tests/a.css", content(b"two")) == "tests/a.css"
    # What a program saves is in no manifest, and has the name that it was given.
    headers, body = fetch(f"{static.url('')}tests/a.css")
    assert body == b"two"
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=300"


def test_the_type_comes_from_the_content_and_not_from_the_client(media: BlobStorage) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    upload = SimpleUploadedFile("pic.png", b"<script>", content_type="text/html")
    headers, _ = fetch(media.url(media.save("pic.png", upload)))
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.js", "text/javascript; charset=utf-8"),
        ("B.CSS", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("x.tar.gz", "application/gzip"),
        ("LICENSE", "application/octet-stream"),
        ("v1.js/LICENSE", "application/octet-stream"),
        ("a.html", "text/html; charset=utf-8"),
    ],
)
def test_each_name_has_its_content_type(name: str, expected: str) -> None:
    assert content_type(name) == expected


def test_a_private_container_is_read_with_the_signature_only(
    azure_env: dict[str, str], django_site: None
) -> None:
    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(azure_container="private-tests", signed=True)
    storage.client.create_container()
    name = storage.save("grüße #1?.txt", content(b"mine"))
    url = storage.url(name)
    assert fetch(url)[1] == b"mine"
    with pytest.raises(urllib.error.HTTPError):
        fetch(url.partition("?")[0])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=10)
    refused.value.close()
    assert storage.exists(name)


def test_a_signed_url_stays_the_same_within_its_period(
    django_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(signed=True)
    urls = []
    for moment in (7200.0, 10799.0, 10800.0):
        monkeypatch.setattr("azureblob.signing.time.time", lambda moment=moment: moment)
        urls.append(storage.url("a.png"))
    assert urls[0] == urls[1] != urls[2]


@pytest.mark.parametrize("now", [7200.0, 9000.5, 10799.9])
def test_a_signature_is_backdated_and_valid_for_at_least_a_period(now: float) -> None:
    start, expiry = window(now, 3600)
    moment = datetime.fromtimestamp(now, UTC)
    assert (moment - start).total_seconds() >= CLOCK_SKEW_SECONDS
    assert 3600 < (expiry - moment).total_seconds() <= 7200
