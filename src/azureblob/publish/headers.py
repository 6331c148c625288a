"""What a blob is served with: type, cache time, language, and whether it is packed."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from azureblob.content_types import content_type

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
SETTABLE = (
    "Cache-Control",
    "Content-Type",
    "Content-Language",
    "Content-Disposition",
    "Content-Encoding",
)
GZIP = "gzip"
# What browsers decode ("HTTP Semantics", 8.4.1, and the IANA registry of content codings).
ENCODINGS = ("", GZIP, "deflate", "br", "zstd")
# zlib's usual level: 9 takes twice the time for one percent.
_LEVEL = 6
# A packed body has to save a twentieth: unpacking costs the browser something as well.
_WORTHWHILE = 0.95
_TEXT = {
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/xml",
    "font/otf",
    "font/ttf",
}


@dataclass(frozen=True, slots=True)
class Headers:
    """As the browser gets them; empty for one that is not sent. `content_encoding` is that of the
    file's own bytes, which are then sent as they are; what a publish compresses by itself is not
    known yet."""

    content_type: str
    cache_control: str
    content_language: str = ""
    content_disposition: str = ""
    content_encoding: str = ""

    @property
    def compressible(self) -> bool:
        """Whether compression may save something: text, and what is coded like it."""
        if self.content_encoding:
            return False
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind.startswith("text/") or kind in _TEXT or kind.endswith(("+xml", "+json"))


@dataclass(frozen=True)
class HeaderRules:
    """`hashed` and `plain` are the Cache-Control of names that change with the content, and of
    others. `overrides` maps a glob over blob names to headers of its own; the last match wins."""

    hashed: str = IMMUTABLE
    plain: str = SHORT
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(
        self, name: str, *, hashed: bool, plain_name: str = "", content_encoding: str = ""
    ) -> Headers:
        """The headers of a blob. A glob also matches the name that a hashed one had before.
        `content_encoding` is the one that the file's bytes have, see content_types."""
        found = {
            "Content-Type": content_type(name),
            "Cache-Control": self.hashed if hashed else self.plain,
            "Content-Encoding": content_encoding,
        }
        for pattern, values in self.overrides.items():
            if fnmatchcase(name, pattern) or (plain_name and fnmatchcase(plain_name, pattern)):
                found.update(values)
        return Headers(
            found["Content-Type"],
            found["Cache-Control"],
            found.get("Content-Language", ""),
            found.get("Content-Disposition", ""),
            found["Content-Encoding"],
        )


def packed(data: bytes) -> bytes | None:
    """The bytes packed by gzip, always the same for the same; None if that saves under 5%."""
    small = gzip.compress(data, _LEVEL, mtime=0)
    return small if len(small) <= len(data) * _WORTHWHILE else None


def is_worthwhile(packed_size: int, size: int) -> bool:
    return packed_size <= size * _WORTHWHILE
