"""What a publish has to do: the tree that is wanted, held against what lies in the container."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from azureblob.publish.files import LocalFile
from azureblob.publish.headers import GZIP, Headers
from azureblob.rest.listing import RemoteBlob


class Wanted(NamedTuple):
    """A blob as it shall be. `gzip`: packed, if that saves enough. `source` is the static file's
    own name, of which the blob may be the hashed twin."""

    name: str
    source: str
    file: LocalFile
    headers: Headers
    gzip: bool


class Change(NamedTuple):
    """`send` the whole blob, or mend its `headers` alone (`remote` is then what lies there)."""

    wanted: Wanted
    kind: Literal["send", "headers"]
    why: str
    remote: RemoteBlob | None = None


@dataclass
class Plan:
    """`added` can be sent at any time. `changed` replaces what live pages may be using, and comes
    when all that it may refer to is there."""

    added: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unmodified: list[Wanted] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        return self.added + self.changed


def make_plan(
    wanted: Iterable[Wanted], remote: Mapping[str, RemoteBlob], *, everything: bool = False
) -> Plan:
    """`everything` sends all anew, whatever lies there."""
    plan = Plan()
    for item in wanted:
        there = remote.get(item.name)
        if there is None:
            plan.added.append(Change(item, "send", "new"))
        elif why := "asked for" if everything else _content_differs(item, there):
            plan.changed.append(Change(item, "send", why))
        elif why := _headers_differ(item.headers, there):
            plan.changed.append(Change(item, "headers", why, there))
        else:
            plan.unmodified.append(item)
    return plan


def _content_differs(wanted: Wanted, there: RemoteBlob) -> str:
    """Why the bytes have to be sent, or nothing."""
    if wanted.headers.content_encoding:  # they are encoded already, whatever the blob says of them
        return "" if base64.b64decode(there.md5 or "") == wanted.file.md5 else "changed"
    if there.content_encoding not in {"", GZIP}:
        return f"packed as {there.content_encoding}"
    if there.content_encoding:
        if not there.source_md5:
            return "packed by another tool"
        if there.source_md5 != wanted.file.md5.hex():
            return "changed"
        return "" if wanted.gzip else "no longer to be packed"
    # Packed bytes may lie there without their encoding: a tool that sets one header clears others.
    if base64.b64decode(there.md5 or "") != wanted.file.md5:
        return "changed"
    # Noted and not packed: the last publish tried, and it saved too little.
    return "to be packed" if wanted.gzip and not there.source_md5 else ""


def _headers_differ(wanted: Headers, there: RemoteBlob) -> str:
    """Which header is another, or nothing."""
    pairs = {
        "Content-Type": (wanted.content_type, there.content_type),
        "Cache-Control": (wanted.cache_control, there.cache_control),
        "Content-Language": (wanted.content_language, there.content_language),
        "Content-Disposition": (wanted.content_disposition, there.content_disposition),
    }
    if wanted.content_encoding:  # else the comparison of contents has looked at it
        pairs["Content-Encoding"] = (wanted.content_encoding, there.content_encoding)
    return ", ".join(
        f"{name} was {old!r}" if old else f"no {name}"
        for name, (new, old) in pairs.items()
        if new != old
    )
