"""The content type and encoding that a blob is stored with.

They come from its name and bytes. What a client says of its upload is ignored: a picture sent as
text/html would be served as HTML.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import lru_cache

DEFAULT = "application/octet-stream"
# Python's own table, and not the machine's (/etc/mime.types): two machines that publish the same
# files would each mend what the other has set.
_TABLE = mimetypes.MimeTypes()
# What Python's table misses, or has otherwise in one version than in another.
_OWN = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".csv": "text/csv",
    ".json": "application/json",
    ".map": "application/json",
    ".geojson": "application/geo+json",
    ".jsonld": "application/ld+json",
    ".webmanifest": "application/manifest+json",
    ".xml": "text/xml",
    ".xhtml": "application/xhtml+xml",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".ics": "text/calendar",
    ".vtt": "text/vtt",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".apng": "image/apng",
    ".jxl": "image/jxl",
    ".heic": "image/heic",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".eot": "application/vnd.ms-fontobject",
    ".md": "text/markdown",
    ".ico": "image/x-icon",
    ".rtf": "application/rtf",
    ".wasm": "application/wasm",
    ".gltf": "model/gltf+json",
    ".glb": "model/gltf-binary",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".wav": "audio/wav",
    ".mpd": "application/dash+xml",
    ".7z": "application/x-7z-compressed",
    ".epub": "application/epub+zip",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
}
_SVGZ = ".svgz"
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def content_type(name: str) -> str:
    """`text/css; charset=utf-8` for `a/b.css`. An archive is its own type, with no encoding: a
    browser would unpack `x.tar.gz` on the way. `.svgz` is the exception, see content_encoding()."""
    if name.lower().endswith(_SVGZ):
        return _OWN[".svg"]
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    if not dot:
        return DEFAULT
    packs = f".{last}" in _TABLE.encodings_map
    return _of_ending(f"{stem.rpartition('.')[2]}.{last}" if packs else last)


def content_encoding(name: str, read: Callable[[int], bytes]) -> str:
    """`gzip` for `a/b.svgz` if its content is compressed, else empty. `read(size)` gives the first
    bytes: some packages have plain SVG under this name, which no browser could decompress.

    Browsers show a compressed SVG only if its encoding is set ("Scalable Vector Graphics (SVG) 2",
    Conforming SVG Servers)."""
    return "gzip" if name.lower().endswith(_SVGZ) and read(2) == b"\x1f\x8b" else ""


@lru_cache(maxsize=1024)
def _of_ending(ending: str) -> str:
    """By what a name ends with, `css` or `tar.gz`: most of a tree's files share a few of these."""
    guessed, packing = _TABLE.guess_type(f"x.{ending}", strict=False)
    if packing:
        return _PACKED.get(packing, DEFAULT)
    found = _OWN.get(f".{ending.rpartition('.')[2].lower()}") or guessed or DEFAULT
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
