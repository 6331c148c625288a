"""The file of NAME=value lines beside manage.py, `app/.env`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)", re.ASCII)


def read(path: Path) -> dict[str, str]:
    """The file's names and values; empty when there is no such file.

    Values are quoted as a shell would want them, which is how `pulumi stack output --shell` prints
    them: bare, in single or double quotes, or with backslashes. Of two lines of one name the last
    one counts. Lines that assign nothing are passed over.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    matches = (_ASSIGNMENT.fullmatch(line) for line in text.splitlines())
    return {match[1]: _unquoted(match[2].strip()) for match in matches if match}


def _unquoted(value: str) -> str:
    """The value without its quotes; as it stands where a shell would not read one word."""
    try:
        words = shlex.split(value, comments=value[:1] in {'"', "'"})
    except ValueError:  # a quote that is never closed
        return value
    if not words:
        return ""
    return words[0] if len(words) == 1 else value
