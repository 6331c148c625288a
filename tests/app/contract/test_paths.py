"""Names as pathlib's, which FileSystemStorage takes wherever it takes text."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from django.core.files.base import ContentFile, File

from tests.app.contract.conftest import media_storage, read, static_storage


@pytest.mark.parametrize("kind", [Path, PurePosixPath, PureWindowsPath])
def test_every_method_takes_a_path(storage: Any, kind: type[PurePath]) -> None:
    name = kind("folder") / "ä b.txt"
    text = "folder/ä b.txt"
    assert storage.save(name, ContentFile(b"one")) == text
    assert storage.exists(name)
    assert read(storage, name) == b"one"  # type: ignore[arg-type]
    assert storage.size(name) == 3
    assert storage.listdir(name.parent) == ([], ["ä b.txt"])
    assert storage.url(name) == storage.url(text)
    assert storage.get_modified_time(name) == storage.get_modified_time(text)
    assert storage.get_created_time(name) == storage.get_created_time(text)
    assert storage.generate_filename(name) == storage.generate_filename(text)
    assert storage.get_valid_name(kind("a b.txt")) == "a_b.txt"
    storage.delete(name)
    assert not storage.exists(text)
    assert storage.get_available_name(name) == text
    with storage.open(name, "w") as file:
        file.write(b"two")
    assert read(storage, text) == b"two"
    assert storage.save(kind("sub") / "x.txt", File(ContentFile(b"x"))) == "sub/x.txt"


@pytest.mark.parametrize("kind", [Path, PureWindowsPath])
def test_a_name_that_is_taken_is_another_one_for_a_path_too(
    django_site: None, kind: type[PurePath]
) -> None:
    media = media_storage()
    first, second = (media.save(kind("a/b.txt"), ContentFile(b"x")) for _ in range(2))
    assert first == "a/b.txt"
    assert second != first
    assert second.startswith("a/b_")
    with pytest.raises(FileExistsError):
        media.open(kind("a/b.txt"), "x")


def test_a_path_of_a_signed_storage_has_the_signature_of_its_name(django_site: None) -> None:
    private = media_storage(signed=True)
    assert private.url(PureWindowsPath("a\\b.txt")) == private.url("a/b.txt")


def test_a_path_is_found_in_the_manifest(django_site: None) -> None:
    from backend.custom_azure import AzureStaticStorage

    published = AzureStaticStorage()
    assert published.url(PureWindowsPath("gallery\\icon.svg")) == published.url("gallery/icon.svg")
    assert published.stored_name(Path("gallery/icon.svg")) == published.stored_name(
        "gallery/icon.svg"
    )


def test_a_location_is_a_path(django_site: None) -> None:
    storage = media_storage(location=Path("folder"))
    assert storage.url("a.txt").endswith("/folder/a.txt")
    assert static_storage().url(Path("a.txt")).endswith("/a.txt")
