"""The render cache in the container is only ever a matter of time: whatever is in it, a publish has
the bytes, the manifest, the output and the status that it has without it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from azureblob.publish import render_cache
from azureblob.publish.learned import (
    Details,
    Known,
    Learned,
    Rewritten,
    Scan,
    Scanned,
    Summary,
    serialized,
)
from azureblob.publish.manifest import cache_name
from azureblob.publish.render_cache import decode, encode
from azureblob.staticfiles import StaticBlobStorage
from localazure.azurite import Azurite
from tests.faults import FaultProxy, Record, Rule
from tests.publish.conftest import ACCOUNT, MakeSite
from tests.publish.container import MANIFEST, Container
from tests.publish.in_process import static_url
from tests.publish.site import Finished, Site
from tests.publish.trees import Tree, small_tree
from tests.publish.watching import blob, puts

CACHE = cache_name(MANIFEST)
SAID = "The render cache"


MISLEADING = """
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class Misleading(ManifestStaticFilesStorage):
    def hashed_name(self, name, content=None, filename=None):
        if name == "a.txt":
            return {!r}
        return super().hashed_name(name, content, filename)
"""


@dataclass(frozen=True)
class Reference:
    """A publish without a cache: how it ended, and the bytes of the live files by name."""

    ended: Finished
    files: dict[str, bytes]


def live(container: Container) -> dict[str, bytes]:
    """The live manifest and its files, as a visitor gets them."""
    with container.visitor() as visitor:
        names = [MANIFEST, *visitor.paths().values()]
        answers = {name: visitor.get(name) for name in names}
    assert all(answer.status == 200 for answer in answers.values())
    return {name: answer.body for name, answer in answers.items()}


def lines(text: str) -> list[str]:
    """The output without what is said about the cache. Files are sent in any order."""
    return sorted(line for line in text.splitlines() if SAID not in line)


def written(records: list[Record]) -> list[str]:
    """The blobs that were written, the cache and the records of the history included."""
    return [blob(record) for record in records if record.method == "PUT"]


Document = list[dict[str, Any]]


def document(container: Container) -> Document:
    """The summary and the details."""
    content = decode(container.get(CACHE).raw, container.key)
    return [json.loads(line) for line in content.split(b"\n")]


def store(container: Container, parts: Sequence[object], key: str = "") -> None:
    """Store a cache with a right signature, unless another key is given."""
    content = b"\n".join(json.dumps(part).encode() for part in parts)
    container.put(CACHE, encode(content, key or container.key))


# --- Requests -------------------------------------------------------------------------------------


def test_an_unchanged_publish_reads_the_cache_with_one_request_and_stores_nothing(
    site: Site, proxy: FaultProxy
) -> None:
    site.publish().well()
    assert written(proxy.take()).count(CACHE) == 1
    ended = site.publish().well()
    assert ended.counts == (0, 24, 24)
    assert [(record.method, blob(record)) for record in proxy.take()] == [
        ("GET", ""),
        ("GET", CACHE),
    ]


def test_the_cache_is_stored_after_the_manifest_and_only_if_it_changes(
    site: Site, proxy: FaultProxy
) -> None:
    site.publish().well()
    assert written(proxy.take())[-2:] == [MANIFEST, CACHE]
    site.publish(immutable="public, max-age=60").well()
    assert CACHE not in written(proxy.take())
    site.write(small_tree(1))
    site.publish().well()
    assert CACHE in written(proxy.take())


def test_with_a_name_that_needs_the_file_the_cache_is_not_stored_anew_either(
    site: Site, proxy: FaultProxy
) -> None:
    site.write({**small_tree(), "css/with space.css": b".a { background: url(../img/photo0.png) }"})
    site.publish().well()
    proxy.take()
    assert site.publish().well().counts == (0, 25, 25)
    assert written(proxy.take()) == []


def test_without_hashed_names_there_is_no_cache(site: Site, proxy: FaultProxy) -> None:
    site.publish(hashed_names=False).well()
    site.publish("--no-post-process").well()
    assert not [record for record in proxy.take() if blob(record) == CACHE]


def test_a_dry_run_stores_nothing(site: Site, proxy: FaultProxy, container: Container) -> None:
    site.publish("--dry-run").well()
    assert container.blobs() == {}
    site.publish().well()
    site.write(small_tree(1))
    before = container.get(CACHE).raw
    proxy.take()
    said = site.publish("--dry-run").well().out
    assert said == site.publish("--dry-run", "--no-cache").well().out
    assert written(proxy.take()) == []
    assert container.get(CACHE).raw == before


def test_no_cache_ignores_the_stored_one_and_replaces_it(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    right = container.get(CACHE).raw
    store(container, [{}, {}])
    proxy.take()
    ended = site.publish("--no-cache", "-v", "2").well()
    assert SAID not in ended.out
    assert [record.method for record in proxy.take()] == ["GET", "PUT"]
    assert container.get(CACHE).raw == right


def test_clear_sends_all_files_anew_with_their_right_bytes(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    before = live(container)
    cache = container.get(CACHE).raw
    proxy.take()
    assert site.publish("--clear").well().counts == (24, 0, 24)
    assert set(puts(proxy.take())) >= before.keys() - {MANIFEST}
    assert live(container) == before
    assert container.get(CACHE).raw == cache


def test_a_file_that_is_gone_from_the_container_is_rendered_and_sent(
    site: Site, container: Container
) -> None:
    site.publish().well()
    before = live(container)
    container.delete(container.paths()["css/site.css"])
    container.put(container.paths()["css/part3.css"], b"damaged")
    assert site.publish().well().counts == (2, 22, 24)
    assert live(container) == before


def test_a_prune_and_other_sites_leave_the_cache_alone(
    make_site: MakeSite, container: Container
) -> None:
    one = make_site(container)
    other = make_site(container, manifest_name="other.json")
    for site in (one, other):
        site.publish().well()
        site.write(small_tree(1))
        site.publish().well()
    names = {CACHE, cache_name("other.json")}
    before = {name: container.get(name).raw for name in names}
    container.rest(2)
    one.manage("prunestatic", "--older-than", "0").well()
    one.publish("--clear").well()
    assert {name: container.get(name).raw for name in names} == before
    assert other.publish().well().counts == (0, 24, 24)


def test_a_static_file_never_has_the_name_of_a_cache(site: Site, container: Container) -> None:
    site.write({**small_tree(), CACHE: b"a file", cache_name("other.json"): b"a file"})
    said = site.publish(keep_unhashed="all").well().out
    assert f"'{CACHE}' is not published under its own name: the history" in said
    assert decode(container.get(CACHE).raw, container.key)
    assert container.get(cache_name("other.json")).status == 404


def test_a_storage_of_the_sites_own_cannot_give_a_file_the_name_of_a_cache(
    make_site: MakeSite,
) -> None:
    site = make_site(manifest_storage="own_names.Misleading")
    (site.folder / "own_names.py").write_text(MISLEADING.format(CACHE))
    site.write({**small_tree(), "a.txt": b"a file"})
    said = site.publish().well().out
    assert f"'{CACHE}' is not published under its own name: the history" in said
    assert site.container.get(CACHE).status == 404


# --- A wrong cache --------------------------------------------------------------------------------

Damage = Callable[[Container], None]


def raw(change: Callable[[bytes], bytes]) -> Damage:
    return lambda container: container.put(CACHE, change(container.get(CACHE).raw))


def signed(change: Callable[[Document], Sequence[object]]) -> Damage:
    return lambda container: store(container, change(document(container)))


def flipped(data: bytes) -> bytes:
    return data[:50] + bytes([data[50] ^ 1]) + data[51:]


def with_results(found: Document, result: str) -> Document:
    """All results are this one, in both parts."""
    summary, details = found
    for entry in details["rewritten"].values():
        entry[1] = result
    summary["results"] = dict.fromkeys(details["rewritten"], result)
    return found


def rotated(found: Document) -> Document:
    """Each file has the result of the next, and those that refer to it have its wrong name."""
    summary, details = found
    entries = details["rewritten"]
    names = sorted(entries)
    results = [entries[name][1] for name in names]
    wrong = {}
    for name, result in zip(names, [*results[1:], results[0]], strict=True):
        entries[name][1] = summary["results"][name] = result
        stem, _, extension = name.rpartition(".")
        wrong[name] = f"{stem}.{result[:12]}.{extension}"
    for entry in entries.values():
        entry[2] = {key: wrong.get(key, hashed) for key, hashed in entry[2].items()}
    return found


DAMAGES: dict[str, Damage] = {
    "it is gone": lambda container: container.delete(CACHE),
    "it is empty": raw(lambda data: b""),
    "it is cut off": raw(lambda data: data[:-7]),
    "a part of the signature is all there is": raw(lambda data: data[:20]),
    "a bit of the signature is flipped": raw(lambda data: bytes([data[0] ^ 1]) + data[1:]),
    "a bit of the content is flipped": raw(flipped),
    "something is added": raw(lambda data: data + b"x"),
    "it is JSON": raw(lambda data: b'{"rewritten": {}}'),
    "it is a style sheet": raw(lambda data: b"p { color: red }" * 99),
    "it has another key": lambda container: store(container, document(container), "guessed"),
    "it is no object": signed(lambda found: [["results"], ["rewritten"]]),
    "it has one part": signed(lambda found: found[:1]),
    "it has three parts": signed(lambda found: [*found, found[1]]),
    "it lacks a value": signed(lambda found: [{**part, "unusual": None} for part in found]),
    "it has wrong types": signed(
        lambda found: [{**found[0], "results": 1}, {**found[1], "rewritten": {"css/site.css": 1}}]
    ),
    "its results are no digests": signed(lambda found: with_results(found, "../../etc/passwd")),
    "it has another fingerprint": signed(
        lambda found: [{**found[0], "fingerprint": "0" * 64}, found[1]]
    ),
    "it has no results": signed(
        lambda found: [{**found[0], "results": {}}, {**found[1], "rewritten": {}}]
    ),
    "its results are of no file": signed(lambda found: with_results(found, "0" * 32)),
    "its results are those of other files": signed(rotated),
    "it is as for an empty tree": signed(
        lambda found: [
            {**found[0], "tree": "", "results": {}, "aliased": [], "needed": []},
            {"rewritten": {}, "scanned": {}, "followed": {}, "unusual": []},
        ]
    ),
}


@pytest.fixture(scope="module")
def references(
    tmp_path_factory: pytest.TempPathFactory, blob_service: Azurite, account_key: str
) -> dict[str, Reference]:
    """Publishes without a cache: of a changed tree, and of an unchanged one with --clear."""
    container = Container(blob_service.port, ACCOUNT, account_key, "nocache")
    container.create()
    site = Site(tmp_path_factory.mktemp("reference"), container)
    site.write(small_tree())
    site.publish("--no-cache").well()
    cleared = Reference(site.publish("--no-cache", "-v2", "--clear").well(), live(container))
    site.write(small_tree(1))
    changed = Reference(site.publish("--no-cache", "-v2").well(), live(container))
    return {"--clear": cleared, "changed": changed}


@pytest.fixture
def reference(references: dict[str, Reference]) -> Reference:
    return references["changed"]


@pytest.mark.parametrize("how", ["changed", "--clear"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_with_a_wrong_cache_a_publish_is_as_without_it(
    site: Site, container: Container, references: dict[str, Reference], damage: str, how: str
) -> None:
    reference = references[how]
    site.publish().well()
    DAMAGES[damage](container)
    if how == "changed":
        site.write(small_tree(1))
    ended = site.publish("-v2", *(["--clear"] if how == "--clear" else [])).well()
    assert lines(ended.out) == lines(reference.ended.out)
    assert ended.err == reference.ended.err == ""
    assert live(container) == reference.files
    # The next publish has nothing to do.
    assert site.publish().well().counts == (0, 24, 24)


def test_why_a_cache_is_not_used_is_said_to_those_who_ask(site: Site, container: Container) -> None:
    site.publish().well()
    raw(flipped)(container)
    ended = site.publish("-v", "2").well()
    assert f"{SAID} is not used: it is damaged, or was stored with another key." in ended.out
    raw(flipped)(container)
    assert SAID not in site.publish().well().out


def test_a_cache_of_another_site_with_the_same_key_is_harmless(
    make_site: MakeSite, site: Site, container: Container, reference: Reference
) -> None:
    other = make_site()
    other.write({"css/site.css": b"p { }\n", "css/part1.css": small_tree()["css/part1.css"]})
    other.publish(missing_references="warn").well()
    site.publish().well()
    container.put(CACHE, other.container.get(CACHE).raw)
    site.write(small_tree(1))
    assert lines(site.publish("-v", "2").well().out) == lines(reference.ended.out)
    assert live(container) == reference.files


# --- Failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        Rule("PUT", f"*/{CACHE}", status=403),
        Rule("PUT", f"*/{CACHE}", status=503),
        Rule("PUT", f"*/{CACHE}", status=503, retry_after=3600),
        Rule("GET", f"*/{CACHE}", status=403),
        Rule("GET", f"*/{CACHE}", status=500),
        Rule("GET", f"*/{CACHE}", status=503, retry_after=3600),
        Rule("GET", f"*/{CACHE}", status=404, code="BlobNotFound"),
    ],
    ids=str,
)
def test_a_cache_that_cannot_be_read_or_stored_is_no_failure(
    site: Site, proxy: FaultProxy, container: Container, reference: Reference, rule: Rule
) -> None:
    site.publish(attempts=2).well()
    site.write(small_tree(1))
    proxy.rules = [rule]
    ended = site.publish("-v", "2", attempts=2).well()
    assert lines(ended.out) == lines(reference.ended.out)
    assert SAID in ended.out
    assert container.key not in ended.out
    assert ended.err == ""
    assert live(container) == reference.files
    proxy.rules = []
    assert site.publish().well().counts == (0, 24, 24)


def test_a_publish_that_was_killed_before_it_stored_the_cache_is_followed_by_a_right_one(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    old = container.get(CACHE).raw
    site.write(small_tree(1))
    site.publish().well()
    # As if it had been killed: the manifest is new and the cache old.
    container.put(CACHE, old)
    proxy.take()
    assert site.publish().well().counts == (0, 24, 24)
    assert written(proxy.take()) == [CACHE]
    container.holds(site.expected())


def test_what_is_wrong_with_the_files_is_reported_as_without_the_cache(
    site: Site, proxy: FaultProxy
) -> None:
    broken: Tree = {
        **small_tree(),
        "css/bad.css": b".a { background: url(none.png) }\n.b { background: url(no.png) }\n",
        "css/bad2.css": b'@import "bad.css";\n.a { background: url(none.png) }\n',
    }
    site.write(broken)
    first = site.publish(missing_references="warn").well()
    proxy.take()
    again = site.publish(missing_references="warn").well()
    assert again.err == first.err != ""
    refused = site.publish()
    assert (refused.code, refused.err) == (1, site.publish("--no-cache").err)
    assert puts(proxy.take()) == []


def test_another_key_of_the_account_or_another_secret_key_is_no_failure(
    site: Site, container: Container
) -> None:
    site.publish().well()
    store(container, document(container), "the account's key before it was rotated")
    assert site.publish().well().counts == (0, 24, 24)
    assert document(container)[1]["rewritten"]


# --- The signature --------------------------------------------------------------------------------

MISSING = ((1, "url(c.png)", "c.png"),)
LEARNED = Learned(
    Summary(
        "fingerprint",
        "tree",
        {"a.css": "1" * 32},
        ("b.png",),
        {"a.css": MISSING},
        frozenset({"d.js"}),
    ),
    Details(
        frozenset({"LICENSE"}),
        {
            "a.css": Rewritten(
                "0" * 32,
                "1" * 32,
                {"b.png": "b.0123456789ab.png", "c.png": None},
                {"b.png": "2" * 32, "x": "/", "c.png": ""},
                MISSING,
                Scan(("d.js",), (1, 2)),
            )
        },
        {"p.html": Scanned("3" * 32, Scan(("d.js",), ()))},
        {"d.js": Scanned("4" * 32, Scan())},
    ),
)


def read_back(content: bytes) -> Learned | None:
    known = Known(content)
    details = known.details()
    return details and Learned(known.summary, details)


def test_what_is_stored_is_read_back() -> None:
    assert read_back(decode(encode(serialized(LEARNED), "key"), "key")) == LEARNED


def test_a_change_of_any_byte_and_any_length_is_noticed() -> None:
    data = encode(serialized(LEARNED), "key")
    for at in range(len(data)):
        with pytest.raises(ValueError):
            decode(data[:at], "key")
        with pytest.raises(ValueError):
            decode(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :], "key")
    with pytest.raises(ValueError):
        decode(data + b"\0", "key")
    with pytest.raises(ValueError):
        decode(data, "another key")


@pytest.mark.parametrize(
    "compressed",
    [
        b"",
        b"not compressed",
        zlib.compress(b"{}"),
        2 * gzip.compress(b"{}"),
        gzip.compress(b"{}")[:-4],
    ],
    ids=["empty", "plain", "zlib", "two members", "cut off"],
)
def test_signed_bytes_that_are_not_one_gzip_member_are_refused(compressed: bytes) -> None:
    with pytest.raises(ValueError):
        decode(render_cache._mac(compressed, "key") + compressed, "key")


def test_a_bomb_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_cache, "_MAX_JSON_BYTES", 1000)
    assert decode(encode(b" " * 1000, "key"), "key") == b" " * 1000
    with pytest.raises(ValueError, match="too large"):
        decode(encode(b" " * 1001, "key"), "key")


def test_a_huge_blob_is_not_read(
    site: Site, proxy: FaultProxy, container: Container, reference: Reference
) -> None:
    site.publish().well()
    container.put(CACHE, bytes(32 * 1024 * 1024 + 1))
    site.write(small_tree(1))
    proxy.take()
    ended = site.publish("-v", "2").well()
    assert f"{SAID} is not used: it has the wrong size." in ended.out
    assert ("GET", CACHE) not in [(record.method, blob(record)) for record in proxy.take()]
    assert live(container) == reference.files


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_other_json_is_refused_or_understood(data: st.DataObject) -> None:
    parts: list[Any] = [json.loads(line) for line in serialized(LEARNED).split(b"\n")]
    part = parts[data.draw(st.integers(0, 1))]
    place: Any = data.draw(st.sampled_from(sorted(part)))
    while isinstance(part[place], (dict, list)) and part[place] and data.draw(st.booleans()):
        part = part[place]
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        place = data.draw(st.sampled_from(keys))
    part[place] = data.draw(_JSON)
    content = b"\n".join(json.dumps(part).encode() for part in parts)
    try:
        understood = read_back(content)
    except ValueError as error:
        assert str(error) == "it has another shape"
    else:
        assert understood is None or read_back(serialized(understood)) == understood


@pytest.mark.parametrize("wrong", ["", "0" * 31, "0" * 33, "A" * 32, "../../etc/passwd", 1, None])
def test_a_result_that_is_no_digest_is_refused(wrong: Any) -> None:
    summary, details = (json.loads(line) for line in serialized(LEARNED).split(b"\n"))
    details["rewritten"]["a.css"][1] = wrong
    known = Known(b"\n".join(json.dumps(part).encode() for part in (summary, details)))
    assert known.details() is None
    summary["results"]["a.css"] = wrong
    with pytest.raises(ValueError, match="another shape"):
        Known(json.dumps(summary).encode())


@pytest.mark.parametrize("content", [b"[" * 100_000, b"1" * 10_000, b"\xff", b"null", b"{}"])
def test_odd_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="another shape"):
        Known(content)
    summary = serialized(LEARNED).partition(b"\n")[0]
    said: list[str] = []
    assert Known(summary + b"\n" + content, said.append).details() is None
    assert said == ["it has another shape"]


def test_without_an_account_key_the_secret_key_signs() -> None:
    given = {"account_name": "a", "blob_endpoint": "https://a.example/"}
    with static_url():
        with_key = StaticBlobStorage(**given, account_key="a2V5")
        with_identity = StaticBlobStorage(**given, account_key="", auth_mode="identity")
        assert render_cache._key(with_key) == "a2V5"
        # Django raises an error for an empty one. Then there is no cache.
        assert render_cache._key(with_identity) == ""
        django_settings.SECRET_KEY = "a secret"
        assert render_cache._key(with_identity) == "a secret"
