"""The patterns with which Django's manifest storage finds references, searched in linear time.

Django compiles them into `_patterns`, which is private and differs between versions: tuples of
pattern and template, and since 6.1 also a pattern of what to ignore. read_patterns() raises
UnknownPatterns for any other shape.

Some of Django's patterns take time that grows with the square of a line's length, for instance on
`url(url(url(`. For each of those, this module has a search that finds the same matches. Any other
pattern, such as one of the site's own, is used as it is.

A regular expression reads 150 MB a second, a search for bytes some 2 GB, and a search for one byte
10 GB. So each of Django's patterns has the bytes without which it cannot match, and most files are
never searched with it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.contrib.staticfiles.utils import matches_patterns

Blocks = list[tuple[int, int]]
# A glob for names with a certain ending, as all of Django's are.
_ENDING = re.compile(r"\*[^*?\[\]]*")
_Search = Callable[[str], Iterator[re.Match[str]]]


class UnknownPatterns(Exception):
    """This version of Django has its patterns in an unknown shape."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`find` yields the matches of one of Django's patterns, in order and without overlaps.
    `template` is what a match is replaced with. `ignored` matches the comments and strings in which
    this version of Django ignores references, if it has such a pattern. Each file with a match
    contains the `literals`, and `folded` in any case; nothing is known of a site's own pattern."""

    find: _Search
    template: str
    ignored: re.Pattern[str] | None = None
    literals: tuple[bytes, ...] = ()
    folded: bytes = b""

    def may_match(self, data: bytes) -> bool:
        """Whether a file with these bytes can have a match."""
        for literal in self.literals:  # all() takes twice the time
            if literal not in data:
                return False
        return not self.folded or self.folded in data.lower()


class Patterns:
    """Django's patterns, by globs of file names."""

    def __init__(self, by_glob: Sequence[tuple[str, Sequence[Pattern]]]) -> None:
        self._by_glob = [(_name_test(glob), patterns) for glob, patterns in by_glob]

    def by_name(self, names: Iterable[str]) -> dict[str, list[Pattern]]:
        """The patterns for each of the files that have some, in the order in which they apply."""
        found: dict[str, list[Pattern]] = {}
        for matches, patterns in self._by_glob:
            for name in filter(matches, names):
                found.setdefault(name, []).extend(patterns)
        return found

    def of(self, name: str) -> list[Pattern]:
        """The patterns for a file, in the order in which they apply; none for most files."""
        return [
            pattern for matches, patterns in self._by_glob if matches(name) for pattern in patterns
        ]


def _name_test(glob: str) -> Callable[[str], bool]:
    """Whether a name matches the glob, as Django's matches_patterns() has it."""
    if _ENDING.fullmatch(glob):
        return methodcaller("endswith", glob[1:])
    return lambda name: matches_patterns(name, [glob])


def read_patterns(storage: Any) -> Patterns:
    """Raises UnknownPatterns."""
    try:
        by_glob = [
            (str(glob), [_pattern(*parts) for parts in found])
            for glob, found in storage._patterns.items()
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise UnknownPatterns(f"{type(error).__name__}: {error}") from None
    return Patterns(by_glob)


def _pattern(pattern: Any, template: Any, ignored: Any = None) -> Pattern:
    # isinstance() is also true for Django's lazy patterns.
    if not (isinstance(pattern, re.Pattern) and isinstance(template, str)):
        raise TypeError("not a pattern and a template")
    if not (ignored is None or isinstance(ignored, re.Pattern)):
        raise TypeError("the third part is not a pattern")
    return Pattern(
        _LINEAR.get(pattern.pattern, pattern.finditer),
        template,
        ignored,
        *_LITERALS.get(pattern.pattern, ()),
    )


# --- Comments and strings -------------------------------------------------------------------------

_COMMENT = r"/\*.*?\*/|"


def ignored_blocks(storage: Any, text: str, ignored: re.Pattern[str]) -> Blocks:
    """Start and end of what Django ignores, as storage.get_ignored_blocks() finds it."""
    if type(storage).get_ignored_blocks is not HashedFilesMixin.get_ignored_blocks:
        blocks: Blocks = storage.get_ignored_blocks(text, ignored)
        return blocks
    return [match.span() for match in _ignored(text, ignored)]


def _ignored(text: str, ignored: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The matches of `ignored`. For each `/*` that no `*/` follows, Django's pattern searches the
    rest of the text, so this stops looking for comments after the first of them."""
    if not ignored.pattern.startswith(_COMMENT):
        yield from ignored.finditer(text)
        return
    rest = ignored.pattern.removeprefix(_COMMENT)
    with_unclosed = re.compile(rf"/\*(?:.*?\*/|(?P<unclosed>))|{rest}", ignored.flags)
    for match in with_unclosed.finditer(text):
        if match["unclosed"] is None:
            yield match
        else:
            yield from re.compile(rest, ignored.flags).finditer(text, match.start() + 1)
            return


def block_before(blocks: Blocks, position: int) -> Blocks:
    """The last block that starts before a position, if any: the only one that can contain it."""
    at = bisect_left(blocks, (position,))
    return blocks[max(at - 1, 0) : at]


# --- Marks ----------------------------------------------------------------------------------------


def matches_at(pattern: re.Pattern[str], mark: str, text: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern that begins with `mark`, which is in lower case, in any case. To
    find the mark as text is ten times as fast as a search that ignores the case."""
    lowered = _lowered(text)
    position = lowered.find(mark)
    while position >= 0:
        match = pattern.match(text, position)
        if match:
            yield match
        position = lowered.find(mark, match.end() if match else position + 1)


def _lowered(text: str) -> str:
    """The text with its ASCII letters in lower case: str.lower() takes longer, and can change a
    text's length."""
    return text.encode().lower().decode()


# --- url() ----------------------------------------------------------------------------------------

_HEAD = re.compile(r"""url\((?P<quote>["']?)(?P<space>\s*+)""", re.IGNORECASE)
# Matched at a known beginning, up to a known end.
_LOOSE = re.compile(
    r"""(?P<matched>url\(['"]?\s*+(?P<url>.*?)["']?\))""",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"""(?P<matched>url\((?P<quote>['"])\s*+(?P<url>.*?)(?P=quote)\))""",
    re.IGNORECASE,
)
_UNQUOTED = re.compile(r"""(?P<matched>url\((?P<quote>)\s*+(?P<url>.*?)\))""", re.IGNORECASE)
_AT_THE_END = re.compile(r"""url\(["']?\Z""", re.IGNORECASE)


class _Next:
    """The next position of a mark in a text. For growing positions, the text is searched once."""

    def __init__(self, text: str, mark: str) -> None:
        self._text = text
        self._mark = mark
        self._at = -1

    def __call__(self, position: int) -> int:
        if self._at < position:
            found = self._text.find(self._mark, position)
            self._at = len(self._text) if found < 0 else found
        return self._at


def _urls(text: str, *, paired: bool) -> Iterator[re.Match[str]]:
    """What Django finds: url(, an optional quote and white space, then everything up to the first
    closing parenthesis in the line. `paired`, since Django 6.0: after a quote, up to the first
    parenthesis that follows the same quote, if the line has one."""
    lowered = _lowered(text)
    parenthesis, line_end = _Next(text, ")"), _Next(text, "\n")
    closing = {quote: _Next(text, f"{quote})") for quote in ("'", '"')}
    position = 0
    while (found := lowered.find("url(", position)) >= 0:
        head = _HEAD.match(text, found)
        assert head  # noqa: S101 - for the type checker
        quote, begin = head["quote"], head.end()
        end, shape = -1, _LOOSE
        if paired and quote:
            # If no closing quote is found, the opening one is part of the URL.
            at = head.start("quote")
            if parenthesis(at) < line_end(at):
                end, shape = parenthesis(at) + 1, _UNQUOTED
            if closing[quote](begin) < line_end(begin):
                end, shape = closing[quote](begin) + 2, _QUOTED
        elif parenthesis(begin) < line_end(begin):
            end, shape = parenthesis(begin) + 1, _UNQUOTED if paired else _LOOSE
        if end > 0:
            match = shape.match(text, head.start(), end)
            assert match  # noqa: S101 - for the type checker
            yield match
            position = end
        elif parenthesis(begin) < line_end(begin):
            position = begin
        else:
            position = _last_head(text, begin, line_end(begin))


def _last_head(text: str, begin: int, end: int) -> int:
    """Where to continue after a line without a parenthesis: only a url( at its end can match."""
    line = text[begin:end].rstrip()
    last = _AT_THE_END.search(line, max(len(line) - 5, 0))
    return begin + last.start() if last else end


# --- Other patterns -------------------------------------------------------------------------------

_IMPORT = re.compile(
    r"""(?P<matched>@import\s*+["']\s*+(?P<url>[^\n"']*+)["'])""",
    re.IGNORECASE,
)
# If the line ends with the end of the comment, the URL is everything before that.
_STYLE_SHEET_MAP = re.compile(
    r"(?m)^(?P<matched>/\*#[ \t](?-i:sourceMappingURL)=(?P<url>.*)\*/)$", re.IGNORECASE
)
_LAST_FROM = re.compile(r"""from\s*+['"][^\n]*+\s*+;?""", re.IGNORECASE)


def _modules(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """`import … from "…"` cannot match after the last `from "…"`, where Django's pattern would
    search the rest of the text for each `import`."""
    end = max((match.end() for match in _LAST_FROM.finditer(text)), default=0)
    return re.compile(pattern, re.IGNORECASE).finditer(text, 0, end)


_MODULES = (
    # Up to Django 6.0.
    r"""(?P<matched>import(?s:(?P<import>[\s\{].*?|\*\s*as\s*\w+))"""
    r"""\s*from\s*['"](?P<url>[./].*?)["']\s*;)""",
    r"""(?P<matched>export(?s:(?P<exports>[\s\{].*?))\s*from\s*["'](?P<url>[./].*?)["']\s*;)""",
    # Since Django 6.1.
    r"""(?P<matched>import(?P<import>[\s\{][^;]*?|\*\s*as\s*\w+)"""
    r"""\s*from\s*['"](?P<url>[./].*?)["'])""",
    r"""(?P<matched>export(?P<exports>[\s\{][^;]*?)\s*from\s*["'](?P<url>[./].*?)["'])""",
)
# Up to Django 5.2, and since Django 6.0.
_ANY_QUOTES = r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))"""
_PAIRED_QUOTES = r"""(?P<matched>url\((?P<quote>['"]{0,1})\s*(?P<url>.*?)(?P=quote)\))"""
_SHEET_IMPORT = r"""(?P<matched>@import\s*["']\s*(?P<url>.*?)["'])"""
_SHEET_MAP = r"(?m)^(?P<matched>/\*#[ \t](?-i:sourceMappingURL)=(?P<url>.*)[ \t]*\*/)$"
_SCRIPT_MAP = r"(?m)^(?P<matched>//# (?-i:sourceMappingURL)=(?P<url>.*))$"
# The searches that replace Django's patterns, by pattern.
_LINEAR: dict[str, _Search] = {
    _ANY_QUOTES: partial(_urls, paired=False),
    _PAIRED_QUOTES: partial(_urls, paired=True),
    _SHEET_IMPORT: _IMPORT.finditer,
    _SHEET_MAP: _STYLE_SHEET_MAP.finditer,
    **{pattern: partial(_modules, pattern) for pattern in _MODULES},
}
_IMPORTS = (
    r"""(?P<matched>import\s*['"](?P<url>[./].*?)["']\s*;)""",
    r"""(?P<matched>import\(["'](?P<url>.*?)["']\))""",
    # Since Django 6.1.
    r"""(?P<matched>import\s*['"](?P<url>[./].*?)["'])""",
    r"""(?P<matched>import\(["'](?P<url>[./].*?)["']\))""",
)
# Pattern.literals and Pattern.folded, by pattern. Of a word, the part without i, k and s, as they
# also match \u0130 and \u0131, \u212a, and \u017f.
_LITERALS: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    _ANY_QUOTES: ((b"(", b")"), b"url("),
    _PAIRED_QUOTES: ((b"(", b")"), b"url("),
    _SHEET_IMPORT: ((b"@",), b"mport"),
    _SHEET_MAP: ((b"#", b"sourceMappingURL="), b""),
    _SCRIPT_MAP: ((b"#", b"sourceMappingURL="), b""),
    **dict.fromkeys(_MODULES, ((), b"from")),
    **dict.fromkeys(_IMPORTS, ((), b"mport")),
}
