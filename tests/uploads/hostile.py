"""Files that try to run, to exhaust the memory, or to be taken for something else.

Each is made here. A script in one tells that it ran by asking the beacon for the file's name.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, PngImagePlugin


@dataclass(frozen=True)
class Hostile:
    """`key` identifies the file in a test; `name` and `claimed` are what its client claims."""

    key: str
    name: str
    claimed: str
    content: bytes


def script(beacon: str, key: str) -> str:
    return f"document.title='ran';new Image().src='{beacon}/{key}';"


def page(beacon: str, key: str) -> bytes:
    """HTML whose script runs as soon as anything reads it as a page."""
    return f"<!doctype html><html><body><script>{script(beacon, key)}</script>".encode()


def picture(kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, kind, **options)
    return made.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    sum_ = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG that claims dimensions and has hardly any data for them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def apng(width: int, height: int, frames: int, *, claimed: int | None = None) -> bytes:
    control = [
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", n, width, height, 0, 0, 1, 10, 0, 0))
        for n in range(frames)
    ]
    head = chunk(b"acTL", struct.pack(">II", claimed or frames, 0))
    return png(width, height, head, *control)


def gif(width: int, height: int, frames: int) -> bytes:
    """Frames of one pixel each, for each of which a viewer composes the whole canvas."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b"\x3b"


def webp(width: int, height: int, frames: int) -> bytes:
    """The headers of an animation."""
    extended = (
        b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    chunks = b"VP8X" + struct.pack("<I", 10) + extended + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    frame = b"ANMF" + struct.pack("<I", 16) + bytes(16)
    body = b"WEBP" + chunks + frame * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_comment(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def with_chunk(webp_bytes: bytes, kind: bytes, data: bytes) -> bytes:
    data += bytes(len(data) % 2)
    body = webp_bytes[8:] + kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def svg(beacon: str, key: str) -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        f"<script>{script(beacon, key)}</script></svg>"
    ).encode()


def _text(beacon: str, key: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", page(beacon, key).decode())
    return info


# By key: the client's name, the type it claims, and what makes the bytes from beacon and key.
_Recipe = tuple[str, str, Callable[[str, str], bytes]]
_FILES: dict[str, _Recipe] = {
    # --- Pages and scripts under names and types of pictures
    "html-as-png": ("cat.png", "image/png", page),
    "html-claimed": ("cat.jpg", "text/html", page),
    "html-plain": ("cat.html", "text/html", page),
    "html-bom": ("cat.gif", "image/gif", lambda b, k: b"\xef\xbb\xbf" + page(b, k)),
    "html-utf16": ("cat.png", "image/png", lambda b, k: page(b, k).decode().encode("utf-16")),
    "html-utf7": ("cat.txt", "text/plain", lambda b, k: page(b, k).decode().encode("utf-7")),
    "html-spaces": ("cat.jpeg", "image/jpeg", lambda b, k: b" \n\t" * 300 + page(b, k)),
    "html-comment": (
        "cat.webp",
        "image/webp",
        lambda b, k: b"<!--" + b"x" * 600 + b"-->" + page(b, k),
    ),
    "html-zeros": ("cat.png", "image/png", lambda b, k: bytes(16) + page(b, k)),
    "html-no-type": ("cat", "", page),
    "xhtml": (
        "cat.xhtml",
        "application/xhtml+xml",
        lambda b, k: (
            '<html xmlns="http://www.w3.org/1999/xhtml"><head>'
            f"<script>{script(b, k)}</script></head></html>"
        ).encode(),
    ),
    "mhtml": (
        "cat.mht",
        "multipart/related",
        lambda b, k: b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + page(b, k),
    ),
    "svg": ("cat.svg", "image/svg+xml", svg),
    "svg-as-png": ("cat.png", "image/png", svg),
    "svg-prolog": (
        "cat.svg",
        "image/svg+xml",
        lambda b, k: b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e "x">]>' + svg(b, k),
    ),
    "svg-onload": (
        "cat.jpg",
        "image/jpeg",
        lambda b, k: (
            f'<svg xmlns="http://www.w3.org/2000/svg" onload="{script(b, k)}"></svg>'.encode()
        ),
    ),
    "svgz": ("cat.svgz", "image/svg+xml", lambda b, k: gzip.compress(svg(b, k), mtime=0)),
    "xml-style": (
        "cat.xml",
        "text/xml",
        lambda b, k: (
            b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#"?>' + svg(b, k)
        ),
    ),
    "xml-entities": (
        "cat.xml",
        "application/xml",
        lambda b, k: (
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaa">'
            b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
        ),
    ),
    "js": ("cat.js", "text/javascript", lambda b, k: script(b, k).encode()),
    "js-as-jpg": ("cat.jpg", "image/jpeg", lambda b, k: script(b, k).encode()),
    "css": ("cat.css", "text/css", lambda b, k: f"body{{background:url({b}/{k})}}".encode()),
    # --- Files of two types
    "gif-js": (
        "cat.gif",
        "image/gif",
        lambda b, k: b"GIF89a/*" + picture("GIF")[8:] + f"*/=1;{script(b, k)}".encode(),
    ),
    "gif-by-three-letters": ("cat.gif", "image/gif", lambda b, k: b"GIF=1;" + page(b, k)),
    "gif-head-html": ("cat.gif", "image/gif", lambda b, k: b"GIF89a" + page(b, k)),
    "gif-html": ("cat.gif", "image/gif", lambda b, k: picture("GIF") + page(b, k)),
    "gif-comment": ("cat.gif", "text/html", lambda b, k: picture("GIF", comment=page(b, k)[:255])),
    "png-html": ("cat.png", "text/html", lambda b, k: picture("PNG") + page(b, k)),
    "png-text": ("cat.png", "text/html", lambda b, k: picture("PNG", pnginfo=_text(b, k))),
    "png-head-html": ("cat.png", "image/png", lambda b, k: b"\x89PNG\r\n\x1a\n" + page(b, k)),
    "jpeg-comment": (
        "cat.jpg",
        "text/html",
        lambda b, k: with_comment(picture("JPEG"), page(b, k)),
    ),
    "jpeg-html": ("cat.jpg", "text/html", lambda b, k: picture("JPEG") + page(b, k)),
    "jpeg-head-html": ("cat.jpg", "image/jpeg", lambda b, k: b"\xff\xd8\xff" + page(b, k)),
    "jpeg-zip": (
        "cat.jpg",
        "application/zip",
        lambda b, k: picture("JPEG") + zipped("cat.html", page(b, k)),
    ),
    "webp-exif": (
        "cat.webp",
        "text/html",
        lambda b, k: with_chunk(picture("WEBP"), b"EXIF", page(b, k)),
    ),
    "webp-head-html": (
        "cat.webp",
        "image/webp",
        lambda b, k: b"RIFF\x00\x01\x00\x00WEBPVP8 " + page(b, k),
    ),
    "bmp-js": ("cat.bmp", "image/bmp", lambda b, k: f"BM=1;{script(b, k)}".encode()),
    "ico-html": ("cat.ico", "image/x-icon", lambda b, k: b"\x00\x00\x01\x00" + page(b, k)),
    "avif-html": (
        "cat.avif",
        "image/avif",
        lambda b, k: b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + page(b, k),
    ),
    "mp3-html": ("cat.mp3", "audio/mpeg", lambda b, k: b"ID3" + page(b, k)),
    "mp4-html": (
        "cat.mp4",
        "video/mp4",
        lambda b, k: b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + page(b, k),
    ),
    "pdf-js": (
        "cat.pdf",
        "application/pdf",
        lambda b, k: (
            b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF"
        ),
    ),
    "pdf-html": ("cat.pdf", "application/pdf", lambda b, k: b"%PDF-1.7\n" + page(b, k)),
    "html-pdf": ("cat.pdf", "text/html", lambda b, k: page(b, k) + b"\n%PDF-1.7\n%%EOF"),
    "zip-html": ("cat.zip", "application/zip", lambda b, k: zipped("index.html", page(b, k))),
    "exe": ("cat.exe", "image/png", lambda b, k: b"MZ" + bytes(100) + page(b, k)),
    "swf": ("cat.swf", "image/gif", lambda b, k: b"FWS\x09" + bytes(100)),
    "wasm": ("cat.wasm", "application/wasm", lambda b, k: b"\x00asm\x01\x00\x00\x00" + bytes(64)),
    "postscript": (
        "cat.ps",
        "application/postscript",
        lambda b, k: b"%!PS-Adobe-3.0\n" + page(b, k),
    ),
    # --- Bombs, and nothing at all
    "bomb-png": ("cat.png", "image/png", lambda b, k: png(30_000, 30_000)),
    "bomb-png-huge": ("cat.png", "image/png", lambda b, k: png(2**31 - 1, 2**31 - 1)),
    "bomb-gif": ("cat.gif", "image/gif", lambda b, k: gif(65_535, 65_535, 1)),
    "bomb-gif-frames": ("cat.gif", "image/gif", lambda b, k: gif(2_000, 2_000, 3_000)),
    "bomb-apng-frames": ("cat.png", "image/png", lambda b, k: apng(2_000, 2_000, 3_000, claimed=1)),
    "bomb-webp": ("cat.webp", "image/webp", lambda b, k: webp(16_384, 16_384, 1)),
    "bomb-webp-frames": ("cat.webp", "image/webp", lambda b, k: webp(2_000, 2_000, 3_000)),
    "cut-jpeg": ("cat.jpg", "image/jpeg", lambda b, k: picture("JPEG")[:30]),
    "cut-webp": ("cat.webp", "image/webp", lambda b, k: picture("WEBP")[:20]),
    "empty": ("cat.png", "text/html", lambda b, k: b""),
    # --- Names
    "name-double": ("cat.jpg.html", "text/html", page),
    "name-double-turned": ("cat.html.jpg", "text/html", lambda b, k: picture("JPEG") + page(b, k)),
    "name-zero-byte": ("cat.html\x00.png", "image/png", page),
    "name-controls": ("c\x07a\x1bt\x7f\x85.html", "text/html", page),
    "name-line-breaks": ("cat\r\nContent-Type: text/html\r\n\r\n.html", "text/html", page),
    "name-right-to-left": ("cat\u202egnp.html", "text/html", page),
    "name-isolates": ("\u2067cat\u2069.\u200bhtml\ufeff", "text/html", page),
    "name-path": ("../../../etc/cat.html", "text/html", page),
    "name-windows-path": ("C:\\Windows\\..\\cat.html", "text/html", page),
    "name-device": ("CON.html", "text/html", page),
    "name-dots": ("cat.html. . .", "text/html", page),
    "name-only-dots": ("...", "text/html", page),
    "name-quotes": ('cat"; filename="dog.html', "text/html", page),
    "name-percent": ("cat%00%2e%2e%2f.html", "text/html", page),
    "name-unicode": ("\uff43\uff41\uff54\u2024\uff48tml\U0001f63a.html", "text/html", page),
    "name-long": ("c" * 1_100 + ".html", "text/html", page),
    "name-long-wide": ("\U0001f63a" * 250 + ".png", "image/png", lambda b, k: picture("PNG")),
}


def files(beacon: str) -> list[Hostile]:
    return [
        Hostile(key, name, claimed, make(beacon, key))
        for key, (name, claimed, make) in _FILES.items()
    ]
