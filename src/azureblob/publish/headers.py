"""What a static file's blob is stored with: its headers and its metadata."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from azureblob.content_types import content_type
from azureblob.rest.models import BLOB_HEADERS, RemoteBlob

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
SETTABLE = tuple(header.response for header in BLOB_HEADERS)
GZIP = "gzip"
# What browsers decode ("HTTP Semantics", 8.4.1, and the IANA registry of content codings).
ENCODINGS = ("", GZIP, "deflate", "br", "zstd")
# Metadata with the MD5 of the file before compression. Compressed bytes differ between versions of
# a library, so if their MD5 were compared, every other machine would send everything again.
SOURCE_MD5 = "md5"
_COMPRESSIBLE = {
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/xml",
    "font/otf",
    "font/ttf",
}
_HASH_IN_NAME = re.compile(r"\.([0-9a-f]{12})(?:\.[^./]*)?$")


class Headers(NamedTuple):
    """The headers that a browser gets; an empty one is not sent. `content_encoding` is that of the
    file's own bytes, which are then published unchanged. Compression by the publish itself is
    decided later, when the file is read. The attributes are those of BLOB_HEADERS."""

    content_type: str
    cache_control: str
    content_language: str = ""
    content_disposition: str = ""
    content_encoding: str = ""

    @property
    def compressible(self) -> bool:
        """Whether compression may save something: text, and formats like it."""
        if self.content_encoding:
            return False
        kind = self.content_type.partition(";")[0].strip().lower()
        return kind.startswith("text/") or kind in _COMPRESSIBLE or kind.endswith(("+xml", "+json"))


@dataclass(frozen=True)
class HeaderRules:
    """`hashed` is the Cache-Control of names that change with the content, `plain` that of other
    names. `overrides` maps a glob of blob names to headers; the last glob that matches wins."""

    hashed: str = IMMUTABLE
    plain: str = SHORT
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(
        self, name: str, *, hashed: bool, plain_name: str = "", content_encoding: str = ""
    ) -> Headers:
        """The headers of the blob `name`. Globs match its `plain_name`, from before hashing, too.
        `content_encoding` is that of the file's bytes: see azureblob.content_types."""
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


def source_md5(blob: RemoteBlob) -> str:
    """The MD5 (hex) of the file before compression, or empty if the blob has no such metadata."""
    return blob.metadata.get(SOURCE_MD5, "")


def has_hashed_name(name: str, blob: RemoteBlob) -> bool:
    """Whether the name contains the MD5 of the blob's content, as names by Django's manifest
    storage do. A name that only looks like one does not count."""
    found = _HASH_IN_NAME.search(name)
    if not found:
        return False
    digests = [source_md5(blob), base64.b64decode(blob.md5).hex() if blob.md5 else ""]
    return any(digest.startswith(found[1]) for digest in digests if digest)
