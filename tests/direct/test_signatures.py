"""What the signed URL allows a browser to do: send one blob, once, within ten minutes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from azureblob.delegation import DelegationKeys
from azureblob.signing import CLOCK_SKEW_SECONDS, Signer
from tests.direct.conftest import Browser, names, put

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine

BLOB = {"x-ms-blob-type": "BlockBlob"}
LARGE = 32 * 1024 * 1024 + 1


def fields(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def test_the_signature_is_for_creating_one_blob_within_ten_minutes(browser: Browser) -> None:
    now = datetime.now(UTC)
    grant = browser.begin("cat.png", 100)
    found = fields(grant["url"])
    assert (found["sp"], found["sr"]) == ("c", "b")
    assert timedelta(minutes=9) < moment(found["se"]) - now <= timedelta(minutes=10, seconds=2)
    start = now - timedelta(seconds=CLOCK_SKEW_SECONDS)
    assert abs(moment(found["st"]) - start) < timedelta(seconds=5)
    path = urlsplit(grant["url"]).path
    assert "/quarantine/uploads/" in path
    assert "cat" not in path
    assert path != urlsplit(browser.begin("cat.png", 100)["url"]).path


def test_an_existing_blob_cannot_be_replaced_read_or_deleted(
    browser: Browser, hold: Quarantine
) -> None:
    import urllib.error
    import urllib.request

    grant = browser.begin("cat.png", 5)
    assert put(grant["url"], b"first", BLOB) == (201, "")
    assert put(grant["url"], b"other", BLOB)[0] == 403
    for method in ("GET", "HEAD", "DELETE"):
        request = urllib.request.Request(grant["url"], method=method)
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        assert refusal.value.code == 403
        refusal.value.close()
    blob = names(hold)[0]
    assert hold.reader(blob, 5, str(hold.properties(blob).etag)).read() == b"first"  # type: ignore[union-attr]


def test_the_signature_is_valid_for_no_other_blob_and_no_other_container(browser: Browser) -> None:
    url = browser.begin("cat.png", 5)["url"]
    assert put(url.replace("/uploads/", "/uploads/x"), b"12345", BLOB)[0] == 403
    assert put(url.replace("/quarantine/", "/media/"), b"12345", BLOB)[0] == 403


def test_the_signature_expires_and_is_renewed(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    grant = browser.begin("cat.png", 5)
    now = time.time()
    monkeypatch.setattr("azureblob.signing.time.time", lambda: now - 11 * 60)
    late = browser.begin("cat.png", 5, id=grant["id"])
    monkeypatch.undo()
    assert put(late["url"], b"12345", BLOB)[0] == 403
    again = browser.begin("cat.png", 5, id=grant["id"])
    assert urlsplit(again["url"]).path == urlsplit(grant["url"]).path
    assert put(again["url"], b"12345", BLOB) == (201, "")
    assert browser.begin("cat.png", 5, id=grant["id"])["exists"] is True


def test_blocks_need_a_write_permission_which_only_large_files_get(
    browser: Browser, django_site: None
) -> None:
    """ "Create an account SAS" lists Put Block and Put Block List under Write."""
    from gallery.uploads import pictures

    small = browser.begin("cat.png", 5)
    assert small["block_bytes"] == 0
    block = base64.b64encode(b"000000").decode()
    assert put(f"{small['url']}&comp=block&blockid={block}", b"12345")[0] == 403

    hold = pictures.quarantine
    url = hold.signed_url(hold.new_name(), blocks=True)
    assert fields(url)["sp"] == "w"
    assert put(f"{url}&comp=block&blockid={block}", b"12345") == (201, "")
    listed = f"<BlockList><Latest>{block}</Latest></BlockList>".encode()
    assert put(f"{url}&comp=blocklist", listed) == (201, "")


def test_the_signature_is_for_https_only_unless_the_endpoint_is_http() -> None:
    signer = Signer("account", "a2V5")
    asked: dict[str, Any] = {"container": "q", "blob": "b", "seconds": 600, "blocks": False}
    assert "spr=https&" in signer.send(**asked, https_only=True)
    assert "spr=https%2Chttp&" in signer.send(**asked, https_only=False)


def test_an_identity_signs_with_a_delegation_key_of_the_same_validity() -> None:
    from azure.storage.blob import UserDelegationKey

    asked: list[float] = []

    class Keys(DelegationKeys):
        def valid_until(self, moment: float) -> UserDelegationKey:
            asked.append(moment)
            key = UserDelegationKey()  # type: ignore[no-untyped-call]
            key.signed_oid, key.signed_tid = "oid", "tid"
            key.signed_start = key.signed_expiry = "2026-01-01T00:00:00Z"
            key.signed_service, key.signed_version = "b", "2021-12-02"
            key.value = "a2V5"
            return key

    signer = Signer("account", delegation_keys=Keys(lambda: pytest.fail("nothing is asked")))
    found = fields(
        "https://x/?"
        + signer.send(container="q", blob="b", seconds=600, blocks=False, https_only=True)
    )
    assert (found["sp"], found["skoid"], found["spr"]) == ("c", "oid", "https")
    assert moment(found["se"]).timestamp() == int(asked[0])
