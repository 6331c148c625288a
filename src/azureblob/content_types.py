"""The content type and encoding that a blob is stored with, from its name and first bytes.

The type that a client sends with an upload is ignored: an image sent as text/html would be served
as HTML.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import lru_cache

DEFAULT = "application/octet-stream"
# Python's own table, not the machine's (/etc/mime.types). Otherwise two machines that publish the
# same files could each change the types that the other has set.
_TABLE = mimetypes.MimeTypes()
# Types that are missing in Python's table, or differ between versions of Python.
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
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def content_type(name: str) -> str:
    """The type of a name, such as `text/css; charset=utf-8` for `a/b.css`.

    An archive has a type of its own and no encoding, as browsers would decompress `x.tar.gz`
    otherwise. `.svgz` is the exception: see content_encoding().
    """
    if name.lower().endswith(_SVGZ):
        return _OWN[".svg"]
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    if not dot:
        return DEFAULT
    is_encoding = f".{last}" in _TABLE.encodings_map
    return _of_extension(f"{stem.rpartition('.')[2]}.{last}" if is_encoding else last)


def content_encoding(name: str, read: Callable[[int], bytes]) -> str:
    """`gzip` for `a/b.svgz` if its content is compressed, otherwise empty. `read(size)` returns the
    first bytes: some packages contain plain SVG with this extension, which browsers cannot
    decompress.

    Browsers show a compressed SVG only if its encoding is set ("Scalable Vector Graphics (SVG) 2",
    Conforming SVG Servers).
    """
    return "gzip" if name.lower().endswith(_SVGZ) and read(2) == b"\x1f\x8b" else ""


@lru_cache(maxsize=1024)
def _of_extension(extension: str) -> str:
    """The type of `css` or `tar.gz`. Cached, as most files of a tree share a few extensions."""
    guessed, encoding = _TABLE.guess_type(f"x.{extension}", strict=False)
    if encoding:
        return _COMPRESSED.get(encoding, DEFAULT)
    found = _OWN.get(f".{extension.rpartition('.')[2].lower()}") or guessed or DEFAULT
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
