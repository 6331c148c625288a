"""References that hashing leaves as they are, so that a browser asks for their targets' own names.

Django rewrites url(), @import and source maps in CSS, and source maps in JavaScript. What modules
import, what HTML, SVG and web manifests point to, and an image-set() of plain strings stay.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from azureblob.publishing.files import LocalFile
from azureblob.publishing.patterns import Patterns

_STRING = r"""(["'`])(?P<url>[^"'`\s<>{}\\]+)\1"""
# A script's strings are its own business, but for those that only a path begins like.
_IN_SCRIPTS = (
    re.compile(r"""(["'`])(?P<url>\.\.?/[^"'`\s<>{}\\]+)\1"""),
    re.compile(r"\b(?:importScripts|(?:Shared)?Worker|addModule|register|URL)\s*\(\s*" + _STRING),
)
# An attribute of another name may hold a file's name and not ask for it, as an editor's notes do.
_ATTRIBUTE = r"[\w:.-]*(?:href|src|data|poster|content|action|background|url)\s*=\s*"
_IN_DOCUMENTS = (
    re.compile(_ATTRIBUTE + r"""(["'])(?P<url>[^"'<>]+)\1""", re.IGNORECASE),
    re.compile(_ATTRIBUTE + r"""(?P<url>[^"'\s<>=]+)""", re.IGNORECASE),
    # In a srcset.
    re.compile(r"""(?P<url>[^"'\s<>,]+)\s+[\d.]+[xw]\b"""),
    re.compile(r"""\burl\(\s*["']?(?P<url>[^"'()<>]+)["']?\s*\)"""),
    re.compile(r"@import\s*" + _STRING),
    *_IN_SCRIPTS,
)
_IN_SHEETS = (re.compile(_STRING),)
_KINDS = {
    ".js": _IN_SCRIPTS,
    ".mjs": _IN_SCRIPTS,
    ".css": _IN_SHEETS,
    ".html": _IN_DOCUMENTS,
    ".htm": _IN_DOCUMENTS,
    ".xhtml": _IN_DOCUMENTS,
    ".svg": _IN_DOCUMENTS,
    ".webmanifest": _IN_SHEETS,
}
_TAIL = re.compile("[?#]")


class PlainReferences:
    """Which of `sources` are asked for by their own names. `patterns` are what Django rewrites."""

    def __init__(self, sources: Mapping[str, LocalFile], patterns: Patterns) -> None:
        self._sources = sources
        self._patterns = patterns
        self._needed: set[str] = set()

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
        for pattern in patterns:
            yield from self._targets(name, (match["url"] for match in pattern.find(text)))

    def _left(self, name: str, text: str) -> Iterator[str]:
        for pattern in _kind(name):
            yield from self._targets(name, (match["url"] for match in pattern.finditer(text)))

    def _targets(self, name: str, urls: Iterator[str]) -> Iterator[str]:
        folder = posixpath.dirname(name)
        for url in urls:
            path = unquote(_TAIL.split(url, maxsplit=1)[0]).strip()
            if path:
                target = posixpath.normpath(posixpath.join(folder, path))
                if target in self._sources:
                    yield target


def _kind(name: str) -> tuple[re.Pattern[str], ...]:
    if name.rpartition("/")[2] == "manifest.json":
        return _IN_SHEETS
    return _KINDS.get(posixpath.splitext(name)[1].lower(), ())
