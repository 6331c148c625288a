"""References to missing files are reported with file, line and target before anything is sent."""

from __future__ import annotations

import pytest

from azureblob.publish.rewriting import MissingReference
from tests.faults import FaultProxy
from tests.publish.container import Container
from tests.publish.in_process import Folder, static_url
from tests.publish.site import Site
from tests.publish.trees import small_tree

BROKEN = {
    **small_tree(),
    "css/bad.css": b"""p { color: red }
.a { background: url(missing.png) }
.b { background: url("../img/photo0.png"), url('../img/gone.png?v=1#x') }
@import "no/such.css";
""",
    "js/bad.js": b"run();\n\n//# sourceMappingURL=bad.js.map\n",
}


def test_an_error_names_file_line_and_target_and_nothing_is_sent(
    site: Site, proxy: FaultProxy
) -> None:
    site.write(BROKEN)
    ended = site.publish()
    assert ended.code == 1
    assert ended.out == ""
    first, *lines = ended.err.splitlines()
    assert first == "CommandError: These references lead to no static file:"
    assert lines[:4] == [
        "    css/bad.css, line 2: url(missing.png) – there is no static file css/missing.png",
        "    css/bad.css, line 3: url('../img/gone.png?v=1#x') – there is no static file "
        "img/gone.png",
        '    css/bad.css, line 4: @import "no/such.css" – there is no static file css/no/such.css',
        "    js/bad.js, line 3: //# sourceMappingURL=bad.js.map – there is no static file "
        "js/bad.js.map",
    ]
    assert '"missing_references": "warn"' in lines[4]
    assert len(lines) == 5
    # The container may have been listed meanwhile.
    assert not [record for record in proxy.take() if record.method != "GET"]


def test_as_a_warning_all_is_published_and_the_references_stay_as_they_are(
    site: Site, container: Container
) -> None:
    site.write(BROKEN)
    ended = site.publish(missing_references="warn").well()
    assert ended.counts == (26, 0, 26)
    assert "css/bad.css, line 2: url(missing.png)" in ended.err
    assert "Nothing was sent" not in ended.err
    text = container.get(container.paths()["css/bad.css"]).body.decode()
    photo = container.paths()["img/photo0.png"]
    assert f'url("../{photo}")' in text
    assert "url(missing.png)" in text
    assert "url('../img/gone.png?v=1#x')" in text


def test_many_are_cut_at_50(site: Site) -> None:
    site.write({f"{n:02}.css": b"p { background: url(none.png) }" for n in range(73)})
    err = site.publish().err
    assert err.count("there is no static file none.png") == 50
    assert "    and 23 more\n" in err


@pytest.mark.parametrize("options", [{"hashed_names": False}, {}])
def test_without_hashing_nobody_looks(site: Site, options: dict[str, object]) -> None:
    site.write(BROKEN)
    flags = [] if options else ["--no-post-process"]
    assert site.publish(*flags, **options).well().counts[0] == 26


@pytest.mark.parametrize(
    ("text", "line", "target"),
    [
        ("\n\n.a{background:url(x.png)}", 3, "css/x.png"),
        ("a\r\nb\r\n.a{background:url(x.png)}", 3, "css/x.png"),
        (".a{background:url(../../../x.png)}", 1, "../../x.png"),
        (".a{background:url(/static/x.png)}", 1, "x.png"),
        (".a{background:url(d%20e.png)}", 1, "css/d e.png"),
        (".a{background:url(\n  x.png)}", 1, "css/x.png"),
        ('@import url("a.css");\n@import "b.css"', 2, "css/b.css"),
    ],
)
def test_line_and_target_are_those_of_the_source(text: str, line: int, target: str) -> None:
    tree = {"css/s.css": text.encode(), "css/a.css": b".long { }\n" * 3}
    with static_url("/static/"), Folder(tree) as folder:
        [missing] = folder.by_us().missing
    assert isinstance(missing, MissingReference)
    assert (missing.file, missing.line, missing.target) == ("css/s.css", line, target)


def test_a_long_reference_is_cut() -> None:
    tree = {"s.css": b".a { background: url(" + b"x" * 500 + b".png) }"}
    with static_url(), Folder(tree) as folder:
        [missing] = folder.by_us().missing
    assert f"line 1: url({'x' * 96}… –" in str(missing)
