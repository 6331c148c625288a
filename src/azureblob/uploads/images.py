"""Whether an image is intact, and what it would cost to show it.

The dimensions are read here before Pillow sees the file: some of its decoders allocate the memory
for a whole image as they open it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from PIL import Image

from azureblob.exceptions import FileRefused, Localized
from azureblob.uploads.rules import UploadRules

# Names for people; in capitals they are Pillow's.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
}
# Verified here to the end. Pillow would add nothing, and takes quadratic time for some comments.
_VERIFIED = {"image/png", "image/gif"}
# Bit depth and colour type ("PNG Specification", table of allowed combinations).
_PNG_MODES = {(depth, 0) for depth in (1, 2, 4, 8, 16)} | {
    *((depth, 3) for depth in (1, 2, 4, 8)),
    *((depth, colours) for depth in (8, 16) for colours in (2, 4, 6)),
}
_PNG_MAX_SIDE = 2**31 - 1
_READ_BYTES = 64 * 1024
_GIF_TRAILER, _GIF_EXTENSION, _GIF_IMAGE = 0x3B, 0x21, 0x2C


class _Broken(Exception):
    """The file ends, or continues, where its format does not allow it."""


def check(file: IO[bytes], content_type: str, rules: UploadRules) -> tuple[int, int]:
    """Width and height in pixels of an image of this type, a key of FORMATS. Raises FileRefused."""
    frames = {"image/gif": _gif, "image/png": _png, "image/webp": _webp}.get(content_type)
    try:
        size = (0, 0)
        if frames is not None:
            file.seek(0)
            size = _check_frames(frames(file), rules)
        if content_type in _VERIFIED:
            return size
        file.seek(0)
        return _check_by_pillow(file, FORMATS[content_type].upper(), rules)
    except FileRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\((\d+) pixels", str(error))
        raise _too_many_pixels(int(found[1]) if found else None, rules) from None
    except Exception as error:  # for crafted files, decoders raise any of Python's errors
        raise FileRefused(
            _("This %(format)s image is damaged and cannot be shown."),
            "broken",
            {"format": FORMATS[content_type]},
        ) from error


def _check_by_pillow(file: IO[bytes], name: str, rules: UploadRules) -> tuple[int, int]:
    Image.init()  # registers all formats; Image.open by itself loads only the oldest
    with Image.open(file, formats=(name,)) as image:
        width, height = image.size
        if width * height > rules.max_pixels:
            raise _too_many_pixels(width * height, rules)
        image.verify()
    return width, height


def _check_frames(sizes: Iterator[tuple[int, int]], rules: UploadRules) -> tuple[int, int]:
    """The size of the first frame. `sizes` yields the canvas's size for each frame, and is not
    consumed beyond the limits."""
    pixels = 0
    first = (0, 0)
    for frames, (width, height) in enumerate(sizes, 1):
        first = first if frames > 1 else (width, height)
        pixels += width * height
        if pixels > rules.max_pixels:
            raise _too_many_pixels(pixels, rules, frames)
        if frames > rules.max_frames:
            raise FileRefused(
                ngettext_lazy(
                    "This image has more than %(frames)s frame, which is the limit.",
                    "This image has more than %(frames)s frames, which is the limit.",
                    rules.max_frames,
                ),
                "frames",
                {"frames": Localized(rules.max_frames)},
            )
    if pixels == 0:
        raise _Broken
    return first


def _too_many_pixels(pixels: int | None, rules: UploadRules, frames: int = 1) -> FileRefused:
    params = {"limit": Localized(rules.max_pixels), "frames": Localized(frames)}
    if pixels is None:
        message = _("This image has too many pixels; at most %(limit)s are allowed.")
    elif frames == 1:
        message = _("This image has %(pixels)s pixels; at most %(limit)s are allowed.")
    else:
        message = _(
            "This image has %(pixels)s pixels in its first %(frames)s frames alone; at most "
            "%(limit)s are allowed in all frames together."
        )
    if pixels is not None:
        params["pixels"] = Localized(pixels)
    return FileRefused(message, "pixels", params)


def _read(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _Broken
    return data


def _png(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "Portable Network Graphics (PNG) Specification, Third Edition": chunks with checksums, from
    IHDR to IEND. In an animation a chunk fcTL announces each frame; the number of frames that the
    file claims is ignored.

    Compressed text and colour profiles are not decompressed, so they may have any size: Pillow
    refuses images with more than 1 MiB of either.
    """
    _read(file, 8)
    kind, head = _png_chunk(file)
    if kind != b"IHDR" or len(head) != 13:
        raise _Broken
    width, height, depth, colours, compression, filtering, interlacing = struct.unpack(
        ">IIBBBBB", head
    )
    if (
        (depth, colours) not in _PNG_MODES
        or compression
        or filtering
        or interlacing > 1
        or max(width, height) > _PNG_MAX_SIDE
    ):
        raise _Broken
    animated = data = False
    frames = 0
    while kind != b"IEND":
        kind, _data = _png_chunk(file)
        data |= kind == b"IDAT"
        animated |= kind == b"acTL"
        if kind == b"fcTL" and animated:
            frames += 1
            yield width, height
    if not data:
        raise _Broken
    if frames == 0:
        yield width, height


def _png_chunk(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Type of the next chunk, and its data if it is IHDR. Raises _Broken."""
    length, kind = struct.unpack(">I4s", _read(file, 8))
    if not kind.isalpha():
        raise _Broken
    checksum = zlib.crc32(kind)
    data = b""
    while length:
        data_part = _read(file, min(length, _READ_BYTES))
        checksum = zlib.crc32(data_part, checksum)
        length -= len(data_part)
        if kind == b"IHDR":
            data = data_part
    if _read(file, 4) != struct.pack(">I", checksum):
        raise _Broken
    return kind, data


def _gif(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "Graphics Interchange Format, Version 89a": blocks up to the trailer. If a frame extends
    beyond the canvas, decoders enlarge the canvas."""
    header = _read(file, 13)
    width, height, flags = struct.unpack("<HHB", header[6:11])
    _skip_colours(file, flags)
    while kind := file.read(1):
        if kind[0] == _GIF_TRAILER:
            return
        if kind[0] == _GIF_EXTENSION:
            _read(file, 1)
        elif kind[0] == _GIF_IMAGE:
            left, top, own_width, own_height, flags = struct.unpack("<HHHHB", _read(file, 9))
            width, height = max(width, left + own_width), max(height, top + own_height)
            yield width, height
            _skip_colours(file, flags)
            _read(file, 1)
        else:
            return  # decoders stop here as well
        while length := _read(file, 1)[0]:
            file.seek(length, 1)


def _skip_colours(file: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        file.seek(3 * 2 ** ((flags & 7) + 1), 1)


def _webp(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "WebP Container Specification": one image, or frames in chunks ANMF on a canvas whose size
    is in VP8X."""
    end = 8 + struct.unpack("<4xI", _read(file, 12)[:8])[0]
    canvas = None
    position = 12
    frames = 0
    while position + 8 <= end and (header := file.read(8)):
        if len(header) < 8:
            break
        kind, length = struct.unpack("<4sI", header)
        if kind == b"VP8X":
            found = _read(file, 10)
            canvas = (
                1 + int.from_bytes(found[4:7], "little"),
                1 + int.from_bytes(found[7:10], "little"),
            )
        elif kind == b"ANMF" and canvas:
            frames += 1
            yield canvas
        elif kind in {b"VP8 ", b"VP8L"}:
            frames += 1
            yield canvas or _webp_size(kind, _read(file, 10))
        position += 8 + length + length % 2
        file.seek(position)


def _webp_size(kind: bytes, head: bytes) -> tuple[int, int]:
    """RFC 6386, 9.1, and "Specification for WebP Lossless Bitstream": 14 bits each."""
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[6:10])
    return width & 0x3FFF, height & 0x3FFF
