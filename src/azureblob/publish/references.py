"""References that hashing does not rewrite, so that browsers ask for their targets' own names.

Django rewrites url(), @import and source maps in CSS, and source maps in JavaScript. It does not
rewrite what modules import, what HTML, SVG and web manifests refer to, and an image-set() of plain
strings. References in comments do not count, except a source map, which is always in a comment.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from posixpath import splitext
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings

from azureblob.publish.comments import comments, is_within, without_blocks
from azureblob.publish.discovery import LocalFile
from azureblob.publish.learned import Scan, scan_of
from azureblob.publish.patterns import Patterns, matches_at

# In each pattern, one group takes part in a match: the URL. All patterns take time linear in the
# length of a text: repetitions are possessive, and no two of a search's runs begin in the same
# stretch of text.
_DOUBLE, _SINGLE, _BACKTICK = (
    rf"[^{quote}\\\n]*+(?:\\.[^{quote}\\\n]*+)*+" for quote in ('"', "'", "`")
)
_ANY_STRING = rf""""({_DOUBLE})"|'({_SINGLE})'|`({_BACKTICK})`"""
_STRING = f"(?:{_ANY_STRING})"
# An escape outside a string is skipped, so that an escaped quote does not open one. Without a group
# around the strings, the search for their beginnings takes a quarter of the time.
_STRINGS = re.compile(rf"\\.|{_ANY_STRING}")
_SOURCE_MAP = re.compile(r"""[#@]\s*+sourceMappingURL\s*+=\s*+([^\s"'`*]++)""")
# The strings in a script that begin as only a path does.
_PATHS = re.compile(
    rf"""\\.|"(\.\.?\\?/{_DOUBLE})"|'(\.\.?\\?/{_SINGLE})'|`(\.\.?\\?/{_BACKTICK})`""",
)
# Any call whose first argument is a string: Worker("a.js"), importScripts("a.js"), URL("a.png", …).
# A list of the functions that take a URL would match less, but the search takes several times as
# long.
_CALLS = re.compile(rf"\(\s*+{_STRING}")
_URLS = re.compile(
    rf"""url\(\s*+(?:"({_DOUBLE})"|'({_SINGLE})'|([^"'()\s\\]*+(?:\\.[^"'()\s\\]*+)*+))\s*+\)""",
    re.IGNORECASE,
)
_QUOTES = (b'"', b"'", b"`")
# Each file with a match contains one of these. To look for them takes a tenth of the time of a
# search with the pattern.
_LITERALS = {
    _STRINGS: _QUOTES,
    _PATHS: _QUOTES,
    _CALLS: _QUOTES,
    _SOURCE_MAP: (b"sourceMappingURL",),
    _URLS: (b"(",),
}
_SEARCHES = {_URLS: partial(matches_at, _URLS, "url(")}
_IN_SCRIPTS = (_PATHS, _CALLS, _SOURCE_MAP)
_IN_SHEETS = (_STRINGS, _URLS, _SOURCE_MAP)
# Attributes with other names, such as an editor's notes, may hold a file's name that no browser
# asks for.
_ATTRIBUTE = r"(?:href|src|data|poster|content|action|background|url)\s*+=\s*+"
_IN_DOCUMENTS = (
    re.compile(rf"""{_ATTRIBUTE}(?:"([^"<>]++)"|'([^'<>]++)'|([^"'\s<>=]++))""", re.IGNORECASE),
    # In a srcset.
    re.compile(r"""(?<![^"'\s<>,])([^"'\s<>,]++)\s++[\d.]++[xw]\b"""),
    re.compile(rf"@import\s*+{_STRING}", re.IGNORECASE),
    # In the elements of a media presentation.
    re.compile(r"<BaseURL>\s*+([^<>]++)<"),
    _URLS,
    _PATHS,
    _CALLS,
)
_LINES = (
    re.compile(r'^(?!#)([^\r\n]++)|URI="([^"\n]++)"', re.MULTILINE),
    re.compile(r"^(?:mtllib|map_\w++|bump|disp|decal|refl)[ \t]++([^\r\n]++)", re.MULTILINE),
)


class _Search(NamedTuple):
    """`find` yields the matches of a pattern. Each file with a match contains one of the
    `literals`. Matches within comments count if they are `in_comments`."""

    find: Callable[[str], Iterator[re.Match[str]]]
    literals: tuple[bytes, ...]
    in_comments: bool

    def may_match(self, data: bytes) -> bool:
        """Whether a file with these bytes can have a match."""
        for literal in self.literals:  # noqa: SIM110 - any() takes twice the time
            if literal in data:
                return True
        return False


def _search(pattern: re.Pattern[str]) -> _Search:
    find = _SEARCHES.get(pattern, pattern.finditer)
    return _Search(find, _LITERALS.get(pattern, (b"",)), pattern is _SOURCE_MAP)


_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    ".js": _IN_SCRIPTS,
    ".mjs": _IN_SCRIPTS,
    ".css": _IN_SHEETS,
    ".html": _IN_DOCUMENTS,
    ".htm": _IN_DOCUMENTS,
    ".xhtml": _IN_DOCUMENTS,
    ".svg": _IN_DOCUMENTS,
    ".xml": _IN_DOCUMENTS,
    ".mpd": _IN_DOCUMENTS,
    ".webmanifest": (_STRINGS,),
    ".gltf": (_STRINGS,),
    ".m3u8": _LINES,
    ".vtt": _LINES,
    ".obj": _LINES,
    ".mtl": _LINES,
}
_KINDS = {ending: tuple(map(_search, patterns)) for ending, patterns in _PATTERNS.items()}
# The escapes of JavaScript, JSON and CSS.
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_QUERY_OR_FRAGMENT = re.compile("[?#]")
_MAX_LENGTH = 4096


class PlainReferences:
    """Which of `sources` are referred to by their own names. Django rewrites the `patterns`.
    `known` has the references of some files that are published under their own names."""

    def __init__(
        self,
        sources: Mapping[str, LocalFile],
        patterns: Patterns,
        known: Mapping[str, Scan],
    ) -> None:
        self._sources = sources
        self._patterns = patterns
        self._known = known
        self._needed: set[str] = set()
        # The references of the files that are published under their own names.
        self.followed: dict[str, Scan] = {}
        # The container may have the same name as the path of static files on the site.
        self._roots = {settings.STATIC_URL, urlsplit(settings.STATIC_URL).path} - {"", "/"}

    def may_have_references(self, name: str) -> bool:
        """Whether a file with this name can have references that are not rewritten."""
        return bool(_searches_for(name))

    def scan(self, name: str, data: bytes) -> Scan:
        """Note the references that are left in a file after Django's rewriting."""
        found = self._scan(self._plain_targets(name, data))
        self.add(found)
        return found

    def add(self, found: Scan) -> None:
        """Note the references that an earlier scan has found."""
        self._needed.update(found.targets)

    def _scan(self, names: Iterable[str]) -> Scan:
        found = set(names)
        if not found:
            return Scan()
        targets = {name for name in found if name in self._sources}
        return scan_of(targets, found - targets)

    def needed(self) -> frozenset[str]:
        """The targets of those references, their targets, and so on. Nothing is rewritten in a file
        that is published under its own name, so all of its references count."""
        found: set[str] = set()
        waiting = sorted(self._needed)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                references = self._known.get(name) or self._scan(self._all_targets(name))
                self.followed[name] = references
                waiting += references.targets
        return frozenset(found)

    def _all_targets(self, name: str) -> Iterator[str]:
        patterns = self._patterns.of(name)
        if not patterns and not self.may_have_references(name):
            return
        data = Path(self._sources[name].path).read_bytes()
        yield from self._plain_targets(name, data)
        text = data.decode("utf-8", "replace")
        commented = comments(name, text) if patterns else []
        for pattern in patterns:
            found = pattern.find(text)
            urls = (match["url"] for match in found if not is_within(commented, match.start()))
            yield from self._targets(name, urls)

    def _plain_targets(self, name: str, data: bytes) -> Iterator[str]:
        searches = [search for search in _searches_for(name) if search.may_match(data)]
        if not searches:
            return iter(())
        text = data.decode("utf-8", "replace")
        code = without_blocks(comments(name, text), text)
        # Two searches may find the same URL.
        urls: set[str] = set()
        for search in searches:
            # The reference to a source map is in a comment.
            matches = search.find(text if search.in_comments else code)
            urls.update(match[match.lastindex] for match in matches if match.lastindex)
        return self._targets(name, urls)

    def _targets(self, name: str, urls: Iterable[str]) -> Iterator[str]:
        """The names of the files that URLs in the file `name` refer to, if there are such files."""
        folder = posixpath.dirname(name)
        for url in urls:
            # Longer texts are no names; most are data URIs.
            if len(url) > _MAX_LENGTH:
                continue
            plain = _ESCAPE.sub(_unescape, url) if "\\" in url else url
            path = unquote(_QUERY_OR_FRAGMENT.split(plain, maxsplit=1)[0]).strip()
            below = self._below_root(path)
            target = posixpath.normpath(posixpath.join(folder, path) if below is None else below)
            if path:
                yield target

    def _below_root(self, path: str) -> str | None:
        """The name that an absolute URL or path refers to, or None for a relative one."""
        for root in self._roots:
            if path.startswith(root):
                return path[len(root) :]
        return None


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _searches_for(name: str) -> tuple[_Search, ...]:
    ending = ".webmanifest" if name.rpartition("/")[2] == "manifest.json" else splitext(name)[1]
    return _KINDS.get(ending.lower(), ())
