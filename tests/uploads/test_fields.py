"""Fields check files however they are assigned; the storage inspects all others."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict

from azureblob.exceptions import FileRefused
from azureblob.uploads.rules import UploadRules
from tests.uploads import hostile

PNG = hostile.picture("PNG")


def served(file: Any) -> Any:
    """The headers that anyone gets with a stored file."""
    with urllib.request.urlopen(file.url, timeout=10) as response:
        return response.headers


def upload(content: bytes, name: str = "cat.png", claimed: str = "image/png") -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content, content_type=claimed)


def test_a_file_that_code_assigns_is_checked(models: Any) -> None:
    from django.core.exceptions import ValidationError
    from django.core.files.base import ContentFile

    photo = models.photo(file=ContentFile(b"<script>", "cat.png"))
    with pytest.raises(ValidationError) as caught:
        photo.full_clean()
    assert caught.value.error_dict["file"][0].code == "type"
    with pytest.raises(FileRefused):
        photo._meta.get_field("file").pre_save(photo, add=True)
    with pytest.raises(FileRefused):
        photo.file.save("cat.png", ContentFile(b"<script>"), save=False)


def test_a_file_that_code_saves_is_stored_as_what_it_is(models: Any) -> None:
    from django.core.files.base import ContentFile

    photo = models.photo()
    photo.file.save("cat.html", ContentFile(PNG), save=False)
    assert photo.file.name.startswith("photos/")
    assert photo.file.name.endswith(".png")
    assert (photo.width, photo.height) == (8, 8)
    assert served(photo.file)["Content-Type"] == "image/png"
    assert served(photo.file)["x-ms-meta-original_name"] == "cat.html"


def test_a_picture_that_is_not_stored_yet_is_never_opened_unchecked(models: Any) -> None:
    """Django would ask Pillow for its dimensions as it is assigned."""
    bomb = models.photo(file=upload(hostile.webp(16_384, 16_384, 1)))
    assert (bomb.width, bomb.height) == (None, None)
    photo = models.photo(file=upload(PNG))
    assert (photo.width, photo.height) == (8, 8)


def test_a_file_that_passed_other_rules_is_inspected_again(models: Any) -> None:
    from azureblob.uploads.forms import CheckedFileField

    lax = CheckedFileField(rules=UploadRules(types=("application/pdf",)))
    passed = lax.clean(upload(b"%PDF-1.7\n", "cat.pdf"))
    with pytest.raises(FileRefused):
        models.photo().file.save("cat.pdf", passed, save=False)


def test_the_form_field_says_what_may_be_chosen_and_caches_its_inspection(models: Any) -> None:
    from django.forms import modelform_factory

    from azureblob.uploads.inspection import cached_inspection

    photo = modelform_factory(models.photo, fields=["file"])
    paper = modelform_factory(models.paper, fields=["file"])
    assert 'accept="image/jpeg,image/png,image/gif,image/webp"' in str(photo()["file"])
    assert "accept" not in str(paper()["file"])
    form = photo(data={}, files=MultiValueDict({"file": [upload(PNG, "a\u202eb.png")]}))
    assert form.is_valid()
    known = cached_inspection(form.cleaned_data["file"])
    assert known is not None
    assert known.original_name == "a\u202eb.png"
    assert (known.inspection.width, known.inspection.height) == (8, 8)


def test_an_upload_on_disk_is_checked_like_one_in_memory(models: Any) -> None:
    from django.core.files.uploadedfile import TemporaryUploadedFile
    from django.forms import modelform_factory

    form = modelform_factory(models.paper, fields=["file"])
    with TemporaryUploadedFile("cat.html", "text/html", 6, None) as large:
        large.write(b"<html>")
        large.seek(0)
        filled = form(data={}, files=MultiValueDict({"file": [large]}))
        assert filled.is_valid(), filled.errors
        paper = filled.save(commit=False)
        paper._meta.get_field("file").pre_save(paper, add=True)
        headers = served(paper.file)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith('attachment; filename="cat.html"')
        assert paper.file.name.endswith(".bin")


def test_rules_are_not_part_of_migrations(models: Any) -> None:
    _, path, _, named = models.paper._meta.get_field("file").deconstruct()
    assert path == "azureblob.uploads.fields.CheckedFileField"
    assert "rules" not in named


def test_a_file_that_no_field_has_checked_is_stored_by_its_first_bytes(models: Any) -> None:
    """This is how files of a plain FileField reach the storage."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    class Url:
        def __init__(self, name: str) -> None:
            self.url = default_storage.url(name)

    html = served(Url(default_storage.save("plain/a.png", ContentFile(b"<html>"))))
    assert html["Content-Type"] == "application/octet-stream"
    assert html["Content-Disposition"].startswith("attachment")
    text = served(Url(default_storage.save("plain/b.html", ContentFile("<html>"))))
    assert text["Content-Type"] == "application/octet-stream"
    picture = served(Url(default_storage.save("plain/c.html", ContentFile(PNG))))
    assert picture["Content-Type"] == "image/png"
    assert picture["Content-Disposition"] is None
    with default_storage.open("plain/d.png", "wb") as file:
        file.write(b"<html>")
    assert served(Url("plain/d.png"))["Content-Type"] == "application/octet-stream"


def test_no_option_of_the_storage_overrides_the_inspected_type(models: Any) -> None:
    from django.core.files.base import ContentFile

    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(
        object_parameters={"content_type": "text/html", "content_disposition": "inline"}
    )
    name = storage.save("plain/e.html", ContentFile(b"<html>"))
    with urllib.request.urlopen(storage.url(name), timeout=10) as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")
