"""Where the comments of style sheets and scripts are.

Nothing that they mention is asked for, except a source map, whose reference is the comment itself.
"""

from __future__ import annotations

import posixpath
import re

from azureblob.publish.patterns import Blocks, block_before

# Strings and unquoted URLs are passed over, so that a /* in them opens no comment. What repeats
# gives nothing back, and a comment that nothing closes lasts to the end: both keep this linear.
_SHEET = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z))|\\."""
    r"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?"""
    r"""|\burl\((?!\s*+["'])[^)\\\n]*+(?:\\.[^)\\\n]*+)*+""",
    re.DOTALL | re.IGNORECASE,
)
# Without a parser, a regular expression such as /"/ cannot be told from a division, and so a string
# not from code. A comment that begins its line is one nonetheless; others are taken for code, since
# a file kept in vain costs less than one that is not found.
_SCRIPT = re.compile(r"^[ \t]*+(?P<comment>//[^\n]*+|/\*.*?(?:\*/|\Z))", re.DOTALL | re.MULTILINE)
_BY_ENDING = {".css": _SHEET, ".js": _SCRIPT, ".mjs": _SCRIPT}


def comments(name: str, text: str) -> Blocks:
    """Start and end of each comment in a file's text; none for other kinds of files."""
    pattern = _BY_ENDING.get(posixpath.splitext(name)[1].lower())
    if pattern is None or not ("/*" in text or "//" in text):
        return []
    return [match.span("comment") for match in pattern.finditer(text) if match["comment"]]


def is_within(blocks: Blocks, position: int) -> bool:
    """Whether a comment that begins before a position reaches past it."""
    return any(position < end for _, end in block_before(blocks, position))


def without(blocks: Blocks, text: str) -> str:
    parts, position = [], 0
    for start, end in blocks:
        parts.append(text[position:start])
        position = end
    return " ".join([*parts, text[position:]])
