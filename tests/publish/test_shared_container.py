"""Sites that share a container, each with its own manifest, never lose each other's files."""

from __future__ import annotations

import json
import time
from fnmatch import fnmatchcase

import pytest
from azure.storage.blob import ContentSettings

from tests.faults import FaultProxy, Record, Rule
from tests.publish.conftest import MakeSite
from tests.publish.container import CACHE, HISTORY, MANIFEST, Container
from tests.publish.forked import Process
from tests.publish.site import Finished, Site
from tests.publish.trees import small_tree
from tests.publish.watching import blob, deletes, settle, until

OTHER = "other/staticfiles.json"
WAITING = "prunestatic is at work; waiting until it has ended."


@pytest.fixture
def sites(make_site: MakeSite, container: Container) -> tuple[Site, Site]:
    """Two sites in one container; neither has published."""
    one, other = make_site(container), make_site(container, manifest_name=OTHER)
    one.write({**small_tree(0), "one.css": b"p{}"})
    other.write({**small_tree(0), "other.css": b"p{color:red}"})
    return one, other


def names(container: Container, manifest: str = MANIFEST) -> set[str]:
    """The hashed names of the live manifest."""
    with container.client() as client:
        return set(json.loads(client.download_blob(manifest).readall())["paths"].values())


def records(container: Container, folder: str) -> set[str]:
    return {name for name in container.blobs() if name.startswith(f"{HISTORY}{folder}/20")}


def prune(site: Site) -> Finished:
    return site.manage("prunestatic", "--older-than", "0").well()


def store(container: Container, name: str, data: bytes) -> None:
    """Store a manifest like older versions of this library did, without its mark."""
    settings = ContentSettings(content_type="application/json", cache_control="no-cache")
    with container.client() as client:
        client.upload_blob(name, data, overwrite=True, content_settings=settings)


def as_of_an_older_version(container: Container) -> None:
    """Turn the manifests and the history into those of an older version."""
    with container.client() as client:
        for name in list(container.blobs()):
            if name.endswith(CACHE):
                client.delete_blob(name)
            elif name.startswith(HISTORY):
                store(container, HISTORY + name.rpartition("/")[2], container.get(name).raw)
                client.delete_blob(name)
            elif name in (MANIFEST, OTHER):
                store(container, name, container.get(name).raw)


def test_a_prune_deletes_old_files_of_its_own_site_only(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, other = sites
    other.publish().well()
    first_of_other = names(container, OTHER)
    one.publish().well()
    first_of_one = names(container)
    for site in sites:
        site.write(small_tree(1))
        site.publish().well()
    container.rest(2)
    theirs = records(container, OTHER)

    prune(one)
    there = container.blobs().keys()
    gone = first_of_one - there
    # The versions had all files in common except one each.
    assert {name.split(".")[0] for name in gone} == {"one"}
    assert names(container) | names(container, OTHER) | first_of_other <= there
    assert records(container, OTHER) == theirs and len(theirs) == 2
    assert len(records(container, MANIFEST)) == 1

    prune(other)
    there = container.blobs().keys()
    assert not (first_of_one | first_of_other) & there - names(container)
    assert names(container) | names(container, OTHER) <= there
    container.is_whole()


@pytest.mark.parametrize("pruned", [0, 1])
def test_shared_records_of_an_older_version_still_protect_their_files(
    sites: tuple[Site, Site], container: Container, pruned: int
) -> None:
    for version in (0, 1):
        for site in sites:
            site.write({**small_tree(version), "own.css": b"/* %s */" % site.folder.name.encode()})
            site.publish().well()
    as_of_an_older_version(container)
    before = container.blobs().keys()
    assert sum(name.startswith(HISTORY) for name in before) == 4
    # One of the sites publishes with this version, and records its live manifest.
    one = sites[pruned]
    own = (MANIFEST, OTHER)[pruned]
    live = names(container, own)
    one.write(small_tree(2))
    one.publish().well()
    taken_over, now = sorted(records(container, own))
    assert "-found" not in taken_over
    assert container.get(taken_over).raw != container.get(now).raw == container.get(own).raw
    said = one.manage("prunestatic", "--older-than", "1h").well()
    assert "\n0 files deleted" in said.out
    assert before <= container.blobs().keys()
    container.rest(2)
    prune(one)
    there = container.blobs().keys()
    assert names(container) | names(container, OTHER) <= there
    assert live - names(container) - names(container, OTHER) - there
    # The live files of the site that has not published since are known from its record.
    assert len([name for name in there if name.startswith(f"{HISTORY}20")]) == 1


def test_a_manifest_of_another_tool_protects_its_files_and_is_recorded(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, other = sites
    other.publish().well()
    foreign = container.get(OTHER).raw
    theirs = names(container, OTHER)
    for name in records(container, OTHER):
        container.delete(name)
    container.put(OTHER, foreign)  # like Django's own storage: no mark, no history
    for version in (1, 2):
        one.write(small_tree(version))
        one.publish().well()
    container.rest(2)
    said = prune(one).out
    # It is unknown which files that site had live before.
    assert f"The history of {OTHER} begins on 20" in said and "\n0 files deleted" in said
    [record] = records(container, OTHER)
    assert container.get(record).raw == foreign
    container.rest(2)
    assert "begins on" not in prune(one).out
    assert theirs | names(container) <= container.blobs().keys()
    assert len(records(container, MANIFEST)) == 1


def test_a_manifest_that_is_damaged_stops_a_prune_and_other_json_does_not(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, _ = sites
    for site in sites:
        site.publish().well()
    container.put("api.json", b'{"paths": {"/a": {"get": {}}}, "openapi": "3.1.0"}')
    container.put("empty.json", b"")
    container.rest(2)
    prune(one)
    container.put("third.json", b'{"paths": {"a.css": "a.0123')
    ended = one.manage("prunestatic", "--older-than", "0")
    assert ended.code == 1
    assert "third.json is no manifest of Django's. Nothing was deleted" in ended.err


def test_the_history_of_a_site_that_is_gone_protects_its_files_and_the_prune_says_so(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, _ = sites
    for site in sites:
        site.publish().well()
    theirs = names(container, OTHER)
    container.delete(OTHER)
    container.rest(2)
    said = prune(one).out
    assert f"There is no {OTHER} any more, and its history protects all that it names." in said
    assert f"delete the blobs below {HISTORY}{OTHER}/.\n" in said
    assert theirs <= container.blobs().keys()


# --- collectstatic --clear ------------------------------------------------------------------------


def test_clear_deletes_nothing_of_another_site(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, other = sites
    other.publish(keep_unhashed="all").well()
    one.write({**small_tree(0), "mine.css": b"a{}", "shared.css": b"b{}"})
    one.publish(keep_unhashed="all").well()
    other.write({**small_tree(0), "other.css": b"p{color:red}", "shared.css": b"b{}"})
    other.publish(keep_unhashed="all").well()
    container.put("by-hand.txt", b"of nobody")
    before = container.blobs().keys()
    one.write({"mine.css": b"a{}"})
    one.publish("--clear", keep_unhashed="all").well()  # the other site has the others
    assert before - container.blobs().keys() == set()
    one.write({"new.css": b"a{}"})
    said = one.publish("--clear", keep_unhashed="none").well().out
    assert f"Other sites publish into this container ({OTHER})" in said
    assert before - container.blobs().keys() == {"mine.css"}


@pytest.mark.parametrize("how", [("--no-post-process",), ()])
def test_clear_of_plain_names_keeps_the_manifest_that_is_live(
    site: Site, container: Container, how: tuple[str, ...]
) -> None:
    site.publish().well()
    before = container.get(MANIFEST).raw
    site.publish("--clear", *how, hashed_names=bool(how)).well()
    assert container.get(MANIFEST).raw == before
    container.is_whole()


def test_clear_waits_for_a_prune_and_a_publish_sends_again_what_it_deletes(
    sites: tuple[Site, Site], container: Container, proxy: FaultProxy
) -> None:
    one, other = sites
    other.publish(keep_unhashed="all").well()
    one.write({"mine.css": b"a{}", "notes.css": b"b{}"})
    one.publish(keep_unhashed="all").well()
    one.write({"notes.css": b"b{}"})
    other.write({"mine.css": b"a{}"})
    proxy.take()
    # The other site has listed mine.css; then it is cleared.
    proxy.rules = [Rule("PUT", f"*/{HISTORY}{OTHER}/*", first=1, delay=3000)]
    with other.start("collectstatic", "--noinput", keep_unhashed="all") as publishing:
        until(proxy, lambda seen: any(f"{HISTORY}{OTHER}" in r.path for r in seen))
        one.publish("--clear", keep_unhashed="all").well()
        out, err = publishing.communicate(timeout=60)
    assert (publishing.returncode, err) == (0, ""), out
    assert {blob(r) for r in proxy.requests if r.method == "DELETE"} == {"mine.css"}
    assert container.get("mine.css").body == b"a{}"


# --- Concurrently ---------------------------------------------------------------------------------


@pytest.fixture
def rollback(sites: tuple[Site, Site], container: Container) -> tuple[Site, Site]:
    """Version 1 of the first site is live, and the other is about to publish version 0, whose files
    all exist: the first site may delete them."""
    one, other = sites
    one.write(small_tree(0))
    one.publish().well()
    one.write(small_tree(1))
    one.publish().well()
    other.write(small_tree(0))
    container.rest(2)
    return one, other


@pytest.mark.parametrize("first_ever", [True, False])
def test_a_publish_that_relies_on_files_which_another_site_prunes_sends_them_again(
    rollback: tuple[Site, Site], container: Container, proxy: FaultProxy, first_ever: bool
) -> None:
    one, other = rollback
    if not first_ever:
        other.write({"only.css": b"a{}"})
        other.publish().well()
        other.write(small_tree(0))
    container.rest(2)
    proxy.take()
    # Delayed after the container was listed, until the prune has ended.
    held = "*/new.*.css" if first_ever else f"*/{HISTORY}{OTHER}/*"
    proxy.rules = [Rule("PUT", held, first=1, delay=4000)]
    other.write({**small_tree(0), "new.css": b"i{}"})
    with other.start("collectstatic", "--noinput") as publishing:
        until(proxy, lambda seen: any(fnmatchcase(r.path, held) for r in seen))
        pruned = prune(one)
        out, err = publishing.communicate(timeout=60)
    assert (publishing.returncode, err) == (0, ""), out + pruned.out
    there = container.blobs().keys()
    assert names(container, OTHER) | names(container) <= there
    deleted = {blob(r) for r in proxy.requests if r.method == "DELETE"}
    assert len(deleted & names(container, OTHER)) >= 9


def test_a_first_publish_waits_for_a_prune_of_another_site(
    rollback: tuple[Site, Site], container: Container, proxy: FaultProxy
) -> None:
    one, other = rollback
    proxy.take()
    proxy.rules = [Rule("DELETE", delay=2500)]
    with one.start("prunestatic", "--older-than", "0") as pruning:
        until(proxy, deletes)
        said = other.publish().well().out
        out, err = pruning.communicate(timeout=60)
    assert (pruning.returncode, err) == (0, ""), out
    assert WAITING in said
    assert names(container, OTHER) | names(container) <= container.blobs().keys()


def test_a_manifest_that_comes_while_the_others_are_leased_is_leased_too(
    rollback: tuple[Site, Site], container: Container, proxy: FaultProxy
) -> None:
    one, other = rollback
    proxy.take()

    def publish(record: Record) -> None:
        if record.comp == "lease":
            proxy.on_answer = None
            other_container = Site(other.folder, container, options=other.options)
            published.append(other_container.start("collectstatic", "--noinput"))
            time.sleep(0.1)

    published: list[Process] = []
    proxy.on_answer = publish
    prune(one)
    [publishing] = published
    with publishing:
        out, err = publishing.communicate(timeout=60)
    assert (publishing.returncode, err) == (0, ""), out
    settle(proxy)
    assert names(container, OTHER) | names(container) <= container.blobs().keys()


# --- Static files with the name of a manifest -----------------------------------------------------

TAKEN = "is not published under its own name: "


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ((), {"keep_unhashed": "all"}),
        (("--no-post-process",), {}),
        ((), {"hashed_names": False}),
        (("--clear",), {"keep_unhashed": "all"}),
    ],
)
def test_a_static_file_never_takes_the_place_of_a_manifest_or_of_the_history(
    sites: tuple[Site, Site],
    container: Container,
    flags: tuple[str, ...],
    options: dict[str, object],
) -> None:
    one, other = sites
    for site in sites:
        site.publish().well()
    manifests = {name: container.get(name).raw for name in (MANIFEST, OTHER)}
    history = {name for name in container.blobs() if name.startswith(HISTORY)}
    record = f"{HISTORY}{MANIFEST}/2020-01-01T00-00-00.000Z-0123456789ab.json"
    collected = {MANIFEST: b"{}", OTHER: b'{"paths": {}}', record: b"[]", "a.css": b"a{}"}
    one.write(collected)
    said = one.publish(*flags, **options).well()
    lines = [line for line in said.out.splitlines() if TAKEN in line]
    by_name = {line.split("'")[1]: line for line in lines}
    assert by_name.keys() == {MANIFEST, OTHER, record}
    assert "the site's manifest has that name. Rename the file, or leave " in by_name[MANIFEST]
    assert "another site's manifest has that name in this container." in by_name[OTHER]
    assert "the history of the manifests is in that folder." in by_name[record]
    assert container.get(OTHER).raw == manifests[OTHER]
    assert container.get("a.css").body == b"a{}"
    new = {name for name in container.blobs() if name.startswith(f"{HISTORY}{MANIFEST}/2020")}
    if flags == ("--no-post-process",) or "hashed_names" in options:
        assert container.get(MANIFEST).raw == manifests[MANIFEST]
        assert history == {name for name in container.blobs() if name.startswith(HISTORY)}
    else:  # their hashed copies are files like any other
        container.holds(one.expected())
        assert len(new) == 1 and record not in new
    container.rest(2)
    prune(other)
    container.is_whole()


def test_a_static_file_does_not_replace_a_manifest_of_an_older_version_either(
    sites: tuple[Site, Site], container: Container
) -> None:
    one, other = sites
    other.publish().well()
    as_of_an_older_version(container)
    before = container.get(OTHER).raw
    one.write({OTHER: b"{}", "data.json": b'{"paths": 1}'})
    assert f"'{OTHER}' {TAKEN}another site's" in one.publish(keep_unhashed="all").well().out
    assert container.get(OTHER).raw == before
    one.write({"data.json": b"{}"})
    assert TAKEN not in one.publish(keep_unhashed="all", cache_control="no-cache").well().out
    assert container.get("data.json").body == b"{}"
