"""Comments in style sheets and scripts, in which references do not count."""

from __future__ import annotations

import posixpath
import re

from azureblob.publish.patterns import Blocks, block_before

# Strings and unquoted URLs are skipped, so that a /* in them does not open a comment. Repetitions
# are possessive, and an unclosed comment ends with the text: both keep the search linear.
_SHEET_COMMENT = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z))|\\."""
    r"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?"""
    r"""|\burl\((?!\s*+["'])[^)\\\n]*+(?:\\.[^)\\\n]*+)*+""",
    re.DOTALL | re.IGNORECASE,
)
# Without a parser, a regular expression such as /"/ looks like a division, so it is not known where
# strings are. A comment at the beginning of a line is one in any case. Others are searched as code,
# since a file that is published in vain costs less than one that is missing.
_SCRIPT_COMMENT = re.compile(
    r"^[ \t]*+(?P<comment>//[^\n]*+|/\*.*?(?:\*/|\Z))", re.DOTALL | re.MULTILINE
)
_COMMENTS = {
    ".css": (_SHEET_COMMENT, ("/*",)),
    ".js": (_SCRIPT_COMMENT, ("/*", "//")),
    ".mjs": (_SCRIPT_COMMENT, ("/*", "//")),
}


def comments(name: str, text: str) -> Blocks:
    """Start and end of each comment in a style sheet or script; none for other files."""
    pattern, beginnings = _COMMENTS.get(posixpath.splitext(name)[1].lower(), (None, ()))
    if pattern is None or not any(beginning in text for beginning in beginnings):
        return []
    return [match.span("comment") for match in pattern.finditer(text) if match["comment"]]


def is_within(blocks: Blocks, position: int) -> bool:
    """Whether a block that begins before a position ends after it."""
    return any(position < end for _, end in block_before(blocks, position))


def without_blocks(blocks: Blocks, text: str) -> str:
    parts, position = [], 0
    for start, end in blocks:
        parts.append(text[position:start])
        position = end
    return " ".join([*parts, text[position:]])
