"""List Blobs: all pages are read, and all names are as they were given."""

from __future__ import annotations

import pytest

from azureblob.rest import listing
from azureblob.rest.auth import SharedKey
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import (
    BLOB_HEADERS,
    Bytes,
    blob_headers,
    md5,
    metadata_headers,
    put_blob,
    set_properties,
)
from azureblob.rest.transport import Limits, Transport
from tests.faults import FaultProxy
from tests.publish.container import Container

NAMES = [
    "a b.txt",
    "a%20b.txt",
    "a#b?c&d=e.txt",
    "<&'\">.txt",
    "\u00fcber/\u65e5\u672c.txt",
    "deep/er/\U0001f600.txt",
    "x" * 200,
]


def test_all_pages_are_read_and_all_names_are_as_they_were_given(
    container: Container, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PAGE_SIZE", "3")
    for name in NAMES:
        container.put(name, name.encode())
    url = f"http://127.0.0.1:{proxy.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        found = list_blobs(transport)
        assert found.keys() == set(NAMES)
    assert [record.comp for record in proxy.take()] == ["list"] * 3
    by_sdk = container.blobs()
    for name, blob in found.items():
        assert blob.size == len(name.encode())
        assert blob.etag == by_sdk[name].etag
        assert abs(blob.modified - by_sdk[name].last_modified.timestamp()) < 1


def test_a_blob_has_its_headers_and_its_metadata(container: Container) -> None:
    headers = {
        "content_type": "text/css",
        "cache_control": "no-cache",
        "content_language": "de",
        "content_disposition": "inline",
        "content_encoding": "gzip",
    }
    assert headers.keys() == {header.attribute for header in BLOB_HEADERS}
    url = f"http://127.0.0.1:{container.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        sent = {**blob_headers(headers), **metadata_headers({"Md5": "ab"})}
        body = b"a { }"
        assert transport.send(put_blob("a.css", Bytes(body), md5(body), sent)).ok
        blob = list_blobs(transport)["a.css"]
        assert {name: getattr(blob, name) for name in headers} == headers
        assert blob.metadata == {"md5": "ab"}
        answer = container.get("a.css")
        for header in BLOB_HEADERS:
            assert answer.headers[header.response.lower()] == headers[header.attribute]


def test_setting_the_headers_of_a_blob_does_not_clear_its_md5(container: Container) -> None:
    url = f"http://127.0.0.1:{container.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        body = b"a { }"
        assert transport.send(put_blob("a.css", Bytes(body), md5(body), {})).ok
        before = list_blobs(transport)["a.css"]
        headers = blob_headers({"content_type": "text/css"})
        assert transport.send(set_properties("a.css", before, headers)).ok
        after = list_blobs(transport)["a.css"]
    assert before.md5 == after.md5 != ""
    assert after.content_type == "text/css"


def test_a_body_that_is_not_the_one_of_its_md5_is_refused(container: Container) -> None:
    url = f"http://127.0.0.1:{container.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        response = transport.send(put_blob("a.css", Bytes(b"other"), md5(b"a { }"), {}))
    assert (response.status, container.blobs()) == (400, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_account_on_this_machine_is_asked_without_the_proxy(
    container: Container, proxy: FaultProxy, host: str, request: pytest.FixtureRequest
) -> None:
    container.put("a.txt", b"a")
    request.getfixturevalue("dead_proxy")  # the container was prepared without it
    url = f"http://{host}:{proxy.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        assert list_blobs(transport).keys() == {"a.txt"}


def test_an_account_elsewhere_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    key = SharedKey("a", "a2V5")
    url = "http://blob.example/c"
    with (
        Transport(url, key, Limits(attempts=1)) as transport,
        pytest.raises(BlobServiceError, match=r"127\.0\.0\.1"),
    ):
        list_blobs(transport)
