"""What was published, held against what Django's own storage makes of the same tree."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sites.service import Service

MANIFEST = "staticfiles.json"
_HISTORY = "staticfiles-history/"
# Python's own table and no machine's, as Django reads it.
_TABLE = mimetypes.MimeTypes()
# Names of one and the same type: old and new, or registered and common.
_SAME = (
    {"application/javascript", "text/javascript"},
    {"image/vnd.microsoft.icon", "image/x-icon"},
    {"text/xml", "application/xml"},
    {"application/rtf", "text/rtf"},
    {"audio/x-wav", "audio/wav", "audio/vnd.wave"},
    {"audio/mp4a-latm", "audio/mp4"},
    {"text/x-markdown", "text/markdown"},
)
_SHOWN = 5


@dataclass
class Comparison:
    """`files` are in the tree; `plain` of them are also published under their own names. Each list
    is of sentences, and empty where all is as it is with Django."""

    files: int = 0
    blobs: int = 0
    plain: int = 0
    wrong: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)


def compare(service: Service, container: str, folder: Path) -> Comparison:
    """`folder` is the STATIC_ROOT that Django's manifest storage filled."""
    manifest = (folder / MANIFEST).read_bytes()
    paths: dict[str, str] = json.loads(manifest)["paths"]
    there = service.names(container)
    found = Comparison(files=len(paths), blobs=len(there))
    hashed = set(paths.values())
    local = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    found.plain = len(there & paths.keys())
    _note(found.wrong, "missing", hashed - there)
    made = {name for name in there if not name.startswith(_HISTORY)}
    _note(found.wrong, "published though Django makes no such file", made - local)
    with service.visitor(container) as get:
        ours = get(MANIFEST).body
        if ours != manifest:
            found.wrong.append(_manifests(ours, manifest))
        other: list[str] = []
        types: dict[str, str] = {}
        for name in sorted(made & local - {MANIFEST}):
            answer = get(name)
            if answer.status != 200:
                found.wrong.append(f"{name}: status {answer.status}")
            elif answer.body != (folder / name).read_bytes():
                other.append(name)
            said = answer.headers.get("content-type", "").partition(";")[0]
            if problem := _type(name, said):
                types.setdefault(problem, name)
    _note(found.wrong, "with other bytes", other)
    found.types = [f"{name}: {problem}" for problem, name in types.items()]
    return found


def _note(problems: list[str], what: str, names: Iterable[str]) -> None:
    ordered = sorted(names)
    if ordered:
        more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
        problems.append(f"{len(ordered)} {what}: {', '.join(ordered[:_SHOWN])}{more}")


def _manifests(ours: bytes, own: bytes) -> str:
    try:
        one, other = json.loads(ours)["paths"], json.loads(own)["paths"]
    except (ValueError, KeyError):
        return "the manifest is no manifest of Django's"
    names = [name for name in {*one, *other} if one.get(name) != other.get(name)]
    if not names:
        return "the manifest has the same names in other bytes"
    shown = ", ".join(sorted(names)[:_SHOWN])
    return f"the manifest differs in {len(names)} names: {shown}"


def _type(name: str, said: str) -> str:
    """What is wrong with a content type; where Python's table has none, nothing is."""
    known, encoding = _TABLE.guess_type(name)
    if encoding or known is None or known == said:
        return ""
    if any({known, said} <= same for same in _SAME) or said.split("/")[0] == "font":
        return ""
    return f"{said}, where Django's server says {known}"
