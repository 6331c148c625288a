"""The headers of each blob: by its type, by the options, and as stored."""

from __future__ import annotations

import gzip
import hashlib
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureblob.publish.headers import (
    IMMUTABLE,
    SETTABLE,
    SHORT,
    HeaderRules,
)
from tests.publish.conftest import MakeSite
from tests.publish.container import MANIFEST, Container
from tests.publish.site import Site
from tests.publish.trees import noise, rules

TEXT = rules(1)


def digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


# --- By type --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type", "compressible"),
    [
        ("a/site.css", "text/css; charset=utf-8", True),
        ("a/app.js", "text/javascript; charset=utf-8", True),
        ("a/app.mjs", "text/javascript; charset=utf-8", True),
        ("app.js.map", "application/json", True),
        ("data.json", "application/json", True),
        ("page.html", "text/html; charset=utf-8", True),
        ("notes.txt", "text/plain; charset=utf-8", True),
        ("README.md", "text/markdown; charset=utf-8", True),
        ("table.csv", "text/csv; charset=utf-8", True),
        ("feed.xml", "text/xml; charset=utf-8", True),
        ("icon.svg", "image/svg+xml", True),
        ("site.webmanifest", "application/manifest+json", True),
        ("lib.wasm", "application/wasm", True),
        ("f.ttf", "font/ttf", True),
        ("f.otf", "font/otf", True),
        ("f.eot", "application/vnd.ms-fontobject", True),
        ("f.woff", "font/woff", False),
        ("f.woff2", "font/woff2", False),
        ("p.png", "image/png", False),
        ("p.jpg", "image/jpeg", False),
        ("p.webp", "image/webp", False),
        ("p.avif", "image/avif", False),
        ("v.mp4", "video/mp4", False),
        ("d.pdf", "application/pdf", False),
        ("favicon.ico", "image/x-icon", False),
        ("x.tar.gz", "application/gzip", False),
        ("x.css.gz", "application/gzip", False),
        ("x.svgz", "image/svg+xml", True),
        ("X.SVGZ", "image/svg+xml", True),
        ("x.tar.bz2", "application/x-bzip2", False),
        ("x.zip", "application/zip", False),
        ("no-extension", "application/octet-stream", False),
        ("x.unheard-of", "application/octet-stream", False),
        ("SITE.CSS", "text/css; charset=utf-8", True),
        ("a.b/c", "application/octet-stream", False),
    ],
)
def test_the_type_follows_from_the_name_and_says_whether_a_file_is_compressed(
    name: str, content_type: str, compressible: bool
) -> None:
    headers = HeaderRules().of(name, hashed=False)
    assert headers.content_type == content_type
    assert headers.compressible == compressible


_NAMES = st.tuples(
    st.sampled_from(["", "css/", "a/b/"]),
    st.text("abcdef-", min_size=1, max_size=6),
    st.sampled_from([".css", ".js", ".png", ".txt", ".tar.gz", ""]),
)
_GLOBS = st.sampled_from(
    ["*", "*.css", "css/*", "*.png", "a/*/c", "?*.js", "a/b/[ab]*", "*.tar.gz"]
)
_VALUES = st.dictionaries(st.sampled_from(SETTABLE), st.text("abc=/", min_size=1, max_size=5))


@given(_NAMES, st.booleans(), st.dictionaries(_GLOBS, _VALUES, max_size=4))
def test_each_header_is_that_of_the_last_glob_that_matches_and_sets_it(
    parts: tuple[str, str, str], hashed: bool, overrides: dict[str, dict[str, str]]
) -> None:
    folder, root, suffix = parts
    plain = folder + root + suffix
    name = f"{folder}{root}.0123456789ab{suffix}" if hashed else plain
    found = HeaderRules(overrides=overrides).of(name, hashed=hashed, plain_name=plain)
    default = HeaderRules().of(plain, hashed=hashed)
    assert default.cache_control == (IMMUTABLE if hashed else SHORT)
    for header, got, fallback in (
        ("Content-Type", found.content_type, default.content_type),
        ("Cache-Control", found.cache_control, default.cache_control),
        ("Content-Language", found.content_language, ""),
        ("Content-Disposition", found.content_disposition, ""),
        ("Content-Encoding", found.content_encoding, ""),
    ):
        set_by = [
            values[header]
            for glob, values in overrides.items()
            if header in values and (fnmatchcase(name, glob) or fnmatchcase(plain, glob))
        ]
        assert got == (set_by[-1] if set_by else fallback)


@given(_NAMES, st.booleans())
def test_only_text_has_a_charset(parts: tuple[str, str, str], hashed: bool) -> None:
    kind = HeaderRules().of("".join(parts), hashed=hashed).content_type
    assert kind.startswith("text/") == kind.endswith("; charset=utf-8")


# --- As stored ------------------------------------------------------------------------------------


def test_blobs_are_stored_with_type_cache_time_encoding_and_digest(
    site: Site, container: Container
) -> None:
    # Over 256 KiB a body is compressed into a file, and not in memory.
    large = {"big/large.css": rules(5, 9000), "big/large.txt": noise("large", 400_000)}
    tree = {
        "site.css": TEXT,
        "short.css": b"p{}",
        "noise.txt": noise("n", 3000),
        "p.png": b"0" * 5000,
        "x.tar.gz": gzip.compress(TEXT),
        "empty.css": b"",
        "data.json": b'{"a": 1}' * 200,
        **large,
    }
    assert len(large["big/large.css"]) > 512 * 1024
    site.write(tree)
    site.publish().well()
    blobs = container.blobs()
    paths = container.paths()
    encodings = {"site.css": "gzip", "data.json": "gzip", "big/large.css": "gzip"}
    types = {
        "p.png": "image/png",
        "x.tar.gz": "application/gzip",
        "data.json": "application/json",
        "noise.txt": "text/plain; charset=utf-8",
        "big/large.txt": "text/plain; charset=utf-8",
    }
    for name, source in tree.items():
        blob = blobs[paths[name]].content_settings
        answer = container.get(paths[name])
        assert blob.cache_control == IMMUTABLE, name
        assert (blob.content_encoding or "") == encodings.get(name, ""), name
        assert blob.content_type == types.get(name, "text/css; charset=utf-8"), name
        assert bytes(blob.content_md5 or b"") == digest(answer.raw), name
        assert answer.body == source, name
        assert answer.headers["content-type"] == blob.content_type
        assert answer.headers.get("content-encoding", "") == encodings.get(name, "")
        assert len(answer.raw) <= len(source)
    assert container.get(paths["big/large.css"]).raw[:2] == b"\x1f\x8b"
    manifest = blobs[MANIFEST].content_settings
    assert (manifest.cache_control, manifest.content_type) == ("no-cache", "application/json")


def test_options_set_headers_and_switch_packing_off(make_site: MakeSite) -> None:
    site = make_site(
        hashed_names=False,
        gzip=False,
        cache_control="public, max-age=60",
        headers={
            "*": {"Content-Language": "en"},
            "css/*": {"Cache-Control": "no-cache"},
            "css/part1.css": {"Content-Type": "text/plain", "Content-Disposition": "attachment"},
        },
    )
    site.publish().well()
    blobs = {name: blob.content_settings for name, blob in site.container.blobs().items()}
    assert {blob.content_encoding or "" for blob in blobs.values()} == {""}
    assert {blob.content_language for blob in blobs.values()} == {"en"}
    assert blobs["img/photo0.png"].cache_control == "public, max-age=60"
    assert blobs["css/part0.css"].cache_control == "no-cache"
    assert blobs["css/part1.css"].content_type == "text/plain"
    assert blobs["css/part1.css"].content_disposition == "attachment"
    assert blobs["css/part0.css"].content_type == "text/css; charset=utf-8"


def test_a_compressed_svg_is_a_picture_with_its_encoding_and_sent_as_it_is(
    site: Site, container: Container
) -> None:
    picture = gzip.compress(b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 50, mtime=0)
    site.write({"icons/logo.svgz": picture})
    site.publish().well()
    hashed = container.paths()["icons/logo.svgz"]
    answer = container.get(hashed)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.raw == picture
    assert site.publish().well().counts[0] == 0


def test_a_svgz_that_is_not_compressed_is_sent_as_the_plain_svg_that_it_is(
    site: Site, container: Container
) -> None:
    picture = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    site.write({"icons/template.svgz": picture})
    site.publish().well()
    answer = container.get(container.paths()["icons/template.svgz"])
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "content-encoding" not in answer.headers
    assert answer.raw == picture
    assert site.publish().well().counts[0] == 0


def test_the_encoding_of_files_that_are_encoded_already_is_an_option(
    site: Site, container: Container
) -> None:
    wasm = gzip.compress(b"\0asm" * 500, mtime=0)
    site.write({"game/build.wasm.gz": wasm, "game/build.data": b"x" * 4000})
    encoded = {"game/*.wasm.gz": {"Content-Type": "application/wasm", "Content-Encoding": "gzip"}}

    def stored() -> tuple[str, str, bytes]:
        answer = container.get(container.paths()["game/build.wasm.gz"])
        assert answer.raw == wasm
        return answer.headers["content-type"], answer.headers.get("content-encoding", ""), wasm

    site.publish(headers=encoded).well()
    assert stored() == ("application/wasm", "gzip", wasm)
    assert site.publish(headers=encoded).well().counts[0] == 0
    # Without the option it is an archive again, and with it the headers alone are set.
    site.publish().well()
    assert stored() == ("application/gzip", "", wasm)
    ended = site.publish("-v", "2", headers=encoded).well()
    assert "no Content-Encoding" in ended.out
    assert stored() == ("application/wasm", "gzip", wasm)


def test_hashed_names_and_plain_ones_have_cache_times_of_their_own(make_site: MakeSite) -> None:
    site = make_site(keep_unhashed="all", immutable="public, max-age=99, immutable")
    site.publish().well()
    blobs = site.container.blobs()
    for name, hashed in site.container.paths().items():
        assert blobs[name].content_settings.cache_control == SHORT
        assert blobs[hashed].content_settings.cache_control == "public, max-age=99, immutable"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"headers": {"*": {"X-Frame": "no"}}},
            "headers['*'] sets 'X-Frame': it must be one of Cache-Control",
        ),
        (
            {"cache_control": "a\r\nX-Evil: 1"},
            "cache_control is 'a\\r\\nX-Evil: 1': it must be printable ASCII",
        ),
        ({"headers": {"*": {"Content-Language": "\u00fc"}}}, "printable ASCII"),
        (
            {"headers": {"*": {"Content-Encoding": "zip"}}},
            "headers['*'] sets Content-Encoding to 'zip': it must be one of gzip, ",
        ),
        ({"keep_unhashed": "some"}, "keep_unhashed is 'some': it must be one of all, needed, none"),
        ({"missing_references": "no"}, "missing_references is 'no': it must be one of error, warn"),
        (
            {"connections": 0, "attempts": "6"},
            "attempts is '6': it must be a whole number",
        ),
        ({"no_such_option": 1}, "no_such_option"),
    ],
)
def test_invalid_options_are_refused_by_name(
    site: Site, options: dict[str, object], message: str
) -> None:
    ended = site.publish(**options)
    assert ended.code == 1
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert site.container.key not in ended.err + ended.out
