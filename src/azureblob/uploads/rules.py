"""What a field accepts, and the content types that a file's first bytes reveal."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Literal

import filetype
from django.core.exceptions import ImproperlyConfigured

from azureblob.extras import how_to_install, is_installed

UNKNOWN = "application/octet-stream"
SVG = "image/svg+xml"
# Types that a browser shows or plays and never runs, whatever follows the first bytes: by the "MIME
# Sniffing" standard a declared image, audio or video type stays one, and by "Fetch" none of them is
# a script.
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
# The library distinguishes them; to a browser both are image/png.
_ALIASES = {"image/apng": "image/png"}
RECOGNIZED = frozenset(_ALIASES.get(kind.mime, kind.mime) for kind in filetype.types) - {UNKNOWN}
_EXTENSIONS = {kind.mime: f".{kind.extension}" for kind in reversed(filetype.types)} | {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    SVG: ".svg",
    UNKNOWN: ".bin",
}
# As much as a signature may need: the library looks at the first 8 KiB only.
HEAD_BYTES = 64 * 1024

IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def sniff(head: bytes) -> str:
    """The content type of a file that begins with `head`; application/octet-stream if it has no
    signature. Text has none, which includes HTML, SVG, XML and scripts."""
    kind = filetype.guess(head[:HEAD_BYTES])
    if kind is None:
        # Readers accept the header of a PDF anywhere in the first 1,024 bytes ("PDF Reference",
        # 1.7, implementation note 13).
        return "application/pdf" if b"%PDF-" in head[:1024] else UNKNOWN
    mime: str = _ALIASES.get(kind.mime, kind.mime)
    if mime == "image/gif" and head[:6] not in {b"GIF87a", b"GIF89a"}:
        return UNKNOWN  # the library accepts any text that begins with GIF
    return mime


def extension(content_type: str) -> str:
    """With its dot; `.bin` for an unknown type."""
    return _EXTENSIONS.get(content_type, ".bin")


@dataclass(frozen=True)
class UploadRules:
    """Files of these `types` are stored with their type. `others` says what happens to the rest:
    they are refused, or stored as attachments, which a browser downloads and never opens.

    `image/svg+xml` may be one of the types. Such a file is sanitized and stored as an attachment,
    which `<img>` shows. It needs the package py-svg-hush.

    Raises ValueError for rules that accept nothing, and for a type that cannot be recognised by
    content, which includes everything else that a browser could run: HTML, XML, scripts. Raises
    ImproperlyConfigured if py-svg-hush is missing.
    """

    types: tuple[str, ...] = IMAGES
    max_bytes: int = 10 * 1024 * 1024
    # Width times height times frames: what a viewer would have to decode.
    max_pixels: int = 50_000_000
    # Characters of the original name.
    max_name: int = 200
    others: Literal["refuse", "attachment"] = "refuse"
    # A frame costs time whatever its size.
    max_frames: int = 5_000

    def __post_init__(self) -> None:
        if not self.types and self.others == "refuse":
            raise ValueError("types is empty and others is 'refuse': the field accepts no file.")
        unknown = sorted(set(self.types) - RECOGNIZED - {SVG})
        if unknown:
            raise ValueError(
                f"types contains {', '.join(unknown)}, which cannot be recognised by a file's "
                "content. Remove it, and set others='attachment' to store such files as "
                "attachments."
            )
        if SVG in self.types and not is_installed("svg"):
            raise ImproperlyConfigured(
                f"types contains {SVG}, and the package that sanitizes it is not installed: "
                + how_to_install("svg")
            )

    @property
    def digest(self) -> str:
        """Identifies these rules in a token: different rules have different digests."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]
