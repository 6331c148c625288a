"""What a file is by its content, held against a field's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, cast

from django.template.defaultfilters import filesizeformat

from azureblob.uploads import images, kinds, svg
from azureblob.uploads.budget import Budget, Metered, TooComplex, too_complex
from azureblob.uploads.names import shown_name
from azureblob.uploads.refusal import Refused
from azureblob.uploads.rules import UploadRules


@dataclass(frozen=True)
class Inspected:
    """How a file is to be stored.

    `content_type` is application/octet-stream and `extension` .bin for a file that is none of the
    field's types. `inline` is False for all that is not a picture, sound or film: such a blob is an
    attachment. `width` and `height` are a picture's, in pixels.
    """

    content_type: str
    extension: str
    inline: bool
    width: int | None = None
    height: int | None = None


ATTACHMENT = Inspected(kinds.UNKNOWN, kinds.extension(kinds.UNKNOWN), inline=False)


def at_a_glance(head: bytes) -> Inspected:
    """How a file that begins with `head` is stored where no field says what it may be."""
    kind = kinds.sniff(head)
    if kind not in kinds.INERT:
        return ATTACHMENT
    return Inspected(kind, kinds.extension(kind), inline=True)


def inspect(
    file: IO[bytes], name: str, size: int, rules: UploadRules, budget: Budget | None = None
) -> Inspected:
    """Reads the first 64 KiB, and of pictures what is needed to count their frames and check their
    sums, which may be all of it. Leaves the file at its beginning.

    Raises Refused, and whatever reading `file` raises. The work is limited by `budget`, by default
    one that depends on the size.
    """
    check_claims(name, size, rules)
    metered = Metered(file, budget or Budget(size))
    try:
        found = _by_content(cast("IO[bytes]", metered), rules)
    except Exception:
        if metered.failure is None:
            raise
    finally:
        file.seek(0)
    # A decoder takes these for a damaged file, and may even go on.
    if isinstance(metered.failure, TooComplex):
        raise too_complex() from None
    if metered.failure is not None:
        raise metered.failure from None
    return found


def check_claims(name: str, size: int, rules: UploadRules) -> None:
    """What can be said before a byte is there. Raises Refused."""
    if len(name) > rules.max_name:
        raise Refused(
            f"This file's name has {len(name)} characters; at most {rules.max_name} are taken. "
            "Give it a shorter one.",
            "name",
        )
    if size == 0:
        raise Refused(f"“{shown_name(name)}” is empty.", "empty")
    if size > rules.max_bytes:
        raise Refused(
            f"This file has {filesizeformat(size)} ({size:,} bytes); at most "
            f"{filesizeformat(rules.max_bytes)} ({rules.max_bytes:,}) can be stored.",
            "too_large",
        )


def _by_content(file: IO[bytes], rules: UploadRules) -> Inspected:
    file.seek(0)
    head = file.read(kinds.HEAD_BYTES)
    kind = kinds.sniff(head)
    if kind == kinds.UNKNOWN and svg.MIME in rules.types and svg.might_be(head):
        kind = svg.MIME
    if kind not in rules.types:
        if rules.others == "attachment":
            return ATTACHMENT
        raise Refused(_not_taken(kind, rules), "type")
    width = height = None
    try:
        if kind in images.FORMATS:
            width, height = images.check(file, kind, rules)
        elif kind == svg.MIME:
            svg.sanitized_bytes(file)
    except Refused as refusal:
        if refusal.code == "broken" and rules.others == "attachment":
            return ATTACHMENT
        raise
    return Inspected(kind, kinds.extension(kind), kind in kinds.INERT, width, height)


def _not_taken(kind: str, rules: UploadRules) -> str:
    found = (
        "This file's content is of no type that can be recognised"
        if kind == kinds.UNKNOWN
        else f"This file is {kind} by its content"
    )
    *most, last = [images.FORMATS.get(each, each) for each in rules.types]
    names = f"{', '.join(most)} or {last}" if most else last
    return f"{found}; only {names} can be stored here."
