"""References in comments are neither missing nor needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from azureblob.publish.comments import comments
from tests.publish.in_process import Folder, static_url


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


def missing(name: str, text: str) -> list[str]:
    with Folder({name: text.encode(), "css/i.png": b"i"}) as folder:
        return [str(one).rpartition(" ")[2] for one in folder.by_us().missing]


def needed(name: str, text: str) -> set[str]:
    tree = {name: text.encode(), "css/i.png": b"i", "css/a.css.map": b"{}", "css/a.js.map": b"{}"}
    # Published under its own name, so that nothing in it is rewritten.
    with Folder({**tree, "css/page.html": f'<a href="{name[4:]}">'.encode()}) as folder:
        return set(folder.by_us().needed) - {name}


@pytest.mark.parametrize(
    "text",
    [
        "/* url(gone.png) */",
        "/* url(i.png), url(gone.png)\n it's url('gone.png') */ b { c: url(i.png) }",
        "a { b: url(i.png) } /* url(gone.png)",
        '/* @import "gone.css"; */',
    ],
)
def test_a_reference_in_a_style_sheets_comment_may_lead_nowhere(text: str) -> None:
    assert missing("css/a.css", text) == []


@pytest.mark.parametrize(
    "text",
    [
        'a::before { content: "/*" } b { c: url(gone.png) } /**/',
        "a { b: url(x/*y.png) } /* */ c { d: url(gone.png) }",
        "/* */ c { d: url(gone.png) } /* */",
    ],
)
def test_text_that_only_looks_like_a_comment_hides_nothing(text: str) -> None:
    assert "css/gone.png" in missing("css/a.css", text)


def test_a_source_map_is_a_reference_although_it_is_a_comment() -> None:
    text = "/*# sourceMappingURL=a.css.map */\n"
    assert missing("css/a.css", text) == ["css/a.css.map"]
    assert missing("css/a.js", "//# sourceMappingURL=a.js.map\n") == ["css/a.js.map"]
    assert missing("css/a.js", "/*\n//# sourceMappingURL=a.js.map\n*/\n") == []
    assert needed("css/a.css", text) == {"css/a.css.map"}
    assert needed("css/a.js", "//# sourceMappingURL=a.js.map\n") == {"css/a.js.map"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("css/a.css", "/* url(i.png) */"),
        ("css/a.css", "/* image-set('i.png' 1x) */"),
        ("css/a.js", "// new Worker('./i.png')\n"),
        ("css/a.js", "run();\n  /* import './i.png' */\n"),
    ],
)
def test_files_that_only_a_comment_mentions_are_not_needed(name: str, text: str) -> None:
    assert needed(name, text) == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("css/a.css", "/* it's */ b { c: image-set('i.png' 1x) }"),
        ("css/a.js", "x = /\"/; y = 'http://x'; import './i.png'\n"),
        ("css/a.js", "x = /[/*]/; import './i.png'\n"),
    ],
)
def test_references_next_to_a_comment_are_needed(name: str, text: str) -> None:
    assert needed(name, text) == {"css/i.png"}


def test_an_unclosed_comment_ends_with_the_text() -> None:
    assert comments("a.css", "a/*b/*c") == [(1, 7)]
