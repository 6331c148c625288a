"""What a file is by its content, and the limits that it is checked against."""

from __future__ import annotations

import io
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from azureblob.exceptions import FileRefused
from azureblob.uploads.inspection import ATTACHMENT, Inspection, inspect, inspect_head
from azureblob.uploads.rules import HEAD_BYTES, IMAGES, INERT, UploadRules
from tests.uploads import hostile

ANYTHING = UploadRules(others="attachment")
EXTENSIONS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}


class Counted(io.BytesIO):
    """A file that counts the bytes that are read."""

    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def inspected(content: bytes, rules: UploadRules | None = None, name: str = "x") -> Inspection:
    return inspect(io.BytesIO(content), name, len(content), rules or UploadRules())


def refusal(content: bytes, rules: UploadRules | None = None, name: str = "x") -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        inspected(content, rules, name)
    return caught.value


def frames(kind: str, count: int) -> bytes:
    made = io.BytesIO()
    images = [Image.new("RGB", (10, 20), (n * 9, n, 0)) for n in range(count)]
    images[0].save(made, kind, save_all=True, append_images=images[1:], duration=40)
    return made.getvalue()


@pytest.mark.parametrize("kind", EXTENSIONS)
def test_a_picture_is_known_by_its_content_whatever_its_name(kind: str) -> None:
    found = inspected(hostile.picture(kind), name="page.html")
    assert found == Inspection(f"image/{kind.lower()}", EXTENSIONS[kind], True, 8, 8)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_counts_with_all_its_frames(kind: str) -> None:
    content = frames(kind, 6)
    assert inspected(content, UploadRules(max_pixels=1200, max_frames=6)).width == 10
    assert refusal(content, UploadRules(max_pixels=1199)).code == "pixels"
    assert refusal(content, UploadRules(max_frames=5)).code == "frames"


def test_frames_that_an_animation_does_not_announce_count_as_well() -> None:
    content = hostile.apng(10, 10, 50, claimed=1)
    assert refusal(content, UploadRules(max_pixels=4_000)).code == "pixels"


@pytest.mark.parametrize(
    ("content", "rules", "words"),
    [
        (bytes(3000), UploadRules(max_bytes=2048), ["2.9\xa0KB", "3,000", "2.0\xa0KB", "2,048"]),
        (hostile.png(300, 200), UploadRules(max_pixels=50_000), ["60,000", "50,000"]),
        (hostile.gif(30, 20, 9), UploadRules(max_frames=8), ["8 frames"]),
        (hostile.gif(30, 20, 9), UploadRules(max_pixels=1000), ["1,200", "2 frames", "1,000"]),
        (b"%PDF-1.7", UploadRules(), ["application/pdf", "JPEG, PNG, GIF or WebP"]),
        (b"hello", UploadRules(types=("image/png",)), ["no type", "only PNG"]),
    ],
)
def test_a_refusal_names_what_it_found_and_the_limit(
    django_site: None, content: bytes, rules: UploadRules, words: list[str]
) -> None:
    message = refusal(content, rules).messages[0]
    for word in words:
        assert word in message


def test_a_long_name_is_refused_with_its_length_and_the_limit() -> None:
    found = refusal(hostile.picture("PNG"), name="n" * 201)
    assert found.code == "name"
    assert "201" in found.messages[0]
    assert "200" in found.messages[0]
    assert inspected(hostile.picture("PNG"), name="n" * 200).inline


def test_the_limits_hold_for_attachments_too() -> None:
    for rules in (UploadRules(), ANYTHING):
        assert refusal(b"", rules).code == "empty"
        assert refusal(hostile.gif(65_535, 65_535, 1), rules).code == "pixels"
        assert refusal(hostile.picture("PNG"), rules, "n" * 201).code == "name"


def test_pillow_sees_no_picture_that_is_over_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its WebP decoder allocates memory for the whole canvas as it opens a file."""
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("Pillow was asked"))
    for content in (
        hostile.webp(16_384, 16_384, 1),
        hostile.gif(65_535, 65_535, 1),
        hostile.png(30_000, 30_000),
    ):
        assert refusal(content).code == "pixels"


@pytest.mark.parametrize("strict", [False, True])
def test_pillows_own_limits_are_refusals(strict: bool) -> None:
    """Also if its warning is not an error, as usual in a site."""
    content = bytearray(hostile.picture("JPEG"))
    place = content.index(b"\xff\xc0")
    for side, found in ((10_000, "100,000,000"), (40_000, "1,600,000,000")):
        content[place + 5 : place + 9] = side.to_bytes(2, "big") * 2
        with warnings.catch_warnings():
            warnings.simplefilter("error" if strict else "ignore")
            caught = refusal(bytes(content))
        assert caught.code == "pixels"
        assert found in caught.messages[0]


def test_a_png_with_wrong_checksums_is_damaged() -> None:
    content = bytearray(hostile.picture("PNG"))
    content[content.index(b"IDAT") + 8] ^= 1
    assert refusal(bytes(content)).code == "broken"


def test_an_allowed_type_that_browsers_may_open_is_an_attachment() -> None:
    rules = UploadRules(types=("application/pdf", "application/zip", "video/mp4"))
    assert inspected(b"%PDF-1.7\n", rules) == Inspection("application/pdf", ".pdf", False)
    zipped = inspected(hostile.zipped("a", b"b"), rules)
    assert zipped == Inspection("application/zip", ".zip", False)
    film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
    assert inspected(film, rules) == Inspection("video/mp4", ".mp4", True)


@pytest.mark.parametrize(
    "kind",
    ["text/html", "application/xhtml+xml", "text/xml", "text/javascript", "image/*", "nonsense"],
)
def test_rules_with_a_type_that_content_does_not_reveal_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="cannot be recognised by a file's content"):
        UploadRules(types=("image/png", kind))


def test_rules_that_accept_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="accepts no file"):
        UploadRules(types=())
    assert inspected(b"hello", UploadRules(types=(), others="attachment")) == ATTACHMENT


def test_only_the_beginning_of_other_files_is_read() -> None:
    file = Counted(b"%PDF-1.7\n" + bytes(5_000_000))
    inspect(file, "x", 5_000_009, ANYTHING)
    assert file.bytes_read <= HEAD_BYTES


def test_a_picture_too_large_is_refused_before_it_is_read_to_its_end() -> None:
    file = Counted(hostile.gif(2_000, 2_000, 50_000))
    with pytest.raises(FileRefused):
        inspect(file, "x", len(file.getvalue()), UploadRules())
    assert file.bytes_read <= 2 * HEAD_BYTES
    assert file.tell() == 0


def test_a_file_that_runs_in_a_browser_is_never_inline_by_its_head() -> None:
    for content in (b"<html>", b"<svg/>", b"", b"\xef\xbb\xbf<html>", b"%PDF-1.7", b"GIF<html>"):
        assert inspect_head(content) == ATTACHMENT
    assert INERT.isdisjoint({"text/html", "image/svg+xml", "application/pdf", "text/plain"})
    assert all(kind.split("/")[0] in {"image", "audio", "video"} for kind in INERT)


HEADS: list[bytes] = [
    b"",
    b"GIF89a",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\x40\0\0\0WEBPVP8X",
    b"RIFF\xff\xff\xff\xffWEBPVP8L",
    b"\0\0\0\x1cftypavif",
    b"PK\x03\x04",
    b"ID3",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
]
REST: Any = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(
        [hostile.picture(kind)[n:m] for kind in EXTENSIONS for n in (0, 6, 12) for m in (40, 999)]
    ),
)


@given(
    st.sampled_from(HEADS), REST, st.binary(max_size=20), st.sampled_from([UploadRules(), ANYTHING])
)
def test_whatever_the_bytes_the_answer_is_a_type_or_a_refusal(
    head: bytes, rest: bytes, tail: bytes, rules: UploadRules
) -> None:
    file = io.BytesIO(head + rest + tail)
    try:
        found = inspect(file, "x", len(file.getvalue()), rules)
    except FileRefused as refused:
        assert refused.messages[0]
    else:
        assert found == ATTACHMENT or (found.content_type in IMAGES and found.inline)
    assert file.tell() == 0
    by_head = inspect_head(head + rest + tail)
    assert by_head.inline == (by_head.content_type in INERT)
