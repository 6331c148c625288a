"""listdir(): what is directly in a folder, by its last name."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.app.contract.conftest import media_storage, read

TREE = ["top.txt", "a/one.txt", "a/b/two.txt", "a/b/c/three.txt", "ab.txt", "a b/grüße #1?.txt"]


@pytest.fixture
def filled(storage: Any) -> Any:
    for name in TREE:
        storage.save(name, ContentFile(b"x"))
    return storage


def test_a_folder_has_its_own_folders_and_files_only(filled: Any) -> None:
    top = (["a", "a b"], ["ab.txt", "top.txt"])
    for folder, found in {
        "": top,
        ".": top,
        "/": top,
        "a": (["b"], ["one.txt"]),
        "a/": (["b"], ["one.txt"]),
        "./a": (["b"], ["one.txt"]),
        "a/b": (["c"], ["two.txt"]),
        "a\\b": (["c"], ["two.txt"]),
        "a/b/c": ([], ["three.txt"]),
        "a b": ([], ["grüße #1?.txt"]),
    }.items():
        folders, files = filled.listdir(folder)
        assert (sorted(folders), sorted(files)) == found


def test_a_folder_that_is_not_there_holds_nothing(filled: Any) -> None:
    """A folder is what names begin with: an empty one and none are the same."""
    assert filled.listdir("nowhere") == ([], [])
    filled.delete("a/b/c/three.txt")
    assert filled.listdir("a/b/c") == ([], [])
    assert filled.listdir("a/b") == ([], ["two.txt"])


def test_many_names_come_in_pages_and_none_is_missing_or_there_twice(
    storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = (getattr(storage, "blobs", None) or storage).client
    for number in range(25):
        client.upload_blob(f"many/{number:02}.txt", b"")
        client.upload_blob(f"many/{number:02}/below.txt", b"")
    monkeypatch.setattr(client, "walk_blobs", partial(client.walk_blobs, results_per_page=7))
    folders, files = storage.listdir("many")
    assert sorted(folders) == [f"{number:02}" for number in range(25)]
    assert sorted(files) == [f"{number:02}.txt" for number in range(25)]


def test_a_marker_that_other_tools_leave_for_a_folder_is_no_file(media: Any) -> None:
    media.client.upload_blob("marked/", b"")
    media.save("marked/a.txt", ContentFile(b"x"))
    assert media.listdir("marked") == ([], ["a.txt"])


def test_a_location_is_a_folder_that_nobody_sees(django_site: None) -> None:
    whole = media_storage()
    below = type(whole)(
        azure_container=whole.azure_container, location="/in/here/", check_content=False
    )
    name = below.save("a/b.txt", ContentFile(b"x"))
    assert name == "a/b.txt"
    assert whole.exists("in/here/a/b.txt")
    assert below.exists(name)
    assert below.exists("")
    assert below.listdir("") == (["a"], [])
    assert below.listdir("a") == ([], ["b.txt"])
    assert below.url(name).endswith("/in/here/a/b.txt")
    assert below.url("") == f"{whole.url('')}in/here/"
    assert read(below, name) == b"x"
    below.delete(name)
    assert not whole.exists("in/here/a/b.txt")
