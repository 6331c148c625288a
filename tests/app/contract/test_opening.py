"""open(): every mode, on blobs that are there and that are not."""

from __future__ import annotations

import io
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from tests.app.contract.conftest import Requests, media_storage, read, static_storage

TEXT = "Zeile eins, 猫\nline two\n\nno end"


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("mode", "back"), [("w", "r"), ("wt", "rt"), ("w+", "r+"), ("x", "r")])
def test_text_that_is_written_is_read(storage: Any, mode: str, back: str, there: bool) -> None:
    if there and mode != "x":
        storage.save(
            "a.txt", ContentFile(b"what was there before, and was longer than the text is")
        )
    with storage.open("a.txt", mode) as file:
        assert file.write(TEXT) == len(TEXT)
    with storage.open("a.txt", back) as file:
        assert file.read() == TEXT
    assert storage.listdir("") == ([], ["a.txt"])
    with urllib.request.urlopen(storage.url("a.txt"), timeout=10) as answer:
        assert answer.read() == TEXT.encode()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("mode", ["wb", "w+b", "wb+"])
def test_bytes_that_are_written_are_read(storage: Any, mode: str, there: bool) -> None:
    everything = bytes(range(256)) * 3
    if there:
        storage.save("a.bin", ContentFile(b"x"))
    with storage.open("a.bin", mode) as file:
        file.write(everything[:100])
        file.write(everything[100:])
    with storage.open("a.bin") as file:
        assert file.read() == everything


def test_either_kind_of_writing_takes_either_kind_of_content(storage: Any) -> None:
    with storage.open("a", "w") as file:
        file.write("ä")
        file.write("ö".encode())
        file.writelines(["ü", "!"])
    with storage.open("b", "wb") as file:
        file.write("ä")
        file.writelines(["ö".encode(), "ü!"])
    assert read(storage, "a") == read(storage, "b") == "äöü!".encode()


def test_appending_goes_on_at_the_end_or_begins(storage: Any) -> None:
    for text in ("one", "two"):
        with storage.open("log.txt", "a") as file:
            file.write(text)
    with storage.open("log.txt", "ab") as file:
        file.write(b"three")
    assert read(storage, "log.txt") == b"onetwothree"


def test_a_part_can_be_replaced(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"0123456789"))
    with storage.open("a.txt", "r+b") as file:
        assert file.read(3) == b"012"
        file.write(b"abc")
        file.seek(8)
        file.truncate()
    assert read(storage, "a.txt") == b"012abc67"


def test_what_is_there_is_not_made_anew(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"first"))
    with pytest.raises(FileExistsError):
        storage.open("a.txt", "x")
    mine, other = storage.open("b.txt", "x"), storage.open("b.txt", "x")
    for file, text in ((mine, "mine"), (other, "other")):
        file.write(text)
    mine.close()
    with pytest.raises(FileExistsError):
        other.close()
    assert read(storage, "b.txt") == b"mine"


@pytest.mark.parametrize("mode", ["r+", "rb+", "r", "rb"])
def test_nothing_is_sent_where_nothing_was_written(
    storage: Any, mode: str, counted: Requests
) -> None:
    storage.save("a.txt", ContentFile(b"x"))
    counted.sent.clear()
    with storage.open("a.txt", mode) as file:
        file.read()
    assert counted.methods == ["GET"]


def test_an_empty_file_is_made_by_opening_and_closing(storage: Any) -> None:
    storage.open("empty.txt", "w").close()
    assert storage.size("empty.txt") == 0
    assert read(storage, "empty.txt") == b""


def test_closing_stores_once(storage: Any, counted: Requests) -> None:
    file = storage.open("a.txt", "w")
    file.write("one")
    file.flush()
    assert counted.sent == []
    file.close()
    file.close()
    assert counted.methods == ["PUT"]
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        file.write("two")


@pytest.mark.parametrize("mode", ["w", "wb", "a", "r+"])
def test_an_error_in_the_middle_leaves_the_blob_as_it_was(storage: Any, mode: str) -> None:
    storage.save("a.txt", ContentFile(b"whole"))
    with pytest.raises(RuntimeError), storage.open("a.txt", mode) as file:
        file.write("ha")
        raise RuntimeError
    assert read(storage, "a.txt") == b"whole"
    with pytest.raises(RuntimeError), storage.open("b.txt", "w") as file:
        raise RuntimeError
    assert not storage.exists("b.txt")


def test_what_a_mode_does_not_allow_is_refused(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"x"))
    reading, writing = storage.open("a.txt"), storage.open("b.txt", "wb")
    assert (reading.readable(), reading.writable()) == (True, False)
    assert (writing.readable(), writing.writable()) == (False, True)
    with pytest.raises(io.UnsupportedOperation):
        reading.write(b"y")
    with pytest.raises(io.UnsupportedOperation):
        reading.truncate()
    with pytest.raises(io.UnsupportedOperation):
        writing.read()
    for mode in ("", "rw", "z", "b", "rbt"):
        with pytest.raises(ValueError, match="invalid mode"):
            storage.open("a.txt", mode)
    reading.close()
    writing.close()


@pytest.mark.parametrize("name", ["dot.", "a./b", "dir/", "", "nul\0", "a" * 1025, "../up"])
def test_no_name_that_azure_refuses_is_opened_for_writing(storage: Any, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.open(name, "w")


def test_a_file_is_djangos(storage: Any) -> None:
    """Size, chunks, lines, positions, as of any other File."""
    storage.save("a.txt", ContentFile(b"one\ntwo\r\nthree"))
    with storage.open("a.txt") as file:
        assert (file.name, file.mode, file.size, len(file), bool(file)) == (
            "a.txt",
            "rb",
            14,
            14,
            True,
        )
        assert list(file) == [b"one\n", b"two\r\n", b"three"]
        assert b"".join(file.chunks(4)) == b"one\ntwo\r\nthree"
        assert file.multiple_chunks(4)
        assert file.seek(4) == file.tell() == 4
        assert file.readline() == b"two\r\n"
        assert file.readlines() == [b"three"]
    with storage.open("a.txt", "r") as file:
        assert list(file) == ["one\n", "two\n", "three"]
        assert file.size == 14
    with storage.open("a.txt", "wb") as file:
        file.write(b"12345")
        assert (file.size, file.tell()) == (5, 5)
    assert file.size == 5


def test_a_closed_file_is_opened_again_with_what_is_there_then(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"one"))
    file = storage.open("a.txt")
    file.read()
    assert file.open().read() == b"one"
    file.close()
    with storage.open("a.txt", "wb") as other:
        other.write(b"two")
    with file.open() as again:
        assert again.read() == b"two"
    storage.delete("a.txt")
    with pytest.raises(FileNotFoundError):
        file.open()


def test_many_bytes_lie_on_disk_and_few_in_memory(django_site: None) -> None:
    media = media_storage(max_memory_size="1000")
    for size, on_disk in ((1000, False), (1001, True)):
        with media.open(media.save(f"{size}.bin", ContentFile(bytes(size)))) as file:
            assert file.file._rolled is on_disk
            assert file.read() == bytes(size)
        with media.open("new.bin", "wb") as file:
            file.write(bytes(size))
            assert file.file._rolled is on_disk


def test_a_blob_that_is_replaced_during_a_download_is_read_whole(
    django_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One half of each would be no file that anyone stored."""
    import requests

    sizes = {"max_single_get_size": 1000, "max_chunk_get_size": 1000}
    media = media_storage(client_options=sizes)
    media.client.upload_blob("a.bin", b"1" * 3000)
    send = requests.adapters.HTTPAdapter.send
    gets: list[str] = []

    def replacing(self: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        if request.method == "GET":
            gets.append(request.url)
            if len(gets) == 2:
                media.client.upload_blob("a.bin", b"2" * 3000, overwrite=True)
        return send(self, request, *arguments, **named)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", replacing)
    assert read(media, "a.bin") == b"2" * 3000
    assert len(gets) == 2 + 3


def test_a_published_file_is_read_unpacked(django_site: None) -> None:
    from django.contrib.staticfiles import finders

    from backend.custom_azure import AzureStaticStorage

    storage = AzureStaticStorage()
    name = storage.stored_name("admin/js/core.js")
    plain = Path(str(finders.find("admin/js/core.js"))).read_bytes()
    assert storage.size(name) < len(plain)
    assert read(storage, name) == plain
    with storage.open(name, "r") as file:
        assert file.read() == plain.decode()


def test_static_storages_write_what_collectstatic_does_not(django_site: None) -> None:
    storage = static_storage()
    for text in ("one", "two"):
        with storage.open("robots.txt", "w") as file:
            file.write(text)
    with urllib.request.urlopen(storage.url("robots.txt"), timeout=10) as answer:
        assert answer.read() == b"two"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
