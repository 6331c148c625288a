"""References that hashing leaves as they are, so that a browser asks for their targets' own names.

Django rewrites url(), @import and source maps in CSS, and source maps in JavaScript. What modules
import, what HTML, SVG and web manifests point to, and an image-set() of plain strings stay.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

from azureblob.publish.comments import comments, is_within, without
from azureblob.publish.files import LocalFile
from azureblob.publish.patterns import Patterns

# In each pattern one group takes part in a match: the URL. All take time linear in a text's length:
# what repeats gives nothing back, and no two runs of a search begin in the same stretch of text.
_DOUBLE, _SINGLE, _BACKTICK = (
    rf"[^{quote}\\\n]*+(?:\\.[^{quote}\\\n]*+)*+" for quote in ('"', "'", "`")
)
_STRING = rf"""(?:"({_DOUBLE})"|'({_SINGLE})'|`({_BACKTICK})`)"""
# An escape outside of a string is passed over, so that its quote opens none.
_STRINGS = re.compile(rf"\\.|{_STRING}")
_SOURCE_MAP = re.compile(r"""[#@]\s*+sourceMappingURL\s*+=\s*+([^\s"'`*]++)""")
# Of a script's strings, those that begin as only a path does.
_PATHS = re.compile(
    rf"""\\.|"(\.\.?\\?/{_DOUBLE})"|'(\.\.?\\?/{_SINGLE})'|`(\.\.?\\?/{_BACKTICK})`""",
)
# Any call whose first argument is a string: Worker("a.js"), importScripts("a.js"), URL("a.png", …).
# A list of the functions that take a URL would match less, and is several times slower to search.
_CALLS = re.compile(rf"\(\s*+{_STRING}")
_URLS = re.compile(
    rf"""url\(\s*+(?:"({_DOUBLE})"|'({_SINGLE})'|([^"'()\s\\]*+(?:\\.[^"'()\s\\]*+)*+))\s*+\)""",
    re.IGNORECASE,
)
_IN_SCRIPTS = (_PATHS, _CALLS, _SOURCE_MAP)
_IN_SHEETS = (_STRINGS, _URLS, _SOURCE_MAP)
# An attribute of another name may hold a file's name and not ask for it, as an editor's notes do.
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
_KINDS = {
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
# Of JavaScript, JSON and CSS.
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_TAIL = re.compile("[?#]")
_LONGEST = 4096


class PlainReferences:
    """Which of `sources` are asked for by their own names. `patterns` are what Django rewrites."""

    def __init__(self, sources: Mapping[str, LocalFile], patterns: Patterns) -> None:
        self._sources = sources
        self._patterns = patterns
        self._needed: set[str] = set()
        # The container may be called as the path that pages have for static files.
        self._roots = {settings.STATIC_URL, urlsplit(settings.STATIC_URL).path} - {"", "/"}

    def may_hold(self, name: str) -> bool:
        """Whether such a file can hold references that are not rewritten."""
        return bool(_kind(name))

    def scan(self, name: str, text: str) -> None:
        """Note what a file, as it is published under its hashed name, asks for."""
        self._needed.update(self._left(name, text))

    def needed(self) -> frozenset[str]:
        """The targets, and what these ask for in their turn: as nothing is rewritten in what is
        published under its own name, that is all that they refer to."""
        found: set[str] = set()
        waiting = sorted(self._needed)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._referred(name)
        return frozenset(found)

    def _referred(self, name: str) -> Iterator[str]:
        patterns = self._patterns.of(name)
        if not patterns and not self.may_hold(name):
            return
        text = Path(self._sources[name].path).read_bytes().decode("utf-8", "replace")
        yield from self._left(name, text)
        unread = comments(name, text) if patterns else []
        for pattern in patterns:
            found = pattern.find(text)
            urls = (match["url"] for match in found if not is_within(unread, match.start()))
            yield from self._targets(name, urls)

    def _left(self, name: str, text: str) -> Iterator[str]:
        code = without(comments(name, text), text)
        for pattern in _kind(name):
            # A source map is named in a comment.
            searched = text if pattern is _SOURCE_MAP else code
            matches = pattern.finditer(searched)
            urls = (match[match.lastindex] for match in matches if match.lastindex)
            yield from self._targets(name, urls)

    def _targets(self, name: str, urls: Iterator[str]) -> Iterator[str]:
        folder = posixpath.dirname(name)
        for url in urls:
            # Nothing longer is a name: most are pictures within the text.
            if len(url) > _LONGEST:
                continue
            plain = _ESCAPE.sub(_unescaped, url) if "\\" in url else url
            path = unquote(_TAIL.split(plain, maxsplit=1)[0]).strip()
            below = self._below_root(path)
            target = posixpath.normpath(posixpath.join(folder, path) if below is None else below)
            if path and target in self._sources:
                yield target

    def _below_root(self, path: str) -> str | None:
        """The name of what an absolute URL or path means, or none for a relative one."""
        for root in self._roots:
            if path.startswith(root):
                return path[len(root) :]
        return None


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _kind(name: str) -> tuple[re.Pattern[str], ...]:
    if name.rpartition("/")[2] == "manifest.json":
        return (_STRINGS,)
    return _KINDS.get(posixpath.splitext(name)[1].lower(), ())
