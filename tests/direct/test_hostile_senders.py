"""A sender who uses everything that the signed URL allows."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import json
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.direct.conftest import Browser, media_names, names, picture, put

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine

BLOB = {"x-ms-blob-type": "BlockBlob"}
GZIP = {**BLOB, "x-ms-blob-content-encoding": "gzip"}
HTML = b"<html><script>alert(1)</script>"


def arrived(browser: Browser, body: bytes, headers: dict[str, str]) -> Any:
    """The answer to *finish* for a file that was sent with these headers."""
    grant = browser.begin("cat.png", len(body))
    assert put(grant["url"], body, headers) == (201, "")
    return browser.ask("finish", id=grant["id"])


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(picture()),  # decompresses to another size
        gzip.compress(picture()) + HTML,  # an image to the decoder, a page to a browser
        b"garbage",
        b"".join(gzip.compress(b"x" * 60_000) for _ in range(20)),
    ],
    ids=["short", "page", "garbage", "members"],
)
def test_an_upload_with_an_encoding_is_refused_and_deleted(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(
        "azureblob.direct.quarantine.BlobReader", lambda *_: pytest.fail("it was read")
    )
    answer = arrived(browser, body, GZIP)
    assert (answer.status_code, answer.json()["code"]) == (422, "properties")
    assert "content_encoding" in answer.json()["error"]
    assert names(hold) == []


@pytest.mark.parametrize(
    ("header", "value", "property_name"),
    [
        ("x-ms-blob-content-encoding", "identity", "content_encoding"),
        ("x-ms-blob-content-type", "text/html", "content_type"),
        ("Content-Type", "image/png", "content_type"),
        ("x-ms-blob-content-language", "en", "content_language"),
        ("x-ms-blob-content-disposition", "inline", "content_disposition"),
        ("x-ms-blob-cache-control", "public, max-age=9999999", "cache_control"),
        ("x-ms-meta-original_name", "x", "metadata"),
        ("x-ms-meta-spent", "", "metadata"),
        ("x-ms-access-tier", "Cool", "tier"),
    ],
)
def test_an_upload_with_any_property_is_refused_and_deleted(
    browser: Browser, hold: Quarantine, header: str, value: str, property_name: str
) -> None:
    answer = arrived(browser, picture(), {**BLOB, header: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "properties")
    assert property_name in answer.json()["error"]
    assert names(hold) == []


@pytest.mark.parametrize("kind", ["AppendBlob", "PageBlob"])
def test_another_type_of_blob_is_refused_and_deleted(
    browser: Browser, hold: Quarantine, kind: str
) -> None:
    grant = browser.begin("cat.png", 512)
    headers = {"x-ms-blob-type": kind, "x-ms-blob-content-length": "512"}
    if kind == "AppendBlob":
        grant = browser.begin("cat.png", 1)
    assert put(grant["url"], b"", headers)[0] == 201
    if kind == "AppendBlob":
        hold.storage.client.get_blob_client(names(hold)[0]).append_block(b"x")
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "properties")
    assert "blob_type" in answer.json()["error"]
    assert names(hold) == []


def test_a_copy_of_some_address_is_refused_and_deleted(browser: Browser, hold: Quarantine) -> None:
    body = picture()
    other = browser.send(body)
    source = hold._signer.read(
        container=hold.storage.azure_container, blob=names(hold)[0], period=600, https_only=False
    )
    url = f"{hold._url(names(hold)[0])}?{source}"
    grant = browser.begin("cat.png", len(body))
    assert put(grant["url"], b"", {"x-ms-copy-source": url})[0] == 202
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "properties")
    assert len(names(hold)) == 1
    assert other["id"]


def test_what_a_browser_sends_in_blocks_has_no_property(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azureblob.direct.endpoint.ONE_REQUEST_BYTES", 1)
    body = picture()
    grant = browser.begin("cat.png", len(body))
    block = base64.b64encode(b"000000").decode()
    assert put(f"{grant['url']}&comp=block&blockid={block}", body) == (201, "")
    listed = f"<BlockList><Latest>{block}</Latest></BlockList>".encode()
    assert put(f"{grant['url']}&comp=blocklist", listed) == (201, "")
    assert browser.ask("finish", id=grant["id"]).status_code == 200


def test_finish_may_be_requested_again_if_its_answer_was_lost(browser: Browser) -> None:
    grant = browser.send(picture())
    assert browser.ask("finish", id=grant["id"]).status_code == 200
    token = browser.ask("finish", id=grant["id"]).json()["token"]
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302


def test_a_refusal_is_reported_even_if_the_file_cannot_be_deleted(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import HttpResponseError

    grant = browser.send(HTML)

    def failing(*_: Any, **__: Any) -> None:
        raise HttpResponseError("by test")

    monkeypatch.setattr(type(hold), "delete", failing)
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "type")


# --- Snapshots ------------------------------------------------------------------------------------


def snapshot(url: str) -> int:
    return put(f"{url}&comp=snapshot", b"")[0]


def everything(found: Quarantine) -> list[str]:
    return [blob.name for blob in found.storage.client.list_blobs(include=["snapshots"])]


def test_the_sender_can_make_snapshots_and_they_change_nothing(
    browser: Browser, hold: Quarantine
) -> None:
    body = picture()
    refused, discarded, saved = browser.send(HTML), browser.send(body), browser.send(body)
    for grant in (refused, discarded, saved):
        assert snapshot(grant["url"]) == 201
    assert len(everything(hold)) == 6
    assert browser.ask("finish", id=refused["id"]).status_code == 422
    assert browser.ask("discard", id=discarded["id"]).status_code == 200
    token = browser.ask("finish", id=saved["id"]).json()["token"]
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
    assert everything(hold) == []


def test_the_purge_deletes_snapshots_as_well(browser: Browser, hold: Quarantine) -> None:
    from tests.direct.test_purge import purge

    assert snapshot(browser.send(picture())["url"]) == 201
    time.sleep(1.1)
    assert "1 uploads deleted" in purge("--older-than", "0")
    assert everything(hold) == []


def test_a_media_file_is_deleted_with_its_snapshots(django_site: None) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    name = default_storage.save("snapshots/a.png", ContentFile(b"x"))
    client = default_storage.client.get_blob_client(name)  # type: ignore[attr-defined]
    client.create_snapshot()
    default_storage.delete(name)
    assert not client.exists()


def test_the_purge_continues_after_an_upload_that_cannot_be_deleted(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import HttpResponseError
    from django.core.management import CommandError

    from tests.direct.test_purge import purge

    for _ in range(5):
        browser.send(picture())
    time.sleep(1.1)
    undeletable = sorted(names(hold))[0]
    delete = type(hold).delete

    def failing_for_one(self: Quarantine, blob: str, *more: Any) -> bool:
        if blob == undeletable:
            raise HttpResponseError("by test")
        return delete(self, blob, *more)

    monkeypatch.setattr(type(hold), "delete", failing_for_one)
    with pytest.raises(
        CommandError, match=f"1 uploads could not be deleted, for example {undeletable}"
    ):
        purge("--older-than", "0")
    assert names(hold) == [undeletable]


def test_a_purge_stops_when_nothing_can_be_deleted(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import HttpResponseError
    from django.core.management import CommandError

    from tests.direct.test_purge import purge

    for _ in range(6):
        browser.send(picture())
    time.sleep(1.1)

    def failing(*_: Any) -> None:
        raise HttpResponseError("by test")

    monkeypatch.setattr(type(hold), "delete", failing)
    monkeypatch.setattr("azureblob.management.commands.purgequarantine.MAX_CONSECUTIVE_FAILURES", 3)
    with pytest.raises(CommandError, match=r"3 uploads could not.*no more were tried"):
        purge("--older-than", "0")


# --- A token is valid once ------------------------------------------------------------------------


def test_a_token_whose_blob_cannot_be_deleted_cannot_be_used_again(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even after the claim has ended: a lease expires after a minute."""
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobLeaseClient

    token = browser.token(picture())

    def failing(*_: Any, **__: Any) -> None:
        raise HttpResponseError("by test")

    monkeypatch.setattr(type(hold), "delete", failing)
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
    monkeypatch.undo()
    [blob] = names(hold)
    BlobLeaseClient(hold._client(blob)).break_lease(lease_break_period=0)
    again = browser.client.post("/", {"image-uploaded": token})
    assert again.status_code == 422
    assert "used or removed already" in again.content.decode()


def test_the_upload_stays_until_the_row_is_committed(browser: Browser, hold: Quarantine) -> None:
    from django.core.files.storage import default_storage
    from django.db import transaction

    from azureblob.direct.uploadedfile import QuarantinedFile, saved_together

    for together in (False, True):
        file = QuarantinedFile(browser.passed(picture()), hold)
        with transaction.atomic():
            if together:
                with saved_together():
                    default_storage.save("kept/a.png", file)
            else:
                default_storage.save("kept/a.png", file)
            assert len(names(hold)) == 1
        assert names(hold) == []


def test_a_claim_is_for_one_version_only(browser: Browser, hold: Quarantine) -> None:
    from azureblob.exceptions import UploadGone

    browser.send(picture())
    [blob] = names(hold)
    with pytest.raises(UploadGone):
        hold.claim(blob, '"0x8DC0000000000"')
    hold.claim(blob, str(hold.properties(blob).etag))  # type: ignore[union-attr]


def test_a_version_that_was_not_inspected_gets_no_token(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that sends blocks can replace the blob while it is being inspected."""
    monkeypatch.setattr("azureblob.direct.endpoint.ONE_REQUEST_BYTES", 1)
    body = picture()
    grant = browser.begin("cat.png", len(body))
    assert put(grant["url"], body, BLOB) == (201, "")
    from azureblob.direct import endpoint, properties

    check = properties.check_headers

    def replaced(*given: Any) -> None:
        check(*given)
        assert put(grant["url"], HTML.ljust(len(body)), BLOB) == (201, "")

    monkeypatch.setattr(endpoint, "check_headers", replaced)
    answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "changed")


def test_a_token_is_valid_for_a_day(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from azureblob.direct.tokens import ClaimToken, UploadToken
    from azureblob.exceptions import InvalidToken

    grant = browser.send(picture())
    token = browser.ask("finish", id=grant["id"]).json()["token"]
    now = time.time()
    for kind, text in ((UploadToken, grant["id"]), (ClaimToken, token)):
        monkeypatch.setattr("django.core.signing.time.time", lambda: now + 24 * 3600 - 60)
        kind.load(text, "pictures", browser.owners)
        monkeypatch.setattr("django.core.signing.time.time", lambda: now + 24 * 3600 + 60)
        with pytest.raises(InvalidToken) as expired:
            kind.load(text, "pictures", browser.owners)
        assert expired.value.reason == "SignatureExpired"
        monkeypatch.undo()


# --- Its owner ------------------------------------------------------------------------------------


def test_nobody_else_uses_an_upload(browser: Browser, hold: Quarantine) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    user = get_user_model().objects.create_user("somebody", password="p")
    try:
        stranger, member = Browser(Client()), Browser(Client())
        member.client.force_login(user)
        for owner, other in ((browser, stranger), (member, browser), (browser, member)):
            grant = owner.send(picture())
            for step in ("finish", "discard"):
                answer = other.ask(step, id=grant["id"])
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
            answer = other.ask("begin", files=[{"id": grant["id"]}])
            assert answer.status_code == 400
            token = owner.ask("finish", id=grant["id"]).json()["token"]
            page = other.client.post("/", {"image-uploaded": token})
            assert page.status_code == 422
            assert "not known any more" in page.content.decode()
            assert owner.client.post("/", {"image-uploaded": token}).status_code == 302
    finally:
        user.delete()


def test_a_form_that_was_begun_before_logging_in_can_be_sent(browser: Browser) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    user = get_user_model().objects.create_superuser("latecomer", password="p")
    try:
        token = browser.token(picture())
        credentials = {"username": "latecomer", "password": "p"}
        assert browser.client.post("/admin/login/?next=/", credentials).status_code == 302
        assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
        # And by the same user in another session, for example after the first has expired.
        token = browser.token(picture())
        other = Client()
        other.force_login(user)
        assert other.post("/", {"image-uploaded": token}).status_code == 302
        # Logging out invalidates the token.
        token = browser.token(picture())
        browser.client.logout()
        assert browser.client.post("/", {"image-uploaded": token}).status_code == 422
    finally:
        user.delete()


def test_files_that_begin_at_once_belong_to_one_visitor(browser: Browser) -> None:
    """The page creates the session: each answer to *begin* would create another one."""
    assert browser.client.get("/").status_code == 200
    session = browser.client.cookies["sessionid"].value
    browser.begin("cat.png", 1)
    assert browser.client.cookies["sessionid"].value == session


def test_a_page_without_uploads_creates_no_session(browser: Browser) -> None:
    from django.test import override_settings

    with override_settings(AZURE_DIRECT_UPLOAD=False):
        browser.client.get("/")
    assert "sessionid" not in browser.client.cookies
    browser.begin("x" * 300, 1)
    assert "sessionid" not in browser.client.cookies
    browser.begin("cat.png", 1)
    assert "sessionid" in browser.client.cookies


def test_a_site_without_sessions_accepts_uploads_from_anyone(django_site: None) -> None:
    from django.http import HttpRequest

    from azureblob.direct.tokens import owner_of, owners_in

    request = HttpRequest()
    assert owner_of(request) in owners_in(request)


def test_a_form_that_does_not_know_its_request_says_what_to_add(
    browser: Browser, hold: Quarantine
) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.http import HttpRequest

    from azureblob.serving import serving
    from gallery.forms import PicturesForm
    from gallery.uploads import pictures

    token = browser.token(picture())
    field = PicturesForm().fields["image"]
    from azureblob.direct.forms import Tokens

    with pytest.raises(ImproperlyConfigured, match=r"azureblob\.middleware\.BlobMiddleware"):
        field.clean(Tokens([token]))
    request = HttpRequest()
    request.session = browser.client.session
    with serving(request):
        [file] = field.clean(Tokens([token]))
    assert file.token.rules == pictures.rules.digest


def test_a_check_reports_a_missing_middleware(django_site: None) -> None:
    from django.conf import settings
    from django.core.checks import run_checks
    from django.test import override_settings

    from azureblob.middleware import NAME

    with override_settings(MIDDLEWARE=[name for name in settings.MIDDLEWARE if name != NAME]):
        assert "azureblob.E014" in {message.id for message in run_checks(tags=["azureblob"])}
    assert "azureblob.E014" not in {message.id for message in run_checks(tags=["azureblob"])}


# --- Rules that differ ----------------------------------------------------------------------------


def test_stricter_rules_apply_to_files_that_were_inspected_before(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureblob.direct.endpoint import UploadEndpoint
    from azureblob.uploads.rules import UploadRules
    from gallery import forms

    token = browser.token(picture("PNG"))
    strict = UploadEndpoint(
        "pictures",
        has_permission=lambda _: True,
        rules=UploadRules(types=("image/jpeg",)),
        app_name="gallery",
    )
    field = forms.PicturesForm.base_fields["image"]
    monkeypatch.setattr(field, "endpoint", strict)
    monkeypatch.setattr(field, "rules", strict.rules)
    answer = browser.client.post("/", {"image-uploaded": token})
    assert answer.status_code == 422
    assert "only JPEG can be stored here" in answer.content.decode()


def test_a_model_field_with_stricter_rules_reads_the_upload_itself(
    browser: Browser, hold: Quarantine
) -> None:
    from azureblob.direct.uploadedfile import QuarantinedFile
    from azureblob.exceptions import FileRefused
    from azureblob.uploads.inspection import cached_inspection, inspect_file
    from azureblob.uploads.rules import UploadRules
    from gallery.uploads import pictures

    found = browser.passed(picture("PNG"))
    file = QuarantinedFile(found, hold, pictures.rules)
    assert cached_inspection(file, pictures.rules)
    with pytest.raises(FileRefused):
        inspect_file(file, "cat.png", UploadRules(types=("image/jpeg",)))
    assert cached_inspection(QuarantinedFile(found, hold, UploadRules(max_bytes=1))) is None


def test_the_result_of_another_inspection_is_stored_and_the_token_is_used(
    browser: Browser, hold: Quarantine
) -> None:
    """The blob in quarantine has the headers of the first inspection, so it is not copied."""
    from django.core.files.storage import default_storage

    from azureblob.direct.uploadedfile import QuarantinedFile
    from azureblob.uploads.inspection import inspect_file
    from azureblob.uploads.rules import UploadRules

    found = browser.passed(picture("PNG"))
    file = QuarantinedFile(found, hold)
    rules = UploadRules(types=("image/jpeg",), others="attachment")
    assert (
        inspect_file(file, "cat.png", rules).inspection.content_type == "application/octet-stream"
    )
    name = default_storage.save("again/cat.png", file)
    stored = default_storage.client.get_blob_client(name).get_blob_properties()  # type: ignore[attr-defined]
    assert stored.content_settings.content_type == "application/octet-stream"
    assert stored.content_settings.content_disposition.startswith("attachment")
    assert names(hold) == []


# --- A container that is missing, and one that refuses --------------------------------------------


def test_a_missing_container_is_reported_as_such(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    from django.test import override_settings

    grant = browser.send(picture())
    token = browser.ask("finish", id=grant["id"]).json()["token"]
    with override_settings(AZURE_QUARANTINE_CONTAINER="not-there"):
        for step in ("finish", "discard"):
            answer = browser.ask(step, id=grant["id"])
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.json()["error"] == "Uploads are not available right now."
        page = browser.client.post("/", {"image-uploaded": token})
        assert page.status_code == 422
        assert "Uploads are not available right now." in page.content.decode()
    assert "'not-there' answers ContainerNotFound. Run manage.py doctor." in caplog.text


def test_a_key_that_is_refused_is_reported_as_such(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    from django.test import override_settings

    grant = browser.send(picture())
    wrong = base64.b64encode(b"x" * 64).decode()
    with override_settings(AZURE_ACCOUNT_KEY=wrong):
        answer = browser.ask("finish", id=grant["id"])
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert wrong not in caplog.text
    assert "Run manage.py doctor" in caplog.text


# --- Pages with signed URLs -----------------------------------------------------------------------


def test_a_page_with_signed_urls_must_not_be_stored(browser: Browser) -> None:
    from django.core.files.storage import default_storage

    assert "Cache-Control" not in browser.client.get("/").headers
    token = browser.token(picture())
    browser.client.post("/", {"image-uploaded": token})
    signed = default_storage.signed  # type: ignore[attr-defined]
    default_storage.signed = True  # type: ignore[attr-defined]
    try:
        page = browser.client.get("/")
    finally:
        default_storage.signed = signed  # type: ignore[attr-defined]
    assert "sig=" in page.content.decode()
    assert page.headers["Cache-Control"] == "private, no-store"


def test_an_asynchronous_view_is_served_as_well(django_site: None) -> None:
    import asyncio

    from django.http import HttpRequest, HttpResponse

    from azureblob.middleware import BlobMiddleware
    from azureblob.serving import current_request, signed_url_made

    async def view(request: HttpRequest) -> HttpResponse:
        assert current_request() is request
        if request.path:
            signed_url_made()
        return HttpResponse(headers={"Cache-Control": "public"})

    async def ask(path: str) -> str:
        request = HttpRequest()
        request.path = path
        answer = await BlobMiddleware(view)(request)  # type: ignore[misc]
        return str(answer.headers["Cache-Control"])

    assert asyncio.run(ask("")) == "public"
    assert asyncio.run(ask("/")) == "private, no-store"
    assert current_request() is None
    signed_url_made()  # outside a request this has no effect


# --- Reading what visitors sent -------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 9 * 1024 * 1024])
def test_a_media_file_is_read_as_it_is_stored(django_site: None, size: int) -> None:
    """Whatever encoding it claims, as a migrated blob may: the site decompresses no bomb."""
    from azure.storage.blob import ContentSettings
    from django.core.files.storage import default_storage

    noise = gzip.compress(random.Random(4).randbytes(size))  # noqa: S311
    client = default_storage.client.get_blob_client("encoded.bin")  # type: ignore[attr-defined]
    settings = ContentSettings(content_encoding="gzip")
    client.upload_blob(noise, overwrite=True, content_settings=settings)
    with default_storage.open("encoded.bin") as file:
        assert file.read() == noise
    assert default_storage.size("encoded.bin") == len(noise)


@pytest.mark.parametrize("size", [1000, 9 * 1024 * 1024])
def test_a_static_file_that_was_compressed_is_read_as_it_was(django_site: None, size: int) -> None:
    from azure.storage.blob import ContentSettings
    from django.contrib.staticfiles.storage import staticfiles_storage

    content = random.Random(4).randbytes(size)  # noqa: S311
    blobs: Any = staticfiles_storage.blobs  # type: ignore[attr-defined]
    blobs.client.upload_blob(
        "compressed.bin",
        gzip.compress(content, 1),
        overwrite=True,
        content_settings=ContentSettings(content_encoding="gzip"),
    )
    with staticfiles_storage.open("compressed.bin") as file:
        assert file.read() == content
    blobs.delete("compressed.bin")


def test_an_answer_that_is_too_short_is_an_error(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import ServiceResponseError
    from azure.storage.blob import BlobClient

    grant = browser.send(picture())
    [blob] = names(hold)
    reader = hold.reader(blob, len(picture()), str(hold.properties(blob).etag))  # type: ignore[union-attr]

    class Short:
        def readall(self) -> bytes:
            return b"short"

    monkeypatch.setattr(BlobClient, "download_blob", lambda *_, **__: Short())
    with pytest.raises(ServiceResponseError):
        io.BufferedReader(reader).read()
    assert browser.ask("finish", id=grant["id"]).status_code == 503


def test_stored_bytes_are_read_without_decoding(browser: Browser, hold: Quarantine) -> None:
    body = gzip.compress(b"x" * 100_000)
    grant = browser.begin("cat.png", len(body))
    assert put(grant["url"], body, GZIP) == (201, "")
    [blob] = names(hold)
    reader = hold.reader(blob, len(body), str(hold.properties(blob).etag))  # type: ignore[union-attr]
    assert io.BufferedReader(reader).read() == body


def test_a_name_is_shown_without_invisible_characters(browser: Browser) -> None:
    token = browser.token(picture(), "in\u200dvoice\u3164.png")
    browser.client.post("/", {"image-uploaded": [token, "x"]})
    page = browser.client.post("/", {"image-uploaded": [token, "x"], "title": "t"})
    assert "invoice.png" in page.content.decode()
    assert "\u3164" not in page.content.decode()


def _request(url: str, method: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", json.dumps({}))
        return connection.getresponse().status
    finally:
        connection.close()


def test_nothing_else_is_allowed_by_the_url(browser: Browser, hold: Quarantine) -> None:
    """With a create signature, Azurite accepts none of these; it accepts a snapshot (above)."""
    before = media_names()
    url = browser.send(picture())["url"]
    for query in ("metadata", "properties", "lease", "tier", "tags", "undelete", "appendblock"):
        assert _request(f"{url}&comp={query}", "PUT") >= 400
    assert media_names() == before
