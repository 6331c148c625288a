"""A file is searched with a pattern unless its bytes show that the pattern cannot match."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from hypothesis import example, given, settings
from hypothesis import strategies as st

from azureblob.publish import patterns, references
from azureblob.publish.patterns import Pattern, Patterns, read_patterns
from tests.patterns.test_same_matches import random_texts
from tests.publish.in_process import STATIC_URL, static_url

# Django's patterns in all versions that are supported.
KNOWN = {
    text: Pattern(re.compile(text, re.IGNORECASE).finditer, "", None, *literals)
    for text, literals in patterns._LITERALS.items()
}


class Modules(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


def test_the_literals_of_all_patterns_of_the_installed_django_are_known() -> None:
    storage = Modules(location="/nowhere", base_url=STATIC_URL)
    found = [*read_patterns(storage).of("a.css"), *read_patterns(storage).of("a.js")]
    assert len(found) >= 8
    assert all(pattern.literals or pattern.folded for pattern in found)


def test_nothing_is_assumed_about_a_pattern_of_the_sites_own() -> None:
    storage = type("Own", (ManifestStaticFilesStorage,), {"patterns": (("*.x", ("(?P<a>b)",)),)})
    [pattern] = read_patterns(storage(location="/nowhere", base_url=STATIC_URL)).of("a.x")
    assert pattern.may_match(b"")


def test_no_file_with_a_match_is_skipped() -> None:
    matched = dict.fromkeys(KNOWN, 0)
    for text in random_texts(5000):
        data = text.encode()
        for name, pattern in KNOWN.items():
            if next(iter(pattern.find(text)), None):
                matched[name] += 1
                assert pattern.may_match(data), (name, text)
    assert sum(count > 0 for count in matched.values()) >= 6


_MATCHES = st.one_of(*(st.from_regex(re.compile(text, re.IGNORECASE)) for text in KNOWN))


@settings(max_examples=400, deadline=None)
@given(_MATCHES)
@example('@\u0130mport "a"')
@example('@\u0131mport "a"')
@example("\u0131mport {a} from './a.js';")
@example("export {a} from './a.js';")
def test_a_text_made_from_a_pattern_is_not_skipped(text: str) -> None:
    for name, pattern in KNOWN.items():
        if next(iter(pattern.find(text)), None):
            assert pattern.may_match(text.encode("utf-8", "surrogatepass")), (name, text)


def test_the_folded_literals_have_no_letter_that_another_character_matches() -> None:
    """For a pattern that ignores the case, \u0131 is an i; it is not in the file's lower case."""
    letters = {chr(letter) for pattern in KNOWN.values() for letter in pattern.folded}
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    for letter in letters | set("url("):
        found = re.findall(re.escape(letter), every, re.IGNORECASE)
        assert {one.lower() for one in found} == {letter}, letter
        assert all(one.isascii() for one in found), letter


def test_a_letter_with_a_longer_lower_case_moves_no_match() -> None:
    text = "\u0130\u0130 url(a) URL(b.png)\n\u0130 url('c')"
    for pattern in (patterns._ANY_QUOTES, patterns._PAIRED_QUOTES):
        expected = [match["url"] for match in re.finditer(pattern, text, re.IGNORECASE)]
        assert [match["url"] for match in patterns._LINEAR[pattern](text)] == expected
    found = references._SEARCHES[references._URLS](text)
    assert [match[match.lastindex or 0] for match in found] == ["a", "b.png", "c"]


def test_references_that_are_not_rewritten_are_found_in_the_same_places() -> None:
    for text in random_texts(2000):
        data = text.encode()
        for pattern in references._LITERALS:
            expected = [match.span() for match in pattern.finditer(text)]
            search = references._search(pattern)
            assert [match.span() for match in search.find(text)] == expected, (pattern, text)
            urls = [match for match in pattern.finditer(text) if match.lastindex]
            assert search.may_match(data) or not urls, (pattern, text)


def test_a_name_that_two_globs_match_has_the_patterns_of_both_in_their_order() -> None:
    sheets, of_a, named = (Pattern(re.compile(text).finditer, text) for text in "abc")
    by_glob = Patterns([("*.css", [sheets]), ("a.*", [of_a, named])])
    names = ["a.js", "a.css", "b.css", "b.js"]
    expected = {"a.css": [sheets, of_a, named], "b.css": [sheets], "a.js": [of_a, named]}
    assert by_glob.by_name(names) == expected
    assert {name: found for name in names if (found := by_glob.of(name))} == expected
