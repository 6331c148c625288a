"""File names: the blob's, which nobody can guess, and the one that its owner gave the file."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

MAX_LENGTH = 120
_MAX_SUFFIX_LENGTH = 20
# A blob's metadata may have 8 KiB ("Setting and retrieving properties and metadata for Blob service
# resources"); a character takes up to twelve bytes.
_MAX_METADATA_LENGTH = 255
# Reserved in Windows with any extension and in any case ("Naming Files, Paths, and Namespaces").
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
# RFC 8187's attr-char, besides letters and digits.
_ATTR_CHARS = "!#$&+-.^_`|~"
_RESERVED_CHARACTERS = re.compile(r'[<>:"|?*]')
# Control and format characters (right-to-left marks, joiners, tags), halves of surrogate pairs,
# private and unassigned characters, line and paragraph separators.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks without a glyph: Unicode's Default_Ignorable_Code_Point outside the categories
# above (fillers, variation selectors), and blanks that are not white space.
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
    """`pictures/<22 random characters>.jpg`: nobody can guess it, and it reveals nothing."""
    name = f"{secrets.token_urlsafe(16)}{extension}"
    folder = folder.strip("/")
    return f"{folder}/{name}" if folder else name


def shown_name(original: str) -> str:
    """The name to show to people and to save under: the last part of a path, in NFC, at most 120
    characters, without invisible ones, and valid in Windows. `file` if nothing remains.

    Joiners are invisible too: an emoji that they compose is shown as its parts.
    """
    name = re.split(r"[/\\]", original)[-1]
    name = "".join(" " if character.isspace() else character for character in name)
    name = "".join(
        c for c in name if c not in _BLANK and unicodedata.category(c) not in _INVISIBLE_CATEGORIES
    )
    name = _trimmed(_RESERVED_CHARACTERS.sub("_", unicodedata.normalize("NFC", name)))
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip()):
        name = f"_{name}"
    if len(name) > MAX_LENGTH:
        suffix = PurePosixPath(name).suffix
        suffix = suffix if len(suffix) <= _MAX_SUFFIX_LENGTH else ""
        name = f"{_trimmed(name[: MAX_LENGTH - len(suffix)])}{suffix}"
    return name or "file"


def _trimmed(name: str) -> str:
    """With single spaces, and without leading and trailing dots and spaces: Windows drops trailing
    ones, and Unix hides files with a leading dot."""
    return " ".join(name.split()).strip(". ")


def content_disposition(original: str) -> str:
    """`attachment` by RFC 6266, in ASCII as headers are: `filename` for the oldest clients,
    `filename*` for all others. A shown name contains neither quotes nor backslashes."""
    name = shown_name(original)
    plain = "".join(c if c.isascii() and c != "%" else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def original_name_metadata(original: str) -> dict[str, str]:
    """Metadata in ASCII: the first 255 characters as percent-encoded UTF-8."""
    return {"original_name": quote(original[:_MAX_METADATA_LENGTH], safe="", errors="replace")}


def original_name(metadata: Mapping[str, str]) -> str:
    """The name that the file of a blob with this metadata came with; empty if there is none."""
    return unquote(metadata.get("original_name", ""))
