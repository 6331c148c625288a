"""Hashed names, rewritten references and the manifest are Django's own, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django.contrib.admin
import pytest
from django.contrib.staticfiles.storage import (
    ManifestFilesMixin,
    ManifestStaticFilesStorage,
    StaticFilesStorage,
)
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from azureblob.publish.hashing import HashingError
from azureblob.publish.rewriting import Rewriter
from tests.faults import FaultProxy
from tests.publish.conftest import MakeSite
from tests.publish.container import Container
from tests.publish.in_process import STATIC_URL, Folder, Rules, read, static_url
from tests.publish.site import Site
from tests.publish.trees import Tree, noise

ADMIN = Path(django.contrib.admin.__file__).parent / "static"

NASTY: Tree = {
    "css/site.css": b"""@charset "utf-8";
@import url("base/reset.css");
@import 'theme.css';
@IMPORT "base/type.css" screen;
@import url( base/grid.css );
@import url("theme.css?v=2");
.a { background: url(../img/a.png) }
.b { background: url('../img/a.png?v=3') }
.c { background: URL("../img/../img/a.png#part") }
.d { background: url(../img/with%20space.png) }
.e { background: url("../img/with space.png") }
.f { background: url("   ../img/\xc3\xbcber.png") }
.g { background: url(../img/%C3%BCber.png) }
.h { background: url(data:image/png;base64,iVBORw0KGgo=) }
.i { background: url(https://example.com/x.png), url(//example.com/y.png) }
.j { background: url(/elsewhere/z.png) }
.k { mask: url(#only-a-fragment) }
.l { background: url("../img/sprite.svg#icon-1"), url(../img/sprite.svg#/a/path) }
.m { background: url(../img/100%25.png) }
.n { background: url(./../img/./a.png), url("../img/a.png"), url('../img/b.png') }
@font-face { src: url("../fonts/f.eot?#iefix"), url(../fonts/f.eot?v=1#x), url(../fonts/f.eot) }
.o { background: image-set("../img/a.png" 1x, url("../img/b.png") 2x) }
/*# sourceMappingURL=site.css.map */
""",
    "css/site.css.map": b'{"version":3}',
    "css/base/reset.css": b"@import url(deep/one.css);\n* { margin: 0 }\n",
    "css/base/deep/one.css": b'@import "two.css";\n.one { background: url(../../../img/b.png) }\n',
    "css/base/deep/two.css": b".two { background: url(../../../img/b.png) }\n",
    "css/base/type.css": b"p { color: red }\r\n",
    "css/base/grid.css": b"",
    "css/theme.css": b".t { background: url('  ../img/a.png') }\n/* url(../img/b.png) */\n",
    "css/twin.css": b"p { color: red }\r\n",
    "css/UPPER.CSS": b".u { background: url(../img/nothing-follows-this.png) }\n",
    "css/old.css": b"/*# sourceMappingURL=site.css.map */\n/*# sourcemappingurl=no.map */\n",
    "img/a.png": noise("a", 400),
    "img/b.png": noise("a", 400),
    "img/with space.png": noise("space", 100),
    "img/\u00fcber.png": noise("umlaut", 100),
    "img/100%.png": noise("percent", 100),
    "img/sprite.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><g id="icon-1"/></svg>',
    "fonts/f.eot": noise("font", 300),
    "js/app.js": b"console.log('app');\n//# sourceMappingURL=app.js.map\n",
    "js/app.js.map": b'{"version":3,"sources":["app.ts"]}',
    "js/module.js": b"import { x } from \"./app.js\";\nexport * from './app.js';\n",
    "js/inline.js": b"//# sourceMappingURL=data:application/json;base64,e30=\n",
    "js/odd.js": b"x();\n//@ sourceMappingURL=app.js.map\n //# sourceMappingURL=app.js.map\n",
    "no-extension": b"plain\n",
    "two.dots.tar.gz": noise("tar", 100),
    "a+b@2x,~(1)!.txt": b"punctuation\n",
    "\u65e5\u672c\u8a9e/\u30d5\u30a1\u30a4\u30eb.txt": "日本語\n".encode(),
}
REFERRED_BY_URL = b".x { background: url(%simg/a.png) }\n"

OWN = '''
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage as Manifest


class Modules(Manifest):
    support_js_module_import_aggregation = True


class Patterns(Manifest):
    patterns = Manifest.patterns + (
        ("*.html", ((r"""(?P<matched>src="(?P<url>[^"]+)")""", \'src="%(url)s"\'),)),
        ("*.mjs", ((r"""(?P<matched>from "(?P<url>\\./[^"]+)")""", \'from "%(url)s"\'),)),
    )


class Names(Manifest):
    def hashed_name(self, name, content=None, filename=None):
        made = super().hashed_name(name, content, filename)
        return made.replace(".png", ".v2.png")

    def file_hash(self, name, content=None):
        return super().file_hash(name, content) and "0" + super().file_hash(name, content)[:8]


class Intermediate(Manifest):
    keep_intermediate_files = True


class LowerKeys(Manifest):
    def hash_key(self, name):
        return name.lower()
'''
MODULES: Tree = {
    "js/main.js": b"""import { a } from "./lib/a.js";
import * as b from './lib/b.js';
export { c } from "./lib/a.js";
import "./lib/side.js";
const later = import("./lib/b.js");
""",
    "js/lib/a.js": b'import { d } from "../deep.js";\nexport const a = 1;\n',
    "js/lib/b.js": b"export const b = 2;\n",
    "js/lib/side.js": b"globalThis.side = 1;\n",
    "js/deep.js": b"export const d = 3;\n",
    "js/m.mjs": b'import x from "./deep.js";\n',
    "page/index.html": b'<script src="../js/main.js"></script><img src="../img/A.png">',
    "img/A.png": noise("A", 100),
    "img/zero.png": b"",
    "css/a.css": b".a { background: url(../img/A.png) }\n",
}


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


# --- In the container -----------------------------------------------------------------------------


def test_the_small_tree_is_published_as_django_makes_it(site: Site, container: Container) -> None:
    site.publish().well()
    container.holds(site.expected())


def test_djangos_admin_is_published_as_django_makes_it(
    make_site: MakeSite, proxy: FaultProxy
) -> None:
    site = make_site()
    site.settings["STATICFILES_DIRS"] = [str(ADMIN)]
    site.publish().well()
    expected = site.expected()
    assert len(expected.files) > 100
    sent = [record for record in proxy.take() if record.method == "PUT"]
    # The manifest, its copy for prunestatic, and the render cache.
    assert len(sent) == len(expected.files) + 3
    site.container.holds(expected)


def test_a_nasty_tree_is_published_as_django_makes_it(site: Site, container: Container) -> None:
    base = f"http://127.0.0.1:{site.port}/{container.account}/{container.name}/"
    site.write({**NASTY, "css/absolute.css": REFERRED_BY_URL % base.encode()})
    site.publish(missing_references="warn").well()
    container.holds(site.expected())


def test_a_name_that_django_makes_before_rewriting_exists_too(
    site: Site, container: Container
) -> None:
    """`@import "theme.css?v=2"` gets the hash of theme.css before rewriting. With Django alone, no
    such file exists."""
    site.write(NASTY)
    site.publish().well()
    answer = container.get("css/" + _imported(container, "css/site.css", "theme."))
    assert answer.status == 200
    assert answer.body == container.get(container.paths()["css/theme.css"]).body
    # The name does not change with what the file refers to, so it must not be cached for long.
    assert answer.headers["cache-control"] == "public, max-age=300"


def _imported(container: Container, sheet: str, start: str) -> str:
    """The name with a query that a style sheet imports."""
    text = container.get(container.paths()[sheet]).body.decode()
    [found] = [
        part.split("?")[0] for part in text.split('"') if part.startswith(start) if "?" in part
    ]
    return found


@pytest.mark.parametrize("kind", ["Modules", "Patterns", "Names", "Intermediate", "LowerKeys"])
def test_the_rules_of_a_sites_own_storage_are_followed(make_site: MakeSite, kind: str) -> None:
    site = make_site(manifest_storage=f"own_storages.{kind}")
    (site.folder / "own_storages.py").write_text(OWN)
    site.write(MODULES)
    site.publish().well()
    expected = site.expected(f"own_storages.{kind}")
    site.container.holds(expected)
    plain = site.expected()
    differs = expected.manifest != plain.manifest
    assert differs == (kind != "Intermediate")


def test_a_circle_is_named_file_by_file_and_nothing_is_sent(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.write(
        {
            "css/a.css": b'@import "b.css";',
            "css/b.css": b'@import "sub/c.css";',
            "css/sub/c.css": b"@import url(../a.css);",
            "css/beside.css": b'@import "a.css";',
        }
    )
    ended = site.publish()
    assert ended.code == 1
    assert "in a circle: css/" in ended.err
    assert ended.err.count(" -> ") == 3
    assert "beside" not in ended.err
    assert "Traceback" not in ended.err
    # The container may have been listed meanwhile.
    assert not [record for record in proxy.take() if record.method != "GET"]


def test_a_file_that_is_not_utf8_is_named(site: Site, proxy: FaultProxy) -> None:
    site.write({"css/a.css": b"p{}", "css/latin.css": b".\xfc { }"})
    ended = site.publish()
    assert ended.code == 1
    assert "css/latin.css: byte 0xfc at 1" in ended.err
    assert "Traceback" not in ended.err
    # The container may have been listed meanwhile.
    assert not [record for record in proxy.take() if record.method != "GET"]


# --- Methods of a site's own ----------------------------------------------------------------------


class Spaced(ManifestStaticFilesStorage):
    def url_converter(self, *args: Any, **options: Any) -> Any:
        convert = super().url_converter(*args, **options)
        return lambda match: convert(match).replace("url(", "url( ")


class Versioned(ManifestStaticFilesStorage):
    def _url(self, *args: Any, **options: Any) -> str:
        return f"{super()._url(*args, **options)}.v2"  # type: ignore[misc]  # private


class Renamed(ManifestStaticFilesStorage):
    def _stored_name(self, *args: Any) -> str:
        stored = super()._stored_name(*args)  # type: ignore[misc]  # private
        return str(stored).replace(".png", ".webp")


class _Shouting(StaticFilesStorage):
    def url(self, name: str | None) -> str:
        return super().url(name).upper()


class Shouting(ManifestFilesMixin, _Shouting):  # type: ignore[misc]  # Django's own does it too
    pass


@pytest.mark.parametrize("kind", [Spaced, Versioned, Renamed, Shouting])
def test_methods_that_make_references_are_called_if_a_site_has_its_own(kind: Rules) -> None:
    tree = {"css/a.css": b".a { background: url(../img/a.png) }\n", "img/a.png": b"a"}
    with Folder(tree) as folder:
        expected = folder.by_django(kind)
        assert read(folder.by_us(kind)) == expected
    with Folder(tree) as folder:
        assert set(expected.files.values()) != set(read(folder.by_us()).files.values())


def test_djangos_converter_is_not_called_for_an_ordinary_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Rewriter, "_convert", pytest.fail)
    tree = {
        "css/a.css": b".a { background: url('../img/a.png'), url(b.png) }\n",
        "css/b.png": b"b",
        "img/a.png": b"a",
    }
    with Folder(tree) as folder:
        assert read(folder.by_us()) == folder.by_django()


def test_a_reference_to_a_folder_stays_as_it_is_and_is_no_mistake() -> None:
    tree = {
        "css/a.css": b".a { background: url(../img), url(../img/deep), url(..) }\n",
        "img/deep/deeper/a.png": b"a",
    }
    with Folder(tree) as folder:
        made = folder.by_us()
        assert read(made) == folder.by_django()
        assert made.missing == []


# --- Any tree -------------------------------------------------------------------------------------

_WORDS = ["a", "b", "c", "d\u00e9", "e f", "g%", "h+"]
_FOLDERS = ["", "x/", "x/y/", "z z/"]
_TAILS = ["", "?v=1", "#frag", "?#iefix", "?a=1#b"]


@st.composite
def _trees(draw: st.DrawFn) -> Tree:
    """Files that refer to files drawn earlier, so not in a circle, in all ways that CSS has."""
    tree: Tree = {}
    for _ in range(draw(st.integers(1, 8))):
        suffix = draw(st.sampled_from([".css", ".js", ".png", ".js.map"]))
        name = draw(st.sampled_from(_FOLDERS)) + draw(st.sampled_from(_WORDS)) + suffix
        if name in tree:
            continue
        lines = [f"/* {draw(st.integers(0, 2))} */"]
        for target in draw(st.lists(st.sampled_from(sorted(tree)), max_size=4)) if tree else []:
            lines.append(_reference(draw, name, target))
        tree[name] = draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode()
    order = draw(st.permutations(sorted(tree)))
    return {name: tree[name] for name in order}


def _reference(draw: st.DrawFn, name: str, target: str) -> str:
    up = "../" * name.count("/")
    detour = draw(st.sampled_from(["", "./", "x/../"])) if target != "x/a.css" else ""
    encoded = quote(target) if draw(st.booleans()) else target.replace("%", "%25")
    path = draw(st.sampled_from([up + detour, STATIC_URL])) + encoded
    tail = draw(st.sampled_from(_TAILS))
    if name.endswith(".js"):
        return f"//# sourceMappingURL={path}{tail}"
    written = draw(
        st.sampled_from(
            [
                "x {{ y: url({}) }}",
                'x {{ y: url("{}") }}',
                "x {{ y: URL('  {}') }}",
                '@import "{}";',
                "@import url('{}');",
                "/*# sourceMappingURL={} */",
                "x {{ y: url({}), url(data:x/y;base64,AA==), url(//h/p) }}",
            ]
        )
    )
    return written.format(path + tail)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_trees())
def test_any_tree_is_named_and_rewritten_as_by_django(tree: Tree) -> None:
    with Folder(tree) as folder:
        try:
            expected = folder.by_django()
        except (ValueError, RuntimeError) as error:
            event(f"Django: {type(error).__name__}")
            if "passes exceeded" not in str(error):  # too deep for Django, and not for us
                assert folder.by_us().missing
            return
        made = folder.by_us()
        event(f"{len(expected.files)} files, {len(made.aliases)} aliases")
        assert not made.missing
        assert read(made) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
def test_a_tree_is_circular_if_and_only_if_django_cannot_finish_it(
    edges: list[tuple[int, int]],
) -> None:
    sheets = {
        f"{n}.css": b"".join(b'@import "%d.css";\n' % to for start, to in edges if start == n)
        for n in range(5)
    }
    with Folder(sheets) as folder:
        try:
            expected = folder.by_django()
        except RuntimeError:
            with pytest.raises(HashingError, match="in a circle"):
                folder.by_us()
        else:
            assert read(folder.by_us()) == expected


@given(
    st.dictionaries(st.sampled_from(["a.txt", "b c.txt", "d/e.png", "f"]), st.binary(max_size=9))
)
@settings(max_examples=40, deadline=None)
def test_names_depend_on_the_content_alone(contents: dict[str, bytes]) -> None:
    with Folder(contents) as folder:
        made = folder.by_us()
    storage = ManifestStaticFilesStorage(location="/nowhere", base_url=STATIC_URL)
    for name, content in contents.items():
        assert made.names[name] == storage.hashed_name(name, ContentFile(content))
    assert json.loads(made.manifest)["paths"] == made.paths
