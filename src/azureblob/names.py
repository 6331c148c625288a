"""Names of blobs, by "Naming and Referencing Containers, Blobs, and Metadata".

Names that Azure would refuse, or that other tools would read as a different name, are refused here
with a reason.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

from django.core.exceptions import SuspiciousFileOperation

LONGEST = 1024
MOST_SEGMENTS = 254
# Control characters, surrogates and private use: "not valid in URL paths even when correctly
# encoded". The two code points after them cannot occur in an XML listing.
_REFUSED_CATEGORIES = {"Cc", "Cs", "Co"}
_REFUSED = "\ufffe\uffff"


def normalized(name: str | PurePath) -> str:
    """`a/b.txt` for `./a//b.txt` and `a\\b.txt`; empty for the container itself.

    Raises SuspiciousFileOperation for names outside the container.
    """
    parts: list[str] = []
    for part in str(name).replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                raise SuspiciousFileOperation(f"{name!r} is outside the container")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def cleaned_name(name: str | PurePath) -> str:
    """The name that a file is saved under. No segment of it ends with a dot, because Azure advises
    against that and clients remove the dot.

    Raises SuspiciousFileOperation if a segment consists of dots only.
    """
    parts = [part.rstrip(".") for part in normalized(name).split("/")]
    if not all(parts):
        raise SuspiciousFileOperation(f"{name!r} has a part that consists of dots only")
    return "/".join(parts)


def storable_path(name: str | PurePath, location: str = "") -> str:
    """The path of the blob for a file that is saved as `name` in the folder `location`.

    Raises SuspiciousFileOperation for a name that no blob can have, or that cleaned_name() would
    change.
    """
    path = normalized(name)
    unclean = str(name).endswith("/") or any(part.endswith(".") for part in path.split("/"))
    path = f"{location}/{path}" if location and path else path or location
    reason = invalid_reason(path)
    if not reason and unclean:
        reason = "a part of it ends with a dot, or the name with a slash"
    if reason:
        raise SuspiciousFileOperation(
            f"{str(name)[:100]!r} is not a valid name for a blob: {reason}."
        )
    return path


def invalid_reason(path: str) -> str:
    """Why no blob can have this path; empty if it is valid."""
    if not path:
        return "it is empty"
    if len(path) > LONGEST:
        return f"it has {len(path)} characters, and a blob's name has at most {LONGEST}"
    if path.count("/") >= MOST_SEGMENTS:
        return f"it has more than {MOST_SEGMENTS} segments"
    for char in path:
        if unicodedata.category(char) in _REFUSED_CATEGORIES or char in _REFUSED:
            return f"Azure does not allow U+{ord(char):04X} in a name"
    return ""


def shown(name: str) -> str:
    """The name for a terminal or a log, with escapes for unprintable characters."""
    if name.isprintable():
        return name
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )
