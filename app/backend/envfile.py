"""The file of NAME=value lines next to manage.py, `app/.env`."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# Possessive and atomic throughout: no line, however long and wherever its quotes end, costs more
# than linear time.
_ASSIGNMENT = re.compile(
    r"\s*+(?:export\s++)?(?P<dollar>\$?)(?P<name>[A-Za-z_]\w*+)\s*+=(?P<value>.*)", re.ASCII
)
# What a shell takes for a part of one word: in single quotes, in double quotes, behind a backslash,
# or bare.
_PART = re.compile(r"""'([^']*+)'|"((?>\\.|[^"\\])*+)"|\\(.)|([^\s\\'"]++)""", re.ASCII)
_COMMENT = r"\s*+(?:(?<=\s)\#.*)?"
_WORD = re.compile(rf"\s*+(?!(?<=\s)\#)(?P<word>(?>{_PART.pattern})*+){_COMMENT}", re.ASCII)
_POWERSHELL = re.compile(rf"\s*+'(?P<word>(?>[^']|'')*+)'{_COMMENT}", re.ASCII)


def read(path: Path) -> dict[str, str]:
    """The file's names and values; empty when there is no such file.

    A value is read as a shell reads it, which is how `pulumi stack output --shell` prints it: bare,
    in single or double quotes, or with backslashes; `#` begins a comment only after white space.
    Unlike in a shell, `$NAME` is not expanded and an unquoted value may contain spaces. The lines
    that Pulumi prints on Windows, `$NAME = 'value'`, are read as PowerShell reads them. The last of
    two lines with the same name counts. Lines that assign nothing are ignored.

    Raises OSError, and UnicodeDecodeError if the text is neither UTF-8 nor marked as UTF-16.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    # The `>` of Windows PowerShell writes UTF-16.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    lines = content.decode("utf-16" if wide else "utf-8-sig").split("\n")
    matches = (_ASSIGNMENT.fullmatch(line.rstrip("\r")) for line in lines)
    return {
        match["name"]: _powershell(match["value"]) if match["dollar"] else _shell(match["value"])
        for match in matches
        if match
    }


def _shell(text: str) -> str:
    """The word without its quotes; the text without its comment where a shell would not read it as
    one word."""
    match = _WORD.fullmatch(text)
    if match is None:
        return _without_comment(text)
    return "".join(
        single + re.sub(r'\\([$`"\\])', r"\1", double) + escaped + bare
        for single, double, escaped, bare in _PART.findall(match["word"])
    )


def _powershell(text: str) -> str:
    match = _POWERSHELL.fullmatch(text)
    return match["word"].replace("''", "'") if match else _without_comment(text)


def _without_comment(text: str) -> str:
    return re.sub(r"\s#.*", "", text, count=1).strip()
