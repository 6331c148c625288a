"""Names: the blob's, which nobody guesses, and the one that its owner gave the file."""

from __future__ import annotations

import re
import secrets
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

LENGTH = 120
_SUFFIX_LENGTH = 20
# Metadata of a blob is 8 KiB at the most ("Setting and retrieving properties and metadata for Blob
# service resources"); a character takes up to twelve bytes.
_METADATA_LENGTH = 255
# "Naming Files, Paths, and Namespaces" (Windows): with any extension, in any case.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
# Controls, format characters (right-to-left marks, joiners, tags), halves of surrogate pairs,
# private and unassigned characters, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that show nothing: Unicode's Default_Ignorable_Code_Point outside of the
# categories above (fillers, variation selectors), and the blanks that are no white space.
_BLANK = frozenset(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            0x2800,
            0x3164,
            *range(0xFE00, 0xFE10),
            0xFFA0,
            0x16FE4,
            0x1D159,
            *range(0xE0000, 0xE1000),
        ),
    )
)


def random_name(folder: str, extension: str) -> str:
    """`pictures/<22 random characters>.jpg`: nobody guesses it, and it tells nothing."""
    name = f"{secrets.token_urlsafe(16)}{extension}"
    folder = folder.strip("/")
    return f"{folder}/{name}" if folder else name


def shown_name(original: str) -> str:
    """The name for people and their disks: the last part of a path, NFC, at most 120 characters,
    with nothing invisible in it, and never one that Windows cannot have. `file` if nothing is left.

    Joiners are invisible as well: an emoji made of several is shown as those."""
    name = re.split(r"[/\\]", original)[-1]
    name = "".join(" " if character.isspace() else character for character in name)
    name = "".join(c for c in name if c not in _BLANK and unicodedata.category(c) not in _UNSEEN)
    name = _trimmed(_NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", name)))
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip()):
        name = f"_{name}"
    if len(name) > LENGTH:
        suffix = PurePosixPath(name).suffix
        suffix = suffix if len(suffix) <= _SUFFIX_LENGTH else ""
        name = f"{_trimmed(name[: LENGTH - len(suffix)])}{suffix}"
    return name or "file"


def _trimmed(name: str) -> str:
    """Without dots and spaces around, which Windows drops and Unix hides; single spaces within."""
    return " ".join(name.split()).strip(". ")


def as_metadata(original: str) -> str:
    """ASCII for the metadata `original_name`: percent-encoded UTF-8 of its first 255 characters."""
    return quote(original[:_METADATA_LENGTH], safe="", errors="replace")


def from_metadata(value: str) -> str:
    return unquote(value)
