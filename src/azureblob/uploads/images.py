"""Whether a picture is one, and what it would cost to show it.

The sizes are read here before Pillow sees the file: some of its decoders take the memory for a
whole picture as they open it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

from PIL import Image

from azureblob.uploads.refusal import Refused
from azureblob.uploads.rules import UploadRules

# Names for people; in capitals they are Pillow's.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
}
# Checked here to the end. Pillow would add nothing, and takes quadratic time for some comments.
_WALKED = {"image/png", "image/gif"}
# Bit depth and colour type ("PNG Specification", table of allowed combinations).
_PNG_MODES = {(depth, 0) for depth in (1, 2, 4, 8, 16)} | {
    *((depth, 3) for depth in (1, 2, 4, 8)),
    *((depth, colours) for depth in (8, 16) for colours in (2, 4, 6)),
}
_PNG_LARGEST = 2**31 - 1
_PIECE = 64 * 1024
_GIF_TRAILER, _GIF_EXTENSION, _GIF_IMAGE = 0x3B, 0x21, 0x2C


class _Broken(Exception):
    """The file ends, or goes on, where its format does not let it."""


def check(file: IO[bytes], kind: str, rules: UploadRules) -> tuple[int, int]:
    """Width and height in pixels of a picture of `kind`, a key of FORMATS. Raises Refused."""
    broken = Refused(f"This {FORMATS[kind]} picture is damaged and cannot be shown.", "broken")
    walk = {"image/gif": _gif, "image/png": _png, "image/webp": _webp}.get(kind)
    try:
        size = (0, 0)
        if walk is not None:
            file.seek(0)
            size = _check_frames(walk(file), rules)
        if kind in _WALKED:
            return size
        file.seek(0)
        return _by_pillow(file, FORMATS[kind].upper(), rules)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\((\d+) pixels", str(error))
        raise _too_many_pixels(int(found[1]) if found else None, rules) from None
    except Exception as error:  # decoders fail on crafted files with any of Python's errors
        raise broken from error


def _by_pillow(file: IO[bytes], name: str, rules: UploadRules) -> tuple[int, int]:
    Image.init()  # knows all formats; Image.open by itself loads only the oldest
    with Image.open(file, formats=(name,)) as image:
        width, height = image.size
        if width * height > rules.max_pixels:
            raise _too_many_pixels(width * height, rules)
        image.verify()
    return width, height


def _check_frames(sizes: Iterator[tuple[int, int]], rules: UploadRules) -> tuple[int, int]:
    """The size of the first frame. `sizes` has that of the canvas for each frame, and is asked no
    further than the limits."""
    pixels = 0
    first = (0, 0)
    for frames, (width, height) in enumerate(sizes, 1):
        first = first if frames > 1 else (width, height)
        pixels += width * height
        if pixels > rules.max_pixels:
            raise _too_many_pixels(pixels, rules, frames)
        if frames > rules.max_frames:
            raise Refused(
                f"This picture has more than {rules.max_frames:,} frames, which is the limit.",
                "frames",
            )
    if pixels == 0:
        raise _Broken
    return first


def _too_many_pixels(pixels: int | None, rules: UploadRules, frames: int = 1) -> Refused:
    found = f"{pixels:,} pixels" if pixels else "too many pixels"
    if frames > 1:
        found = f"{found} in its first {frames:,} frames alone"
    return Refused(
        f"This picture has {found}; at most {rules.max_pixels:,} can be taken"
        f"{', all frames together' if frames > 1 else ''}.",
        "pixels",
    )


def _read(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _Broken
    return data


def _png(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "Portable Network Graphics (PNG) Specification, Third Edition": chunks with their sums, from
    IHDR to IEND. Of an animation each frame is announced by a chunk fcTL; what it says of their
    number is not believed.

    Compressed text and colour profiles stay compressed, of whatever size: Pillow refuses pictures
    with more than 1 MiB of either.
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
        or max(width, height) > _PNG_LARGEST
    ):
        raise _Broken
    animated = data = False
    frames = 0
    while kind != b"IEND":
        kind, _ = _png_chunk(file)
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
    """Type of the next chunk, and the data of IHDR. Raises _Broken."""
    length, kind = struct.unpack(">I4s", _read(file, 8))
    if not kind.isalpha():
        raise _Broken
    total = zlib.crc32(kind)
    data = b""
    while length:
        piece = _read(file, min(length, _PIECE))
        total = zlib.crc32(piece, total)
        length -= len(piece)
        if kind == b"IHDR":
            data = piece
    if _read(file, 4) != struct.pack(">I", total):
        raise _Broken
    return kind, data


def _gif(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "Graphics Interchange Format, Version 89a": blocks up to the trailer. A frame may reach over
    the canvas, which readers then enlarge."""
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
            return  # readers stop here as well
        while length := _read(file, 1)[0]:
            file.seek(length, 1)


def _skip_colours(file: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        file.seek(3 * 2 ** ((flags & 7) + 1), 1)


def _webp(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """ "WebP Container Specification": one picture, or chunks ANMF on a canvas of VP8X's size."""
    end = 8 + struct.unpack("<4xI", _read(file, 12)[:8])[0]
    canvas = None
    place = 12
    frames = 0
    while place + 8 <= end and (header := file.read(8)):
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
        place += 8 + length + length % 2
        file.seek(place)


def _webp_size(kind: bytes, head: bytes) -> tuple[int, int]:
    """RFC 6386, 9.1, and "Specification for WebP Lossless Bitstream": 14 bits each."""
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[6:10])
    return width & 0x3FFF, height & 0x3FFF
