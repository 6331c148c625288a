"""Content types that a file's first bytes reveal."""

from __future__ import annotations

import filetype

UNKNOWN = "application/octet-stream"
# What a browser shows or plays and never runs, whatever comes after the first bytes: by the "MIME
# Sniffing" standard a declared picture, sound or film stays one, and by "Fetch" none is a script.
INERT = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/x-flac",
        "audio/x-wav",
        "video/mp4",
        "video/webm",
        "video/quicktime",
    }
)
# The library tells them apart; to a browser both are image/png.
_SAME = {"image/apng": "image/png"}
KNOWN = frozenset(_SAME.get(kind.mime, kind.mime) for kind in filetype.types) - {UNKNOWN}
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    UNKNOWN: ".bin",
}
_BY_MIME = {kind.mime: f".{kind.extension}" for kind in reversed(filetype.types)}
# As much as a signature may need: the library looks no further than 8 KiB.
HEAD_BYTES = 64 * 1024


def sniff(head: bytes) -> str:
    """The content type of a file that begins with `head`; application/octet-stream for one that
    has no signature, which is all text: HTML, SVG, XML, scripts."""
    kind = filetype.guess(head[:HEAD_BYTES])
    if kind is None:
        # Readers of PDF look for its header in the first 1,024 bytes ("PDF Reference", 1.7,
        # implementation note 13).
        return "application/pdf" if b"%PDF-" in head[:1024] else UNKNOWN
    mime: str = _SAME.get(kind.mime, kind.mime)
    if mime == "image/gif" and head[:6] not in {b"GIF87a", b"GIF89a"}:
        return UNKNOWN  # to the library any text is one that begins with GIF
    return mime


def extension(mime: str) -> str:
    """Of the type, with its dot; `.bin` for what is unknown."""
    return _EXTENSIONS.get(mime) or _BY_MIME.get(mime, ".bin")
