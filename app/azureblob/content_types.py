"""The content type that a blob is stored with, from its name alone.

What a client says of its upload is not asked: a picture sent as text/html would be served as one.
"""

from __future__ import annotations

import mimetypes

DEFAULT = "application/octet-stream"
# Machines' own tables differ in these, or miss them.
_OWN = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".md": "text/markdown",
    ".ico": "image/x-icon",
}
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def content_type(name: str) -> str:
    """`text/css; charset=utf-8` for `a/b.css`. An archive is its own type, with no encoding: a
    browser would unpack `x.tar.gz` on the way."""
    suffix = f".{name.rpartition('.')[2].lower()}"
    guessed, packing = mimetypes.guess_type(name.rpartition("/")[2], strict=False)
    if packing:
        return _PACKED.get(packing, DEFAULT)
    found = _OWN.get(suffix) or guessed or DEFAULT
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
