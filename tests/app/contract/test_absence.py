"""What is not there: files, folders, containers, and names that no blob can have."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from tests.app.contract.conftest import Requests, read

MISSING = [
    "no/such.txt",
    "dir/",
    "dir",
    "",
    "a" * 1025,
    "nul\0.txt",
    "\ud800.txt",
    "/".join("a" * 255),
]
QUESTIONS = ["open", "size", "get_modified_time", "get_created_time", "get_accessed_time"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_not_there_is_a_file_not_found(storage: Any, question: str) -> None:
    storage.save("dir/file.txt", ContentFile(b"x"))
    for name in MISSING:
        with pytest.raises(FileNotFoundError):
            getattr(storage, question)(name)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_container_that_is_not_there_is_a_file_not_found(storage: Any, question: str) -> None:
    (getattr(storage, "blobs", None) or storage).client.delete_container()
    with pytest.raises(FileNotFoundError, match=r"no (container|blob)"):
        getattr(storage, question)("a.txt")
    assert not storage.exists("a.txt")
    storage.delete("a.txt")


def test_saving_to_no_container_is_the_services_own_error(storage: Any) -> None:
    """The site answers it as any trouble with the service."""
    from azure.core.exceptions import ResourceNotFoundError

    (getattr(storage, "blobs", None) or storage).client.delete_container()
    with pytest.raises(ResourceNotFoundError):
        storage.save("a.txt", ContentFile(b"x"))


def test_any_name_can_be_asked_for(storage: Any) -> None:
    """As with Django's own: the root is there. Folders are not: their names are free for files."""
    storage.save("dir/file.txt", ContentFile(b"x"))
    for name in [*MISSING, "../up.txt", "a\\..\\..\\b", ".", "...", " ", "%00", "?"]:
        assert storage.exists(name) is (name in {"", "."})


def test_a_name_with_a_slash_at_its_end_is_no_file(storage: Any) -> None:
    storage.save("file", ContentFile(b"x"))
    for name in ("file/", "file\\"):
        assert not storage.exists(name)
        with pytest.raises(FileNotFoundError):
            storage.open(name)
        storage.delete(name)
    assert storage.exists("file")


def test_a_file_that_is_there_exists_whatever_its_first_characters(storage: Any) -> None:
    """Of names that begin or end with dots none is taken for another."""
    saved = [storage.save(name, ContentFile(name.encode())) for name in (".env", "env", "..env")]
    assert saved == [".env", "env", "..env"]
    assert [read(storage, name) for name in saved] == [b".env", b"env", b"..env"]


def test_deleting_what_is_not_there_is_no_error_and_deleting_nothing_is_one(storage: Any) -> None:
    storage.save("dir/file.txt", ContentFile(b"x"))
    for name in [name for name in MISSING if name]:
        storage.delete(name)
    assert storage.exists("dir/file.txt")
    with pytest.raises(ValueError, match="name must be given"):
        storage.delete("")
    storage.delete("dir/file.txt")
    storage.delete("dir/file.txt")
    assert not storage.exists("dir/file.txt")


def test_a_name_that_leads_out_is_refused(media: Any) -> None:
    for ask in (media.open, media.size, media.delete, media.url, media.listdir):
        for name in ("../secret.txt", "a/../../secret.txt", "..\\secret.txt"):
            with pytest.raises(SuspiciousFileOperation):
                ask(name)


def test_names_that_no_blob_can_have_cost_no_request(storage: Any, counted: Requests) -> None:
    for name in MISSING[4:]:
        assert not storage.exists(name)
        storage.delete(name)
        with pytest.raises(FileNotFoundError):
            storage.size(name)
    assert counted.sent == []
