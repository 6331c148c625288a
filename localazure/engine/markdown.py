"""Markdown that no value can break out of, and that ends before a comment's limit.

Values come from settings and from the cloud, and whoever proposes a change chooses some of them.
In a code span neither HTML nor Markdown nor a mention means anything, so every value is in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from localazure.engine.diffs import SECRET
from localazure.values import UNKNOWN

KNOWN_LATER = "(known after up)"
LONGEST = 120
# GitHub takes 65,536 characters in a comment.
LIMIT = 60_000
# What gives access even where a program forgot to call it secret: an account's key, a signature.
_KEY = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==|(?<=sig=)[^&\s\"'`]+")


@dataclass
class Section:
    """A part of a page that is cut between its rows only: `head` and `tail` come with any row."""

    head: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


def code(text: str, longest: int = LONGEST) -> str:
    """The text in a code span; what would end the span, or a table's cell, is written `\\u0060`."""
    plain = "".join(_harmless(character) for character in scrubbed(text)) or " "
    return f"`{plain if len(plain) <= longest else plain[: longest - 1] + '…'}`"


def shown(value: Any) -> str:
    """A property's value as JSON in a code span, or that it is secret or not known yet."""
    if value is UNKNOWN:
        return KNOWN_LATER
    return f"`{SECRET}`" if value == SECRET else code(_json(value))


def shown_pair(old: Any, new: Any) -> tuple[str, str]:
    """Both values; of long ones the part where they differ."""
    if UNKNOWN in (old, new) or SECRET in (old, new):
        return shown(old), shown(new)
    before, after = scrubbed(_json(old)), scrubbed(_json(new))
    same = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    if max(len(before), len(after)) <= LONGEST or same < LONGEST // 2:
        return code(before), code(after)
    start = same - LONGEST // 4
    return code(f"…{before[start:]}"), code(f"…{after[start:]}")


def fenced(text: str, longest: int = 4000) -> list[str]:
    """The text as a block of code, as long as it needs its fence to be."""
    kept = scrubbed(text)
    kept = kept if len(kept) <= longest else kept[:longest] + "…"
    lines = [
        "".join(c if c.isprintable() else _escape(c) for c in line) for line in kept.split("\n")
    ]
    longest_run = max((len(run) for run in re.findall(r"`+", kept)), default=0)
    fence = "`" * max(3, longest_run + 1)
    return [f"{fence}text", *lines, fence]


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Section:
    names = list(columns)
    return Section(
        head=["", _row(names), _row("---" for _ in names)], rows=[_row(cells) for cells in rows]
    )


def page(sections: Iterable[Section], limit: int, note: str) -> str:
    """The sections' text; what is past the limit is left out, and the note says so."""
    lines: list[str] = []
    left = limit - len(note) - 4
    for section in sections:
        frame = _length(section.head) + _length(section.tail)
        room, rows = left - frame, []
        for row in section.rows:
            room -= len(row) + 1
            if room < 0:
                break
            rows.append(row)
        complete = len(rows) == len(section.rows) and frame <= left
        if complete or rows:
            lines += [*section.head, *rows, *section.tail]
            left -= frame + _length(rows)
        if not complete:
            lines += ["", note]
            break
    return "\n".join(lines) + "\n"


def scrubbed(text: str) -> str:
    """The text without keys and signatures."""
    return _KEY.sub(SECRET, text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=lambda _: KNOWN_LATER)


def _harmless(character: str) -> str:
    return character if character.isprintable() and character not in "`|" else _escape(character)


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character not in "`|" else f"\\u{ord(character):04x}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)
