"""The file of NAME=value lines next to manage.py, `app/.env`."""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path

from dotenv import dotenv_values

# As `pulumi stack output --shell` prints it on Windows. PowerShell escapes a quote by doubling it.
_POWERSHELL = re.compile(r"^\$(\w+) = '((?:[^'\r\n]|'')*+)'", re.MULTILINE)


def read(path: Path) -> dict[str, str]:
    """The file's names and values; empty if there is no such file.

    python-dotenv reads it, and does not expand `$NAME`. If it cannot read a line, it logs the
    line's number. Raises OSError, and UnicodeDecodeError if the text is neither UTF-8 nor marked as
    UTF-16, which is what the `>` of Windows PowerShell writes.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if utf16 else "utf-8-sig")
    stream = io.StringIO(_POWERSHELL.sub(_as_dotenv, text))
    values = dotenv_values(stream=stream, interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _as_dotenv(match: re.Match[str]) -> str:
    value = match[2].replace("\\", r"\\").replace("''", r"\'")
    return f"{match[1]}='{value}'"
