"""The form field with tokens, with ordinary uploads, and when something fails."""

from __future__ import annotations

import html
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.direct.conftest import Browser, media_names, names, picture, put

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine
    from localazure.azurite import Azurite


def upload(body: bytes, name: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, body, content_type="text/html")


def test_several_tokens_make_several_pictures_titled_by_file_name(browser: Browser) -> None:
    from gallery.models import Picture

    tokens = [browser.token(picture("PNG"), f"nr_{n}.png") for n in range(3)]
    answer = browser.client.post("/", {"image-uploaded": tokens, "title": "one"}, follow=True)
    assert "3 pictures are in the gallery now." in answer.content.decode()
    assert {p.title for p in Picture.objects.all()} == {"nr 0", "nr 1", "nr 2"}


def test_several_ordinary_uploads_are_checked_by_the_same_rules(browser: Browser) -> None:
    from gallery.models import Picture

    files = [upload(picture("JPEG"), "a.png"), upload(picture("GIF"), "b.png")]
    assert browser.client.post("/", {"image": files}).status_code == 302
    stored = {p.title: str(p.image.name).rpartition(".")[2] for p in Picture.objects.all()}
    assert stored == {"a": "jpg", "b": "gif"}
    bad = [upload(b"<html>", "a.png"), upload(b"", "b.png")]
    page = browser.client.post("/", {"image": bad})
    assert page.status_code == 422
    text = html.unescape(page.content.decode())
    assert "no type that can be recognised" in text
    assert "“b.png” is empty." in text
    assert browser.client.post("/", {}).status_code == 422


def test_nothing_is_fetched_to_find_a_pictures_size(browser: Browser, azurite: Azurite) -> None:
    from gallery.models import Picture

    token = browser.token(picture(size=(321, 123)))
    before = len(azurite.log.read_text(errors="replace"))
    assert browser.client.post("/", {"image-uploaded": token}).status_code == 302
    asked = azurite.log.read_text(errors="replace")[before:]
    assert re.findall(r'"GET /\w+/(?:quarantine|media)/', asked) == []
    assert re.findall(r'"PUT /\w+/media/', asked)
    saved = Picture.objects.get()
    assert (saved.width, saved.height) == (321, 123)


def test_rows_and_blobs_are_all_saved_or_none(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If saving fails, the tokens are valid again."""
    from azure.core.exceptions import ServiceRequestError

    from gallery.models import Picture

    tokens = [browser.token(picture(), f"{n}.png") for n in range(2)]
    before = media_names()
    save = Picture.save

    def failing(self: Picture, *args: Any, **options: Any) -> None:
        save(self, *args, **options)
        if self.title == "1":
            raise ServiceRequestError("by test")

    monkeypatch.setattr(Picture, "save", failing)
    answer = browser.client.post("/", {"image-uploaded": tokens})
    assert answer.status_code == 503
    assert answer.content.decode().count('type="hidden" name="image-uploaded"') == 2
    assert not Picture.objects.exists()
    assert media_names() == before
    assert len(names(hold)) == 2
    monkeypatch.undo()
    assert browser.client.post("/", {"image-uploaded": tokens}).status_code == 302
    assert Picture.objects.count() == 2
    assert names(hold) == []


def test_only_one_of_several_concurrent_saves_can_use_a_token(
    browser: Browser, hold: Quarantine
) -> None:
    from django.core.files.storage import default_storage
    from django.db import connection

    from azureblob.direct.uploadedfile import QuarantinedFile
    from azureblob.exceptions import UploadGone

    found = browser.passed(picture())
    before = media_names()
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def save(number: int) -> None:
        file = QuarantinedFile(found, hold)
        barrier.wait()
        try:
            outcomes.append(default_storage.save(f"race/{number}.png", file))
        except UploadGone:
            outcomes.append("gone")
        finally:
            connection.close()  # this thread's own connection

    threads = [threading.Thread(target=save, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert outcomes.count("gone") == 7
    assert len(media_names() - before) == 1


def test_a_name_that_is_taken_is_changed_and_the_upload_is_not_lost(
    browser: Browser, hold: Quarantine
) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from azureblob.direct.uploadedfile import QuarantinedFile

    default_storage.save("taken.png", ContentFile(b"first"))
    body = picture()
    file = QuarantinedFile(browser.passed(body), hold)
    saved = default_storage.save("taken.png", file)
    assert saved != "taken.png"
    with default_storage.open("taken.png") as first, default_storage.open(saved) as second:
        assert (first.read(), second.read()) == (b"first", body)


def test_another_storage_reads_the_upload(
    browser: Browser, hold: Quarantine, tmp_path: Any
) -> None:
    from django.core.files.storage import FileSystemStorage

    from azureblob.direct.uploadedfile import QuarantinedFile

    body = picture(size=(900, 900))
    file = QuarantinedFile(browser.passed(body), hold)
    name = FileSystemStorage(tmp_path).save("there.png", file)
    assert (tmp_path / name).read_bytes() == body


def test_without_a_key_the_source_of_a_copy_is_signed(
    browser: Browser, hold: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for an identity, here with the account's key: one blob, to read, for about ten minutes."""
    from azureblob.storage import BlobStorage

    signer = hold.storage.signer
    plain = hold._source("uploads/x")
    monkeypatch.setattr(BlobStorage, "signer", signer)
    monkeypatch.setattr(hold.storage, "account_key", "")
    assert "?" not in plain
    source = hold._source("uploads/x")
    assert "sp=r&" in source
    assert "sr=b&" in source
    monkeypatch.undo()
    grant = browser.send(picture())
    blob = names(hold)[0]
    etag = str(hold.properties(blob).etag)  # type: ignore[union-attr]
    monkeypatch.setattr(type(hold), "_source", lambda self, name: source.replace("uploads/x", name))
    from azureblob.exceptions import UploadGone

    target = hold.storage.client.get_blob_client("doctor/copy")
    with pytest.raises(UploadGone):
        hold.copy("uploads/not-there", etag, target, {}, overwrite=False)
    assert grant["id"]


def test_the_admin_accepts_tokens_as_well(browser: Browser) -> None:
    from django.contrib.auth import get_user_model
    from django.test import override_settings

    from gallery.models import Picture

    admin = get_user_model().objects.create_superuser("direct-admin", password="p")
    browser.client.force_login(admin)
    with override_settings(DEBUG=False):  # with DEBUG, names are not hashed
        page = browser.client.get("/admin/gallery/picture/add/").content.decode()
    assert 'data-begin="/pictures/upload/begin/"' in page
    assert re.search(r'<script src="[^"]+azureblob/direct\.[0-9a-f]{12}\.js" [^>]*module', page)
    token = browser.token(picture(), "in_admin.png")
    where = "/admin/gallery/picture/"
    assert browser.client.post(f"{where}add/", {"image-uploaded": token}).status_code == 302
    saved = Picture.objects.get()
    assert saved.title == "in admin"
    # Without a new file.
    changed = browser.client.post(f"{where}{saved.pk}/change/", {"title": "New"})
    assert changed.status_code == 302
    assert Picture.objects.get().image == saved.image
    admin.delete()


def test_without_direct_uploads_the_field_is_an_ordinary_one(
    browser: Browser,
) -> None:
    from django.test import override_settings

    assert "data-begin" in browser.client.get("/").content.decode()
    with override_settings(AZURE_DIRECT_UPLOAD=False):
        page = browser.client.get("/").content.decode()
        assert "data-begin" not in page
        assert 'type="file"' in page
        answer = browser.client.post("/", {"image": upload(picture(), "plain.png")})
        assert answer.status_code == 302


def test_an_endpoint_that_is_not_in_the_urlconf_says_what_to_add(django_site: None) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from azureblob.direct.endpoint import UploadEndpoint

    endpoint = UploadEndpoint("nowhere", has_permission=lambda request: True)
    with pytest.raises(ImproperlyConfigured, match=r"include\(endpoint\.urls\)"):
        endpoint.addresses()


def test_the_page_contains_no_signature_and_no_inline_script(browser: Browser) -> None:
    page = browser.client.get("/").content.decode()
    assert "sig=" not in page
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert not re.search(r" (style|on\w+)=", page)


def test_the_number_of_tokens_is_limited(browser: Browser) -> None:
    answer = browser.client.post("/", {"image-uploaded": ["x"] * 51})
    assert "At most 50 files at once." in answer.content.decode()


def test_an_upload_that_is_larger_than_claimed_gets_no_token(browser: Browser) -> None:
    grant = browser.begin("cat.png", 10)
    assert put(grant["url"], picture(), grant["headers"])[0] == 201
    assert browser.ask("finish", id=grant["id"]).status_code == 422
    assert browser.ask("finish", id=grant["id"]).status_code == 409


def test_the_migrations_are_complete_and_reversible(browser: Browser) -> None:
    from django.core.management import call_command

    from gallery.models import Picture

    call_command("makemigrations", "gallery", check=True, dry_run=True, verbosity=0)
    browser.client.post("/", {"image-uploaded": browser.token(picture())})
    call_command("migrate", "gallery", "0001", verbosity=0)
    call_command("migrate", "gallery", verbosity=0)
    assert Picture.objects.get().width == 40
