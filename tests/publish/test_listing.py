"""List Blobs: every page of it, and every name as it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from azureblob.rest import listing
from azureblob.rest.auth import SharedKey
from azureblob.rest.transport import Limits, Transport
from tests.faults import FaultProxy
from tests.publish.container import Container
from tests.publish.site import Site

NAMES = [
    "a b.txt",
    "a%20b.txt",
    "a#b?c&d=e.txt",
    "<&'\">.txt",
    "\u00fcber/\u65e5\u672c.txt",
    "deep/er/\U0001f600.txt",
    "x" * 200,
]


def test_all_pages_are_read_and_all_names_are_what_they_were(
    container: Container, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PAGE_SIZE", "3")
    for name in NAMES:
        container.put(name, name.encode())
    url = f"http://127.0.0.1:{proxy.port}/{container.account}/{container.name}"
    with Transport(url, SharedKey(container.account, container.key), Limits()) as transport:
        found = listing.list_blobs(transport)
        assert found.keys() == set(NAMES)
    assert [record.comp for record in proxy.take()] == ["list"] * 3
    by_sdk = container.blobs()
    for name, blob in found.items():
        assert blob.size == len(name.encode())
        assert blob.etag == by_sdk[name].etag
        assert abs(blob.modified - by_sdk[name].last_modified.timestamp()) < 1


def test_names_that_urls_and_xml_escape_are_published_and_found_again(
    site: Site, container: Container, proxy: FaultProxy
) -> None:
    # A file's name may not be as long as a blob's.
    tree = {name.replace("\U0001f600", "e"): name.encode() for name in NAMES}
    site.write(tree)
    for hashed in (False, True):
        assert site.publish(hashed_names=hashed).well().counts[0] == len(tree)
        assert site.publish(hashed_names=hashed).well().counts[:2] == (0, len(tree))
    for name, content in tree.items():
        assert container.get(name).body == content
    container.holds(site.expected())
    assert not Path(site.static / "staticfiles.json").exists()
