"""save(): whatever content, whatever name."""

from __future__ import annotations

import gzip
import io
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

from tests.app.contract.conftest import Requests, media_storage, read, static_storage

BYTES = bytes(range(256)) * 10


def temporary() -> TemporaryUploadedFile:
    file = TemporaryUploadedFile("t.bin", "text/html", len(BYTES), None)
    file.write(BYTES)
    file.seek(0)
    return file


def in_the_middle() -> File[bytes]:
    stream = io.BytesIO(BYTES)
    stream.seek(100)
    return File(stream)


class OneWay(io.RawIOBase):
    """Bytes that come once, such as from a socket."""

    def __init__(self) -> None:
        self._left = io.BytesIO(BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)


class Chunked(File):  # type: ignore[type-arg]
    """Whose chunks are not the bytes of its stream."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield BYTES[:1000]
        yield BYTES[1000:]


def temporary_file() -> Any:
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - the test closes it
    file.write(BYTES)
    return file


CONTENTS = {
    "ContentFile": lambda: ContentFile(BYTES),
    "SimpleUploadedFile": lambda: SimpleUploadedFile("s.bin", BYTES),
    "TemporaryUploadedFile": temporary,
    "no File at all": lambda: io.BytesIO(BYTES),
    "no name": lambda: File(io.BytesIO(BYTES)),
    "not at its beginning": in_the_middle,
    "no way back": lambda: File(io.BufferedReader(OneWay())),
    "chunks of its own": lambda: Chunked(io.BytesIO(b"something else")),
    "a file of this machine": temporary_file,
}


@pytest.mark.parametrize("make", CONTENTS.values(), ids=CONTENTS.keys())
def test_any_content_is_saved_whole_and_under_a_second_name_too(media: Any, make: Any) -> None:
    """The second has to be sent twice: its first name is taken."""
    for number in range(2):
        with make() as content:
            saved = media.save("a.bin", content)
            assert (saved == "a.bin") is (number == 0)
            assert read(media, saved) == BYTES
            assert not getattr(content, "closed", False)


@pytest.mark.parametrize("make", CONTENTS.values(), ids=CONTENTS.keys())
def test_any_content_overwrites(make: Any, django_site: None) -> None:
    static = static_storage()
    static.save("a.bin", ContentFile(b"x" * 5000))
    with make() as content:
        assert static.save("a.bin", content) == "a.bin"
    assert read(static, "a.bin") == BYTES


def test_text_is_saved_as_utf_8(storage: Any) -> None:
    storage.save("a.txt", ContentFile("grüße, 猫"))
    storage.save("b.txt", File(io.StringIO("grüße, 猫")))
    assert read(storage, "a.txt") == read(storage, "b.txt") == "grüße, 猫".encode()


def test_nothing_is_saved_as_nothing(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b""))
    assert (storage.size("a.txt"), read(storage, "a.txt")) == (0, b"")


def test_content_can_be_read_and_saved_again(storage: Any) -> None:
    content = ContentFile(BYTES)
    names = [storage.save(name, content) for name in ("a.bin", "b.bin")]
    assert [read(storage, name) for name in names] == [BYTES, BYTES]
    content.seek(0)
    assert content.read() == BYTES


def test_a_file_of_one_storage_is_saved_to_another(media: Any, storage: Any) -> None:
    media.save("a.txt", ContentFile("grüße"))
    for mode in ("rb", "r"):
        with media.open("a.txt", mode) as file:
            assert read(storage, storage.save(f"{mode}.txt", file)) == "grüße".encode()


def test_the_name_of_the_content_is_used_where_none_is_given(storage: Any) -> None:
    assert storage.save(None, ContentFile(b"x", name="dir/own.txt")) == "dir/own.txt"


def test_a_closed_file_is_told_and_not_saved_as_nothing(storage: Any) -> None:
    content = File(io.BytesIO(b"x"))
    content.close()
    with pytest.raises(ValueError, match="closed"):
        storage.save("a.txt", content)
    assert not storage.exists("a.txt")


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../up.txt",
        "a/../../up.txt",
        "a/../b.txt",
        "..\\up.txt",
        "a\\..\\..\\up.txt",
        "/absolute.txt",
        "\\absolute.txt",
        "",
        ".",
        "..",
        "dir/",
        "dir\\",
        "...",
        "a/.../b",
        "nul\0.txt",
        "line\nfeed.txt",
        "\ud800.txt",
        "\ue000.txt",
        "\uffff.txt",
        "a" * 1025,
        "/".join("a" * 255),
    ],
)
def test_a_name_that_no_blob_can_have_is_refused_without_a_request(
    storage: Any, counted: Requests, name: str
) -> None:
    counted.sent.clear()
    with pytest.raises(SuspiciousFileOperation):
        storage.save(name, ContentFile(b"x"))
    assert counted.sent == []


def test_the_name_that_comes_back_is_the_blobs(storage: Any) -> None:
    """What ends with a dot is shortened, as Azure advises; backslashes are slashes, as Django has
    it."""
    client = (getattr(storage, "blobs", None) or storage).client
    for name, expected in {
        "dot.": "dot",
        "dots..": "dots",
        "dir./a.b.": "dir/a.b",
        "back\\slash.txt": "back/slash.txt",
        "./here//a.txt": "here/a.txt",
        ".leading": ".leading",
        " spaces .txt": " spaces .txt",
    }.items():
        assert storage.save(name, ContentFile(name.encode())) == expected
        assert client.get_blob_client(expected).exists()
        assert read(storage, expected) == name.encode()


def test_the_longest_name_is_1024_characters_and_one_more_is_told(storage: Any) -> None:
    assert storage.save("a" * 1024, ContentFile(b"x")) == "a" * 1024
    with pytest.raises(
        SuspiciousFileOperation, match="1025 characters, and a blob's name has at most 1024"
    ):
        storage.save("a" * 1025, ContentFile(b"x"))


def test_a_second_file_of_the_longest_name_has_a_shorter_root(media: Any) -> None:
    name = f"{'a' * 1020}.txt"
    first, second = (media.save(name, ContentFile(text)) for text in (b"one", b"two"))
    assert first == name
    assert second.endswith(".txt")
    assert len(second) <= 1024
    assert (read(media, first), read(media, second)) == (b"one", b"two")


def test_a_name_below_a_location_has_less_room(django_site: None) -> None:
    below = media_storage(location="b" * 23)
    saved = below.save("a" * 1000, ContentFile(b"x"))
    assert read(below, saved) == b"x"
    with pytest.raises(SuspiciousFileOperation):
        below.save("a" * 1001, ContentFile(b"x"))
    assert len(below.save("a" * 1001, ContentFile(b"x"), max_length=1001)) <= 1000


def test_a_long_name_is_shortened_to_what_a_field_takes(storage: Any) -> None:
    saved = storage.save(f"dir/{'a' * 2000}.tar.gz", ContentFile(b"x"), max_length=60)
    assert len(saved) <= 60
    assert saved.startswith("dir/aaa")
    assert saved.endswith(".gz")
    assert read(storage, saved) == b"x"
    again = storage.save(saved, ContentFile(b"y"), max_length=60)
    assert len(again) <= 60
    with pytest.raises(SuspiciousFileOperation):
        storage.save(f"{'d' * 60}/a.txt", ContentFile(b"x"), max_length=60)


def test_what_is_saved_carries_type_and_caching(storage: Any) -> None:
    for name, expected in {
        "a.css": "text/css; charset=utf-8",
        "a.tar.gz": "application/gzip",
    }.items():
        storage.save(name, ContentFile(b"x"))
        with urllib.request.urlopen(storage.url(name), timeout=10) as answer:
            assert answer.headers["Content-Type"] == expected
            assert "max-age" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Encoding"] is None


def test_a_compressed_svg_is_saved_with_its_encoding(storage: Any) -> None:
    picture = gzip.compress(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    storage.save("a.svgz", ContentFile(picture))
    with urllib.request.urlopen(storage.url("a.svgz"), timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.read() == picture
    storage.save("plain.svgz", ContentFile(b"<svg/>"))
    with urllib.request.urlopen(storage.url("plain.svgz"), timeout=10) as answer:
        assert answer.headers["Content-Encoding"] is None


def test_a_compressed_svg_that_nobody_has_checked_is_an_attachment(django_site: None) -> None:
    storage = media_storage(check_content=True)
    storage.save("a.svgz", ContentFile(gzip.compress(b"<svg/>")))
    with urllib.request.urlopen(storage.url("a.svgz"), timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Encoding"] is None


# --- Requests -------------------------------------------------------------------------------------


def test_a_save_is_one_request_and_of_a_name_that_is_taken_two(
    storage: Any, counted: Requests
) -> None:
    storage.save("a.txt", ContentFile(b"one"))
    assert counted.methods == ["PUT"]
    counted.sent.clear()
    saved = storage.save("a.txt", ContentFile(b"two"))
    assert counted.methods == (["PUT"] if saved == "a.txt" else ["PUT", "PUT"])


def test_a_large_file_is_sent_once(django_site: None, counted: Requests) -> None:
    """Its name is asked for first: its bytes would be many to send in vain."""
    media = media_storage()
    large = bytes(4 * 1024 * 1024 + 1)
    media.save("a.bin", ContentFile(b"x"))
    counted.sent.clear()
    saved = media.save("a.bin", ContentFile(large))
    assert saved != "a.bin"
    # Two names asked for, two blocks, and what puts them together.
    assert counted.methods == ["HEAD", "HEAD", "PUT", "PUT", "PUT"]
    assert media.size(saved) == len(large)


# --- Subclasses -----------------------------------------------------------------------------------


def test_a_subclass_chooses_names_as_with_any_storage(django_site: None) -> None:
    media = media_storage()

    class Numbered(type(media)):  # type: ignore[misc]
        def get_alternative_name(self, file_root: str, file_ext: str) -> str:
            number = next(self.numbers)
            return f"{file_root}-{number}{file_ext}"

    class Chosen(type(media)):  # type: ignore[misc]
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return f"chosen/{name}"

    class Reserved(type(media)):  # type: ignore[misc]
        def exists(self, name: str) -> bool:
            return name == "reserved.txt" or bool(super().exists(name))

    class Picky(type(media)):  # type: ignore[misc]
        def is_name_available(self, name: str, max_length: int | None = None) -> bool:
            return "_" in name and bool(super().is_name_available(name, max_length))

    options = {"azure_container": media.azure_container, "check_content": False}
    numbered = Numbered(**options)
    numbered.numbers = iter(range(1, 100))
    names = [numbered.save("n.txt", ContentFile(b"%d" % n)) for n in range(3)]
    assert names[:2] == ["n.txt", "n-1.txt"]
    assert len(set(names)) == 3
    chosen = Chosen(**options)
    assert chosen.save("a.txt", ContentFile(b"x")) == "chosen/a.txt"
    with pytest.raises(FileExistsError):
        chosen.save("a.txt", ContentFile(b"y"))
    assert read(chosen, "chosen/a.txt") == b"x"
    assert Reserved(**options).save("reserved.txt", ContentFile(b"x")) != "reserved.txt"
    assert "_" in Picky(**options).save("plain.txt", ContentFile(b"x"))


def test_a_subclass_of_the_static_storage_chooses_names_too(django_site: None) -> None:
    static = static_storage()

    class Chosen(type(static)):  # type: ignore[misc]
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return f"chosen/{name}"

    chosen = Chosen(azure_container=static.azure_container, hashed_names=False)
    assert chosen.save("a.txt", ContentFile(b"x")) == "chosen/a.txt"


def test_a_name_that_is_asked_for_is_looked_up(media: Any, counted: Requests) -> None:
    """Nobody is about to save: who asks is told what is so."""
    media.save("a.txt", ContentFile(b"x"))
    counted.sent.clear()
    assert media.get_available_name("a.txt") != "a.txt"
    assert media.get_available_name("b.txt") == "b.txt"
    assert set(counted.methods) == {"HEAD"}
    assert not media.is_name_available("a.txt")
