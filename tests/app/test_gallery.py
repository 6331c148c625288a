"""The gallery through Django's client; the blobs are real."""

from __future__ import annotations

import io
import re
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(autouse=True)
def empty_gallery(django_site: None) -> Iterator[None]:
    yield
    from gallery.models import Picture

    Picture.objects.all().delete()


def upload(kind: str = "PNG", name: str = "my_cat 1.png", size: tuple[int, int] = (40, 30)) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind)
    return SimpleUploadedFile(name, buffer.getvalue(), content_type="text/html")


def test_an_empty_gallery_says_so(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "No pictures yet" in page
    assert "<style" not in page
    assert " style=" not in page


def test_an_upload_lands_in_the_media_container_and_on_the_page(client: Client) -> None:
    from django.conf import settings

    from gallery.models import Picture

    response = client.post("/", {"image": upload(), "title": ""}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    picture = Picture.objects.get()
    assert (picture.title, picture.width, picture.height) == ("my cat 1", 40, 30)
    assert str(picture.image.name).startswith("pictures/")
    assert "cat" not in str(picture.image.name)
    assert picture.image.url.startswith(settings.MEDIA_URL)
    page = response.content.decode()
    assert f'src="{picture.image.url}" alt="my cat 1" width="40" height="30"' in page
    with urllib.request.urlopen(picture.image.url, timeout=10) as blob:
        assert blob.headers["Content-Type"] == "image/png"
        assert blob.read() == upload().read()


def test_the_stored_ending_is_the_pictures_real_type(client: Client) -> None:
    from gallery.models import Picture

    client.post("/", {"image": upload("JPEG", "claims.png"), "title": "T"})
    assert str(Picture.objects.get().image.name).endswith(".jpg")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: upload("TIFF", "scan.tiff"), "This file is image/tiff by its content"),
        (
            lambda: io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "no type that can be recognised",
        ),
        (lambda: "", "Choose a picture first."),
    ],
)
def test_what_is_no_picture_for_browsers_is_refused(
    client: Client, make: Any, sentence: str
) -> None:
    from gallery.models import Picture

    response = client.post("/", {"image": make(), "title": "<b>kept</b>"})
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    assert "&lt;b&gt;kept&lt;/b&gt;" in page
    assert not Picture.objects.exists()


def test_a_picture_that_is_too_large_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureblob.uploads.rules import UploadRules
    from gallery.forms import PicturesForm

    monkeypatch.setattr(PicturesForm.base_fields["image"], "rules", UploadRules(max_bytes=50))
    response = client.post("/", {"image": upload()})
    assert response.status_code == 422
    assert "at most 50" in response.content.decode()


def test_deleting_a_picture_deletes_its_blob(client: Client) -> None:
    from django.core.files.storage import default_storage

    from gallery.models import Picture

    client.post("/", {"image": upload()})
    picture = Picture.objects.get()
    address = f"/pictures/{picture.pk}/delete/"
    assert client.get(address).status_code == 405
    assert default_storage.exists(str(picture.image.name))
    assert "is deleted" in client.post(address, follow=True).content.decode()
    assert not Picture.objects.exists()
    assert not default_storage.exists(str(picture.image.name))
    assert client.post(address).status_code == 404


def test_a_post_without_a_csrf_token_is_refused(django_site: None) -> None:
    from django.test import Client

    from gallery.models import Picture

    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/", {"image": upload()}).status_code == 403
    assert not Picture.objects.exists()


def test_a_closed_gallery_takes_nothing_from_strangers(client: Client) -> None:
    from django.contrib.auth import get_user_model
    from django.test import override_settings

    from gallery.models import Picture

    client.post("/", {"image": upload()})
    picture = Picture.objects.get()
    with override_settings(GALLERY_OPEN=False):
        page = client.get("/").content.decode()
        assert "data-upload" not in page
        assert "data-delete" not in page
        assert client.post("/", {"image": upload()}).status_code == 403
        assert client.post(f"/pictures/{picture.pk}/delete/").status_code == 403
        assert Picture.objects.count() == 1
        admin = get_user_model().objects.create_superuser("closed-gallery", password="p")
        client.force_login(admin)
        assert client.post(f"/pictures/{picture.pk}/delete/").status_code == 302
        admin.delete()


def test_a_storage_that_does_not_answer_is_told_and_keeps_the_title(client: Client) -> None:
    from django.test import override_settings

    from gallery.models import Picture

    broken = {
        "default": {
            "BACKEND": "backend.custom_azure.AzureMediaStorage",
            "OPTIONS": {"azure_container": "not-there"},
        },
        "staticfiles": {"BACKEND": "backend.custom_azure.AzureStaticStorage"},
    }
    with override_settings(STORAGES=broken):
        response = client.post("/", {"image": upload(), "title": "Kept"})
    assert response.status_code == 503
    assert "could not be stored" in response.content.decode()
    assert 'value="Kept"' in response.content.decode()
    assert not Picture.objects.exists()


def test_many_pictures_are_spread_over_pages(client: Client) -> None:
    from gallery.models import Picture

    Picture.objects.bulk_create(
        Picture(image=f"pictures/{n}.png", width=1, height=1, title=f"Nr {n}") for n in range(25)
    )
    assert "Page 1 of 2" in client.get("/").content.decode()
    assert client.get("/?page=2").content.decode().count('class="card"') == 1
    assert client.get("/?page=nonsense").status_code == 200


def test_the_admin_shows_adds_and_changes_pictures(client: Client) -> None:
    from django.contrib.auth import get_user_model

    from gallery.models import Picture

    admin = get_user_model().objects.create_superuser("picture-admin", password="p")
    client.force_login(admin)
    added = client.post("/admin/gallery/picture/add/", {"image": upload(), "title": ""})
    assert added.status_code == 302
    picture = Picture.objects.get()
    assert f'src="{picture.image.url}"' in client.get("/admin/gallery/picture/").content.decode()
    changed = client.post(f"/admin/gallery/picture/{picture.pk}/change/", {"title": "Renamed"})
    assert changed.status_code == 302
    assert Picture.objects.get().title == "Renamed"
    admin.delete()


def test_the_favicon_comes_from_the_static_container_by_its_published_name(client: Client) -> None:
    from django.conf import settings
    from django.test import override_settings

    with override_settings(DEBUG=False):  # with it on, names are plain
        where = client.get("/favicon.ico").headers["Location"]
    name = where.removeprefix(f"{settings.STATIC_URL}gallery/icon.")
    assert re.fullmatch(r"[0-9a-f]{12}\.svg", name)
    with urllib.request.urlopen(where, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"
