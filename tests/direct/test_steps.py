"""Begin, finish, discard: what the site accepts from a browser, and what it refuses."""

from __future__ import annotations

import io
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.direct.conftest import BASE, Browser, media_names, names, picture, put

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine

HTML = b"<!doctype html><script>alert(1)</script>"


def test_an_accepted_picture_is_copied_with_its_real_type_and_its_name(
    browser: Browser, hold: Quarantine
) -> None:
    from gallery.models import Picture

    body = picture("JPEG")
    token = browser.token(body, "my_cat 1.png")
    assert browser.client.post("/", {"image-uploaded": token, "title": ""}).status_code == 302
    saved = Picture.objects.get()
    assert (saved.title, saved.width, saved.height) == ("my cat 1", 40, 30)
    assert str(saved.image.name).startswith("pictures/")
    assert str(saved.image.name).endswith(".jpg")
    assert names(hold) == []
    with urllib.request.urlopen(saved.image.url, timeout=10) as blob:
        assert blob.read() == body
        assert blob.headers["Content-Type"] == "image/jpeg"
        assert blob.headers["Cache-Control"] == "public, max-age=3600"
        assert blob.headers["x-ms-meta-original_name"] == "my_cat%201.png"


def test_a_refused_file_is_deleted_and_the_reason_is_reported(
    browser: Browser, hold: Quarantine
) -> None:
    grant = browser.send(HTML, "cat.png")
    assert len(names(hold)) == 1
    answer = browser.ask("finish", id=grant["id"])
    assert answer.status_code == 422
    assert answer.json()["code"] == "type"
    assert "can be stored" in answer.json()["error"]
    assert names(hold) == []


def test_a_file_that_is_too_large_is_refused_before_it_is_signed_or_read(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = browser.begin("cat.png", 10 * 1024 * 1024 + 1)
    assert refused["code"] == "too_large"
    assert "url" not in refused
    # A signature binds no size: this upload is larger than it claimed.
    grant = browser.begin("cat.png", 100)
    assert put(grant["url"], bytes(10 * 1024 * 1024 + 1), grant["headers"])[0] == 201
    monkeypatch.setattr(
        "azureblob.direct.quarantine.BlobReader", lambda *_: pytest.fail("it was read")
    )
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "too_large")
    assert names(hold) == []


@pytest.mark.parametrize("length", [99, 101])
def test_an_upload_of_another_size_than_claimed_is_refused(
    browser: Browser, hold: Quarantine, length: int
) -> None:
    grant = browser.begin("cat.png", 100)
    assert put(grant["url"], bytes(length), grant["headers"])[0] == 201
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "broken")
    assert names(hold) == []


def test_an_upload_that_did_not_arrive_is_missing(browser: Browser) -> None:
    grant = browser.begin("cat.png", 100)
    assert browser.begin("cat.png", 100, id=grant["id"])["exists"] is False
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "missing")


def test_a_discarded_upload_is_deleted(browser: Browser, hold: Quarantine) -> None:
    grant = browser.send(picture())
    assert browser.ask("discard", id=grant["id"]).json() == {}
    assert names(hold) == []
    assert browser.ask("discard", id=grant["id"]).status_code == 200


def test_a_token_works_once(browser: Browser, hold: Quarantine) -> None:
    from gallery.models import Picture

    token = browser.token(picture())
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
    again = browser.client.post("/", {"image-uploaded": token, "title": "Kept"})
    assert again.status_code == 422
    assert "was used or removed already" in again.content.decode()
    assert Picture.objects.count() == 1
    assert browser.client.post("/", {"image-uploaded": [token, token]}).status_code == 422


def test_a_blob_that_was_replaced_after_its_inspection_is_not_copied(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that sends blocks has a write permission, and could replace the file after its
    inspection. The claim and the copy both have the inspected version as their condition."""
    from gallery.models import Picture

    monkeypatch.setattr("azureblob.direct.endpoint.ONE_REQUEST_BYTES", 1)
    body = picture()
    grant = browser.begin("cat.png", len(body))
    assert put(grant["url"], body, {"x-ms-blob-type": "BlockBlob"}) == (201, "")
    token = browser.ask("finish", id=grant["id"]).json()["token"]
    other = HTML.ljust(len(body))
    assert put(grant["url"], other, {"x-ms-blob-type": "BlockBlob"}) == (201, "")
    before = media_names()
    answer = browser.client.post("/", {"image-uploaded": token})
    assert answer.status_code == 422
    assert "was used or removed already" in answer.content.decode()
    assert media_names() == before
    assert not Picture.objects.exists()


def test_the_blob_is_looked_up_once_in_the_whole_flow(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By *finish*. The form trusts the token, and saving has the token's version as condition."""
    from azure.core.pipeline.transport import RequestsTransport

    grant = browser.send(picture())
    requests: list[str] = []
    send = RequestsTransport.send

    def recording(self: Any, request: Any, **options: Any) -> Any:
        if "/quarantine/uploads/" in request.url:
            requests.append(request.method)
        return send(self, request, **options)

    monkeypatch.setattr(RequestsTransport, "send", recording)
    token = browser.ask("finish", id=grant["id"]).json()["token"]
    assert requests == ["HEAD", "GET", "PUT"]
    requests.clear()
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
    assert requests == ["PUT", "DELETE"]  # the claim, and the deletion after the copy


def test_a_view_that_does_not_expect_a_used_token_answers_with_a_sentence(
    browser: Browser,
) -> None:
    from django.contrib.auth import get_user_model

    from gallery.models import Picture

    user = get_user_model().objects.create_superuser("saves-twice", password="p")
    try:
        browser.client.force_login(user)
        address = "/admin/gallery/picture/add/"
        token = browser.token(picture(), "once.png")
        assert browser.client.post(address, {"image-uploaded": token}).status_code == 302
        again = browser.client.post(address, {"image-uploaded": token, "title": "Twice"})
        assert again.status_code == 409
        assert "“once.png” was used or removed already." in again.content.decode()
        assert Picture.objects.count() == 1
    finally:
        user.delete()


def test_a_view_without_a_quarantine_container_answers_with_a_sentence(browser: Browser) -> None:
    from django.contrib.auth import get_user_model
    from django.test import override_settings

    user = get_user_model().objects.create_superuser("finds-none", password="p")
    try:
        browser.client.force_login(user)
        fields = {"image-uploaded": browser.token(picture()), "title": "Lost"}
        with override_settings(AZURE_QUARANTINE_CONTAINER="not-there"):
            page = browser.client.post("/admin/gallery/picture/add/", fields)
            accepts_json = {"accept": "application/json"}
            answer = browser.client.post(
                "/admin/gallery/picture/add/", fields, headers=accepts_json
            )
        assert (page.status_code, answer.status_code) == (503, 503)
        assert "Uploads are not available right now." in page.content.decode()
        assert answer.json()["code"] == "unavailable"
    finally:
        user.delete()


def test_the_service_refuses_to_copy_another_version(browser: Browser, hold: Quarantine) -> None:
    """That must not be taken for a name in use: a save would try other names forever."""
    from azureblob.exceptions import UploadGone

    browser.send(picture())
    target = hold.storage.client.get_blob_client("uploads/target")
    with pytest.raises(UploadGone):
        hold.copy(names(hold)[0], '"0x8DC0000000000"', target, {}, overwrite=False)
    assert not target.exists()


def test_a_token_of_another_endpoint_is_not_accepted(browser: Browser) -> None:
    """Otherwise a file that passed loose rules could be submitted to a field with strict ones."""
    from dataclasses import replace

    from azureblob.direct.tokens import UploadToken

    found = browser.passed(picture())
    foreign = replace(found, endpoint="papers").signed()
    answer = browser.client.post("/", {"image-uploaded": foreign})
    assert answer.status_code == 422
    assert "not known any more" in answer.content.decode()
    upload = UploadToken("papers", found.owner, found.blob, "a", 1).signed()
    for step in ("finish", "discard"):
        assert browser.ask(step, id=upload).status_code == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"{}", b'{"files": []}', b'{"files": [{"name": 1, "size": 2}]}', b"\xff"],
)
def test_a_request_that_makes_no_sense_is_a_bad_request(browser: Browser, body: bytes) -> None:
    answer = browser.client.post(f"{BASE}begin/", body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


@pytest.mark.parametrize("step", ["begin", "finish", "discard"])
def test_an_invented_id_is_not_accepted(browser: Browser, step: str) -> None:
    made_up: dict[str, Any] = (
        {"files": [{"id": "a:b:c"}]} if step == "begin" else {"id": "uploads/x"}
    )
    answer = browser.ask(step, **made_up)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert browser.client.get(f"{BASE}{step}/").status_code == 405


def test_a_name_that_is_too_long_and_an_empty_file_are_refused_individually(
    browser: Browser,
) -> None:
    assert browser.begin("n" * 201, 5)["code"] == "name"
    assert browser.begin("cat.png", 0)["code"] == "empty"


@pytest.mark.parametrize("step", ["begin", "finish", "discard"])
def test_without_a_csrf_token_and_without_the_permission_nothing_is_signed(
    browser: Browser, step: str
) -> None:
    from django.test import Client, override_settings

    body = json.dumps({"files": [{"name": "a.png", "size": 1}], "id": "x"})
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(f"{BASE}{step}/", body, "application/json")
    assert answer.status_code == 403
    assert "sig=" not in answer.content.decode()
    with override_settings(GALLERY_OPEN=False):
        refused = browser.client.post(f"{BASE}{step}/", body, "application/json")
        assert refused.status_code == 403
        assert refused.json()["code"] == "forbidden"


def test_a_storage_failure_is_reported_and_nothing_secret_is_logged(
    browser: Browser, hold: Quarantine, caplog: pytest.LogCaptureFixture
) -> None:
    """The upload stays: the file is not at fault."""
    from django.test import override_settings

    grant = browser.send(picture())
    nowhere = "http://127.0.0.1:1/djangoaccountstorage/"
    with override_settings(AZURE_BLOB_ENDPOINT=nowhere):
        answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage")
    assert "127.0.0.1" not in answer.content.decode()
    assert "sig=" not in caplog.text
    assert names(hold)
    assert browser.ask("finish", id=grant["id"]).status_code == 200


def test_a_read_that_fails_halfway_is_not_taken_for_a_damaged_picture(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import ServiceResponseError

    from azureblob.direct.blob_reader import PAGE_BYTES, BlobReader

    noise = io.BytesIO()
    Image.effect_noise((400, 400), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > PAGE_BYTES
    grant = browser.send(noise.getvalue())
    fetch = BlobReader._fetch

    def broken(self: BlobReader, first: int) -> None:
        if first:  # in the decoder, which takes any error for a damaged file
            raise ServiceResponseError("cut")
        fetch(self, first)

    monkeypatch.setattr(BlobReader, "_fetch", broken)
    assert browser.ask("finish", id=grant["id"]).status_code == 503
    assert names(hold)
    monkeypatch.undo()
    assert browser.ask("finish", id=grant["id"]).status_code == 200


def test_answers_must_not_be_stored(browser: Browser) -> None:
    answer = browser.ask("begin", files=[{"name": "a.png", "size": 1}])
    assert "no-store" in answer.headers["Cache-Control"]
