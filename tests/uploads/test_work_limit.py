"""The work of an inspection is limited, and a file that exceeds the limit is refused."""

from __future__ import annotations

import io
import itertools
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from azureblob.exceptions import FileRefused
from azureblob.uploads.inspection import WorkLimit, inspect
from azureblob.uploads.rules import UploadRules
from tests.uploads import hostile

MEGABYTES = 9_800_000
ANY_PICTURE = UploadRules(
    types=("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "application/pdf"),
)


def gif_of_tiny_blocks() -> bytes:
    head = hostile.gif(10, 10, 1)[:-5]
    return head + b"\x01\x00" * (MEGABYTES // 2) + b"\x00\x3b"


def gif_with_a_comment_of_tiny_blocks() -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    return head + b"\x21\xfe" + b"\x01\x00" * (MEGABYTES // 2) + b"\x00"


def gif_of_empty_extensions() -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    return head + b"\x21\xfe\x00" * (MEGABYTES // 3)


def png_of_empty_chunks() -> bytes:
    return hostile.png(10, 10, hostile.chunk(b"teST", b"") * (MEGABYTES // 12))


def png_of_empty_data() -> bytes:
    return hostile.png(10, 10, hostile.chunk(b"IDAT", b"") * (MEGABYTES // 12))


def jpeg_of_fill_bytes() -> bytes:
    content = hostile.picture("JPEG")
    return content[:2] + b"\xff" * MEGABYTES + content[2:]


def jpeg_of_junk() -> bytes:
    content = hostile.picture("JPEG")
    return content[:2] + b"\xff\x00" * (MEGABYTES // 2) + content[2:]


def jpeg_of_comments() -> bytes:
    content = hostile.picture("JPEG")
    return content[:2] + b"\xff\xfe\x00\x02" * (MEGABYTES // 4) + content[2:]


def jpeg_of_tables() -> bytes:
    content = hostile.picture("JPEG")
    table = b"\xff\xdb\x00\x43\x00" + bytes(range(1, 65))
    return content[:2] + table * (MEGABYTES // len(table)) + content[2:]


def webp_of_empty_chunks() -> bytes:
    body = hostile.webp(10, 10, 0)[8:] + b"TEST\x00\x00\x00\x00" * (MEGABYTES // 8)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_of_empty_boxes() -> bytes:
    return hostile.picture("AVIF") + b"\x00\x00\x00\x08free" * (MEGABYTES // 8)


def pdf_of_nothing() -> bytes:
    return b"%PDF-1.7\n" + b"<<" * (MEGABYTES // 2)


STORMS: list[Callable[[], bytes]] = [
    gif_of_tiny_blocks,
    gif_with_a_comment_of_tiny_blocks,
    gif_of_empty_extensions,
    png_of_empty_chunks,
    png_of_empty_data,
    jpeg_of_fill_bytes,
    jpeg_of_junk,
    jpeg_of_comments,
    jpeg_of_tables,
    webp_of_empty_chunks,
    avif_of_empty_boxes,
    pdf_of_nothing,
]


@pytest.mark.parametrize("made", STORMS)
def test_ten_megabytes_of_tiny_parts_cost_little(made: Callable[[], bytes]) -> None:
    """The limit is four times what the slowest file takes on a busy machine with two cores."""
    content = made()
    began = time.thread_time()
    try:
        inspect(io.BytesIO(content), "x", len(content), ANY_PICTURE)
    except FileRefused as refused:
        assert refused.code in {"complex", "broken"}
    assert time.thread_time() - began < 4


@pytest.mark.parametrize(
    "made",
    [gif_of_tiny_blocks, png_of_empty_chunks, jpeg_of_fill_bytes, webp_of_empty_chunks],
)
def test_a_file_of_too_many_parts_is_refused_with_that_reason(made: Callable[[], bytes]) -> None:
    content = made()
    with pytest.raises(FileRefused, match="so many small parts") as caught:
        inspect(io.BytesIO(content), "x", len(content), UploadRules())
    assert caught.value.code == "complex"
    with pytest.raises(FileRefused, match="so many small parts"):
        attachments = UploadRules(others="attachment")
        inspect(io.BytesIO(content), "x", len(content), attachments)


def limit_of(**changed: int) -> WorkLimit:
    made = WorkLimit(1000)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("limit", ["steps", "bytes"])
def test_steps_and_bytes_are_counted_whatever_the_format(kind: str, limit: str) -> None:
    content = hostile.picture(kind)
    small = limit_of(**{limit: 3 if limit == "steps" else len(content) + 9})
    with pytest.raises(FileRefused) as caught:
        inspect(io.BytesIO(content), "x", len(content), ANY_PICTURE, small)
    assert caught.value.code == "complex"
    inspect(io.BytesIO(content), "x", len(content), ANY_PICTURE, limit_of())


def test_cpu_seconds_of_the_thread_are_counted() -> None:
    content = hostile.png(10, 10, hostile.chunk(b"teST", b"") * 200)
    ticks = itertools.count()
    quick = WorkLimit(len(content), seconds=1e9, clock=lambda: float(next(ticks)))
    inspect(io.BytesIO(content), "x", len(content), UploadRules(), quick)
    assert next(ticks) > 3
    slow = WorkLimit(len(content), seconds=2, clock=lambda: float(next(ticks)))
    with pytest.raises(FileRefused) as caught:
        inspect(io.BytesIO(content), "x", len(content), UploadRules(), slow)
    assert caught.value.code == "complex"


def test_a_large_file_of_ordinary_parts_passes() -> None:
    """GIF's blocks have 255 bytes, and libpng writes chunks of 8 KiB."""
    rules = UploadRules(max_bytes=300_000_000)
    block = b"\xff" + bytes(255)
    gif = hostile.gif(10, 10, 1)[:-5] + block * 200_000 + b"\x00\x3b"
    assert inspect(io.BytesIO(gif), "x", len(gif), rules).content_type == "image/gif"
    png = hostile.png(10, 10, hostile.chunk(b"IDAT", bytes(8192)) * 4_000)
    assert inspect(io.BytesIO(png), "x", len(png), rules).content_type == "image/png"


class Failing(io.BytesIO):
    """A file that fails halfway, as storage may."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 40:
            raise ConnectionError("by test")
        return super().read(size)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG", "WEBP"])
@pytest.mark.parametrize("others", ["refuse", "attachment"])
def test_a_file_that_cannot_be_read_is_not_reported_as_damaged(kind: str, others: Any) -> None:
    content = {
        "PNG": hostile.png(9, 9, hostile.chunk(b"teST", bytes(200))),
        "GIF": hostile.gif(9, 9, 40),
        "WEBP": hostile.webp(9, 9, 40),
    }.get(kind) or hostile.picture(kind)
    with pytest.raises(ConnectionError):
        inspect(Failing(content), "x", len(content), UploadRules(others=others))


def text_chunks() -> list[bytes]:
    large = b"x" * 3_000_000
    compressed = zlib.compress(large)
    return [
        hostile.chunk(b"zTXt", b"Comment\x00\x00" + compressed),
        hostile.chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + compressed),
        hostile.chunk(b"iCCP", b"profile\x00\x00" + compressed),
        hostile.chunk(b"tEXt", b"Comment\x00" + large),
    ]


@pytest.mark.parametrize("text", text_chunks(), ids=["zTXt", "iTXt", "iCCP", "tEXt"])
def test_a_png_with_much_compressed_text_or_a_large_profile_is_accepted(text: bytes) -> None:
    content = hostile.png(10, 10, text)
    found = inspect(io.BytesIO(content), "x", len(content), UploadRules())
    assert (found.content_type, found.width, found.height) == ("image/png", 10, 10)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c[:-12],  # no IEND
        lambda c: c[:60],
        lambda c: c.replace(b"IDAT", b"IDAX"),
        lambda c: c[:8] + hostile.chunk(b"teST", b"") + c[8:],  # IHDR is not the first
        lambda c: hostile.png(0, 10),
        lambda c: hostile.png(10, 2**31),
        lambda c: hostile.png(10, 10).replace(
            hostile.chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 1, 0, 0, 0, 0)),
            hostile.chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 3, 0, 0, 0, 0)),
        ),
        lambda c: hostile.png(10, 10, struct.pack(">I", 0) + b"te\x00T" + bytes(4)),
        lambda c: c[:8] + hostile.chunk(b"IHDR", bytes(13)[:12]) + c[33:],
    ],
)
def test_a_png_with_a_wrong_structure_is_damaged(damage: Callable[[bytes], bytes]) -> None:
    content = damage(hostile.picture("PNG"))
    with pytest.raises(FileRefused) as caught:
        inspect(io.BytesIO(content), "x", len(content), UploadRules())
    assert caught.value.code == "broken"


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n\n", b"junk\x00" * 200])
def test_a_pdf_may_have_bytes_before_its_header(before: bytes) -> None:
    rules = UploadRules(types=("application/pdf",))
    content = before + b"%PDF-1.7\n"
    found = inspect(io.BytesIO(content), "x", len(content), rules)
    assert (found.content_type, found.inline) == ("application/pdf", False)
    late = bytes(1024) + b"%PDF-1.7\n"
    with pytest.raises(FileRefused):
        inspect(io.BytesIO(late), "x", len(late), rules)
