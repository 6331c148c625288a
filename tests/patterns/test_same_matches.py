"""The linear searches find what Django's own patterns find, in any text."""

from __future__ import annotations

import random
import re

from azureblob.publish import patterns
from tests.patterns.test_linear import IGNORED

# Parts of the patterns, and texts that end or split a match.
_PARTS = (
    *("url(", "URL(", ")", "'", '"', " ", "\n", "\t", "\r", "\x0b", "\u00a0", "a", "x.png"),
    *("/*", "*/", "/*# sourceMappingURL=", "//# sourceMappingURL=", "@import", "\\", "`", "//"),
    *("import", "export", "from", "{", "}", ";", "./a.js", "*", "as", "/", "#", "(", "="),
    "\u0131mport",
)


def random_texts(number: int) -> list[str]:
    chance = random.Random(1)  # noqa: S311
    found = []
    for _ in range(number):
        # From a few parts only, so that they often meet.
        parts = chance.sample(_PARTS, chance.randint(3, 9))
        found.append("".join(chance.choices(parts, k=chance.randint(1, 26))))
    return found


def test_each_search_finds_in_any_text_what_djangos_pattern_finds() -> None:
    texts = random_texts(5000)
    for pattern, find in patterns._LINEAR.items():
        original = re.compile(pattern, re.IGNORECASE)
        matches = 0
        for text in texts:
            expected = [(match.span(), match.groupdict()) for match in original.finditer(text)]
            assert [(match.span(), match.groupdict()) for match in find(text)] == expected, (
                pattern,
                text,
            )
            matches += len(expected)
        # The module patterns need many parts in a certain order.
        assert matches or pattern in patterns._MODULES, pattern


def test_module_searches_find_what_djangos_patterns_find() -> None:
    chance = random.Random(2)  # noqa: S311
    parts = (
        "import {a} ",
        "export * ",
        "export {a} ",
        "import * as b ",
        "from './a.js'",
        ";",
        "\n",
    )
    texts = ["".join(chance.choices(parts, k=chance.randint(2, 9))) for _ in range(2000)]
    for pattern in patterns._MODULES:
        original, find = re.compile(pattern, re.IGNORECASE), patterns._LINEAR[pattern]
        matches = 0
        for text in texts:
            expected = [match.span() for match in original.finditer(text)]
            assert [match.span() for match in find(text)] == expected, (pattern, text)
            matches += len(expected)
        assert matches, pattern


def test_the_same_comments_and_strings_are_ignored_in_any_text() -> None:
    for ignored in IGNORED:
        for text in random_texts(5000):
            expected = [match.span() for match in ignored.finditer(text)]
            found = [match.span() for match in patterns._ignored(text, ignored)]
            assert found == expected, (ignored.pattern, text)
