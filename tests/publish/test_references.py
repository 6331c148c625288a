"""If a browser asks for a file by its own name, it is published under that name too."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureblob.publish.discovery import content
from tests.faults import FaultProxy
from tests.publish.container import MANIFEST, Container
from tests.publish.in_process import Folder, static_url
from tests.publish.site import Site
from tests.publish.trees import Tree, noise, small_tree

MODULES: Tree = {
    "js/main.js": b'import { a } from "./lib/a.js";\nimport("./lib/late.js");\n',
    "js/lib/a.js": b'export { b as a } from "../b.js";\n//# sourceMappingURL=a.js.map\n',
    "js/lib/a.js.map": b"{}",
    "js/lib/late.js": b"export const late = 1;\n",
    "js/b.js": b"export const b = 2;\n",
    "js/unrelated.js": b"console.log('b.js');\n",
    "img/a.png": noise("a", 100),
}


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


def needed(tree: Tree) -> set[str]:
    with Folder(tree) as folder:
        return set(folder.by_us().needed)


def plain(container: Container) -> set[str]:
    """The blobs that are neither hashed files nor manifests and their history."""
    hashed = set(container.paths().values())
    return {n for n in container.blobs() if n not in hashed and not n.startswith("staticfiles")}


def test_modules_that_import_each_other_relatively_are_loadable(
    site: Site, container: Container
) -> None:
    site.write(MODULES)
    site.publish().well()
    assert plain(container) == {"js/lib/a.js", "js/lib/a.js.map", "js/lib/late.js", "js/b.js"}
    loaded: set[str] = set()
    waiting = [container.paths()["js/main.js"]]
    while waiting:
        name = waiting.pop()
        answer = container.get(name)
        assert answer.status == 200, name
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        loaded.add(name)
        for url in re.findall(rb'(?:from |import\()"(.*?)"', answer.body):
            waiting.append(
                posixpath.normpath(posixpath.join(posixpath.dirname(name), url.decode()))
            )
    assert len(loaded) == 4
    for name in plain(container):
        assert container.get(name).headers["cache-control"] == "public, max-age=300"


def test_keep_unhashed_says_which_plain_names_are_published(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.write(MODULES)
    site.publish(keep_unhashed="none").well()
    assert plain(container) == set()
    proxy.take()
    site.publish().well()
    assert len(plain(container)) == 4
    assert not [record for record in proxy.take() if record.path.endswith(MANIFEST)]
    site.publish(keep_unhashed=None).well()  # the default is all of them, as Django's storage does
    assert plain(container) == MODULES.keys()
    for name in MODULES:
        assert container.get(name).body == MODULES[name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", 'import "./x.txt"'),
        ("a.js", "import x from './x.txt?v=1'"),
        ("a.mjs", "export * from './x.txt'"),
        ("a.js", "const y = await import(`./x.txt`)"),
        ("a.js", 'new URL("./x.txt", import.meta.url)'),
        ("a.js", 'new URL("x.txt", import.meta.url)'),
        ("a.js", 'new Worker("x.txt")'),
        ("a.js", 'new SharedWorker( "x.txt" )'),
        ("a.js", 'importScripts("x.txt")'),
        ("a.js", 'navigator.serviceWorker.register("x.txt")'),
        ("a.html", '<script src="x.txt"></script>'),
        ("a.html", "<a href=x.txt>"),
        ("a.html", '<img srcset="y.txt 1x, x.txt 2x">'),
        ("a.html", '<div style="background: url(x.txt)">'),
        ("a.html", '<script type="module">import "./x.txt"</script>'),
        ("a.svg", '<image xlink:href="x.txt"/>'),
        ("a.svg", "<style>@import 'x.txt';</style>"),
        ("site.webmanifest", '{"icons": [{"src": "x.txt"}]}'),
        ("manifest.json", '{"icons": [{"src": "./x.txt"}]}'),
        ("a.css", '.a { background: image-set("x.txt" 1x) }'),
        ("A.CSS", ".a { background: url(x.txt) }"),
        ("a.css", ".a { background: url(/account/static/x.txt) }"),
        ("a.js", "import '.\\/x.txt'"),
        ("a.js", '"it\\"s"; import "./x.txt"'),
        ("manifest.json", '{"icons": [{"src": ".\\/x.txt"}]}'),
        ("a.js", "run(); //# sourceMappingURL=x.txt"),
        ("a.js", "  //@ sourceMappingURL=x.txt"),
        ("a.js", "/*# sourceMappingURL=x.txt */"),
        ("a.mjs", "//# sourceMappingURL=x.txt"),
        ("a.mjs", "run();\r\n//# sourceMappingURL=x.txt\r\n"),
        ("a.js", "run();\r\n  //# sourceMappingURL=x.txt\r\n"),
        ("a.vtt", "WEBVTT\n\n00:00.000 --> 00:05.000\nx.txt#xywh=0,0,160,90\n"),
        ("a.gltf", '{"buffers": [{"uri": "x.txt"}]}'),
        ("a.m3u8", '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="y.txt"\nx.txt\n'),
        ("a.m3u8", '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="x.txt"\n'),
        ("a.mpd", "<Period><BaseURL>x.txt</BaseURL></Period>"),
        ("a.obj", "mtllib x.txt\nv 0 0 0\n"),
        ("a.mtl", "newmtl m\nmap_Kd x.txt\n"),
        ("browserconfig.xml", '<square70x70logo src="x.txt"/>'),
    ],
)
def test_references_that_hashing_does_not_rewrite_are_found(name: str, text: str) -> None:
    assert needed({name: text.encode(), "x.txt": b"x", "z.txt": b"z"}) == {"x.txt"}


@pytest.mark.parametrize(
    ("name", "text", "target"),
    [
        ("manifest.json", r'{"src": "icons\/a.png"}', "icons/a.png"),
        ("manifest.json", r'{"src": "caf\u00e9.png"}', "caf\u00e9.png"),
        ("manifest.json", r'{"name": "a \"b\"", "src": "my icon.png"}', "my icon.png"),
        ("a.js", 'new Worker("my worker.js")', "my worker.js"),
        ("a.js", """import "./it's.js";""", "it's.js"),
        ("a.css", '.a { background: image-set("my pic.png" 1x) }', "my pic.png"),
        ("A.CSS", '.a { background: url("i (1).png") }', "i (1).png"),
        ("A.CSS", r".a { background: url(i\ 2.png) }", "i 2.png"),
    ],
)
def test_names_with_spaces_quotes_and_escapes_are_found(name: str, text: str, target: str) -> None:
    assert needed({name: text.encode(), target: b"x", "z.txt": b"z"}) == {target}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.css", ".a { background: url(x.txt) } @import 'x.txt';"),
        ("a.css", "/*# sourceMappingURL=x.txt */"),
        ("a.js", "run();\n//# sourceMappingURL=x.txt"),
        ("a.js", "const label = 'x.txt'"),
        ("a.svg", '<svg sodipodi:docname="x.txt"/>'),
        ("a.html", '<a href="https://example.com/x.txt">'),
        ("data.json", '{"a": "x.txt"}'),
        ("a.png", '"./x.txt"'),
    ],
)
def test_rewritten_references_and_other_texts_need_no_plain_file(name: str, text: str) -> None:
    assert needed({name: text.encode(), "x.txt": b"x"}) == set()


def test_the_targets_of_a_plain_file_are_published_under_plain_names_too() -> None:
    tree = {
        "page.html": b'<link href="css/a.css">',
        "css/a.css": b'@import "b.css";\n.a { background: url(../img/a.png) }',
        "css/b.css": b".b { background: url('../img/b.svg#x') }",
        "img/a.png": b"a",
        "img/b.svg": b'<svg><image href="c.png"/></svg>',
        "img/c.png": b"c",
        "img/d.png": b"d",
    }
    assert needed(tree) == tree.keys() - {"page.html", "img/d.png"}


def test_trees_of_style_sheets_need_none() -> None:
    assert needed(small_tree()) == set()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14),
    st.lists(st.sampled_from(["", "a/", "a/b/", "c/"]), min_size=8, max_size=8),
    st.lists(st.sampled_from(["js", "css", "html"]), min_size=8, max_size=8),
)
def test_from_any_hashed_file_a_browser_finds_all_that_it_asks_for(
    edges: list[tuple[int, int]], folders: list[str], suffixes: list[str]
) -> None:
    names = [f"{folder}f{n}.{suffixes[n]}" for n, folder in enumerate(folders)]
    written = {"js": 'import "{}";', "css": "@import url({});", "html": '<a href="{}">'}
    tree: Tree = {}
    for n, name in enumerate(names):
        # Style sheets import in one direction only, as circles cannot be named.
        targets = [to for start, to in edges if start == n and (suffixes[n] != "css" or to > n)]
        up = "./" + "../" * name.count("/")
        tree[name] = "\n".join(
            written[suffixes[n]].format(up + names[to]) for to in targets
        ).encode()
    with Folder(tree) as folder:
        made = folder.by_us()
        published = {
            **{hashed: content(file) for hashed, file in made.files.items()},
            **{name: tree[name] for name in made.needed},
        }
    for name, data in published.items():
        for url in re.findall(rb'["(](\./[^")]+)[")]', data):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), url.decode()))
            assert target in published, f"{name} asks for {target}"
