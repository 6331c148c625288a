"""Markdown that no value can break out of, and that fits into a comment on GitHub.

Values come from settings and from Azure, and the author of a change chooses some of them. In a code
span HTML, Markdown and mentions have no meaning, so every value is in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from review.changes import SECRET, UNKNOWN

KNOWN_LATER = "(known after up)"
# GitHub accepts 65,536 characters in a comment or an issue.
LIMIT = 60_000
LONGEST = 120
# Credentials that a program may have forgotten to mark as secret: an account's key, a signature.
_KEY = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==|(?<=sig=)[^&\s\"'`]+")


def code(text: str, longest: int = LONGEST) -> str:
    """The text in a code span. What would end the span or a table's cell is written as
    `\\u0060`."""
    plain = "".join(_harmless(character) for character in scrubbed(text)) or " "
    return f"`{plain if len(plain) <= longest else plain[: longest - 1] + '…'}`"


def shown(value: Any) -> str:
    """A property's value as JSON in a code span, or a note that it is secret or not known yet."""
    if value == UNKNOWN:
        return KNOWN_LATER
    return f"`{SECRET}`" if value == SECRET else code(_json(value))


def shown_pair(old: Any, new: Any) -> tuple[str, str]:
    """Both values; of long ones only the part in which they differ."""
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
    """The text as a code block, with a fence that the text cannot end."""
    text = scrubbed(text)
    text = text if len(text) <= longest else text[:longest] + "…"
    lines = [
        "".join(c if c.isprintable() else _escape(c) for c in line) for line in text.split("\n")
    ]
    longest_run = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest_run + 1)
    return [f"{fence}text", *lines, fence]


def table(columns: tuple[str, ...], rows: Iterable[Iterable[str]]) -> list[str]:
    return ["", _row(columns), _row("---" for _ in columns), *map(_row, rows)]


def cut(text: str, note: str, limit: int = LIMIT) -> str:
    """The text, or as many of its lines as fit, with open blocks closed, and a note."""
    if len(text) <= limit:
        return text
    lines: list[str] = []
    fence, details, size = "", 0, 0
    for line in text.splitlines():
        # The closing lines and the note have to fit, too.
        size += len(line) + 1
        if size > limit - len(note) - 200:
            break
        lines.append(line)
        if opened := re.match(r"(`{3,})", line):
            if not fence:
                fence = opened[1]
            elif line.strip() == fence:
                fence = ""
        elif not fence:
            details += line.count("<details") - line.count("</details>")
    closing = [fence] if fence else []
    return "\n".join([*lines, *closing, *["", "</details>"] * max(details, 0), "", note]) + "\n"


def without_mentions(text: str) -> str:
    """The text with mentions that notify nobody: GitHub requires `@` right before the name."""
    return re.sub(r"@(?=\w)", "@\u200b", text)


def scrubbed(text: str) -> str:
    """The text without keys and signatures."""
    return _KEY.sub(SECRET, text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace(UNKNOWN, KNOWN_LATER)


def _harmless(character: str) -> str:
    return character if character.isprintable() and character not in "`|" else _escape(character)


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character not in "`|" else f"\\u{ord(character):04x}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
