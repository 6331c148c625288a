"""prunestatic deletes hashed files that no page can use any more, and nothing else."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest
from azure.storage.blob import BlobLeaseClient
from hypothesis import given
from hypothesis import strategies as st

from azureblob.publish.manifest import HISTORY, SHARED
from azureblob.publish.manifest import records as records_of
from azureblob.publish.prune import Live, Verdict, verdict
from azureblob.rest.models import RemoteBlob
from tests.faults import Fault, FaultProxy, Record, Rule
from tests.publish.container import CACHE, MANIFEST, Container
from tests.publish.site import Finished, Site
from tests.publish.trees import noise, small_tree
from tests.publish.watching import Watcher, blob, deletes, kill_at, settle, until

# Blobs and records have times in whole seconds, and a record counts a second longer.
LONG_AGO = 2
# Between two versions that a span has to distinguish, as a command may be slow to start.
APART = 4


def since(container: Container, record: int) -> str:
    """A span that begins just after that record of the history (-1 is the last)."""
    times = sorted(
        there.last_modified for name, there in container.blobs().items() if name.startswith(HISTORY)
    )
    # The command begins later than this, so its span never begins too early.
    return f"{max(int(time.time()) - int(times[record].timestamp()) - LONG_AGO, 0)}s"


def publish(site: Site, version: int) -> frozenset[str]:
    """Publish a version, and return its hashed names."""
    site.write(small_tree(version))
    site.publish().well()
    return frozenset(site.container.paths().values())


def refused(finished: Finished) -> str:
    assert finished.code == 1, finished
    assert "Traceback" not in finished.err
    assert finished.err.startswith("CommandError: ") and finished.err.count("\n") == 1
    return finished.err


def hashed(container: Container) -> set[str]:
    return {name for name in container.blobs() if "/" in name and not name.startswith(HISTORY)}


def records(container: Container) -> list[str]:
    return [
        name for name in container.blobs() if name.startswith(HISTORY) and not name.endswith(CACHE)
    ]


# --- What is deleted and what stays ---------------------------------------------------------------


def test_it_deletes_hashed_files_that_no_recent_manifest_names_and_their_history(
    site: Site, container: Container
) -> None:
    first = publish(site, 0)
    second = publish(site, 1)
    container.put("uploads/by-hand.png", noise("hand", 300))
    container.put("uploads/looks.0123456789ab.png", noise("looks", 300))  # no digest of its own
    container.rest(APART)
    third = publish(site, 2)
    before = container.blobs().keys()
    assert len(first | second | third) == 24 + 9 + 9

    # A dry run names the files, and deletes none.
    span = since(container, 1)
    shown = site.manage("prunestatic", "--older-than", span, "--dry-run").well().out
    assert shown.count("Pretending to delete ") == 9 + 1
    for name in first - second - third:
        assert f"Pretending to delete '{name}'\n" in shown
    assert "\n10 files would be deleted (0.0 MB).\n" in shown
    assert container.blobs().keys() == before

    # The second version was live until just now: its files stay, and so does its record.
    span = since(container, 1)
    done = site.manage("prunestatic", "--older-than", span, "-v", "2").well().out
    gone = before - container.blobs().keys()
    assert {name for name in gone if not name.startswith(HISTORY)} == first - second - third
    assert all(f"Deleted '{name}'\n" in done for name in gone)
    assert f"\n{len(gone)} files deleted" in done
    assert len(records(container)) == 2
    container.holds(site.expected())

    # Now it is old too.
    container.rest(LONG_AGO)
    site.manage("prunestatic", "--older-than", "0").well()
    assert hashed(container) - {"uploads/by-hand.png", "uploads/looks.0123456789ab.png"} == third
    assert {"uploads/by-hand.png", "uploads/looks.0123456789ab.png"} <= container.blobs().keys()
    assert len(records(container)) == 1
    container.holds(site.expected())

    # Nothing is left to delete, whatever the span; a later publish finds all of its files.
    again = site.manage("prunestatic", "--older-than", "0").well()
    assert "\n0 files deleted (0.0 MB).\n" in again.out
    container.holds(site.expected())
    assert site.publish().well().counts[:2] == (0, 24)


def test_a_version_that_came_back_is_as_recent_as_its_return(
    site: Site, container: Container
) -> None:
    first = publish(site, 0)
    second = publish(site, 1)
    third = publish(site, 2)
    container.rest(APART)
    publish(site, 0)
    fourth = publish(site, 3)
    site.manage("prunestatic", "--older-than", since(container, 2)).well()
    # Version 2 ended when the first returned.
    assert first | third | fourth <= hashed(container)
    assert not hashed(container) & (second - first - third - fourth)


def test_files_that_were_live_until_now_stay_although_a_publish_was_interrupted_long_ago(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    """The record of the interrupted one never was live, so it does not end the live one's time."""
    first = publish(site, 0)
    proxy.rules = [Rule("PUT", "*/staticfiles.json", status=403, code="Refused")]
    site.write(small_tree(1))
    assert site.publish().code == 1
    proxy.rules = ()
    assert len(records(container)) == 2
    container.rest(APART)
    second = publish(site, 2)
    span = since(container, 1)
    site.manage("prunestatic", "--older-than", span).well()
    assert first | second <= hashed(container)


def test_a_manifest_of_another_tool_is_recorded_when_it_is_replaced(
    site: Site, container: Container
) -> None:
    first = publish(site, 0)
    old = container.get(MANIFEST).raw
    for name in records(container):
        container.delete(name)
    second = publish(site, 1)
    recorded = [container.get(name).raw for name in sorted(records(container))]
    assert recorded == [old, container.get(MANIFEST).raw]
    site.manage("prunestatic", "--older-than", "1h").well()
    assert hashed(container) == first | second


def test_with_too_short_a_history_nothing_is_deleted_and_the_prune_says_until_when(
    site: Site, container: Container
) -> None:
    publish(site, 0)
    publish(site, 1)
    before = container.blobs().keys()
    said = site.manage("prunestatic").well().out
    assert "The history of staticfiles.json begins on 20" in said
    assert "so nothing can be deleted before 20" in said
    assert "\n0 files deleted" in said
    assert container.blobs().keys() == before


# --- What it refuses ------------------------------------------------------------------------------


def test_without_a_manifest_or_with_a_broken_one_nothing_is_deleted(
    site: Site, container: Container
) -> None:
    said = refused(site.manage("prunestatic", "--older-than", "0"))
    assert "There is no staticfiles.json in the container, so it is not known which files" in said
    publish(site, 0)
    publish(site, 1)
    container.rest(LONG_AGO)
    old = container.get(MANIFEST).raw
    names = hashed(container)
    for broken in (b"", b"{", b"[]", b'{"paths": []}', b'{"version": "1.1"}', b"\xff\xfe"):
        container.put(MANIFEST, broken)
        said = refused(site.manage("prunestatic", "--older-than", "0"))
        assert "staticfiles.json is no manifest of Django's. Nothing was deleted. Run " in said
    container.put(MANIFEST, old)
    container.put(f"{HISTORY}2020-01-01T00-00-00Z-0123456789ab.json", b"{}")
    said = refused(site.manage("prunestatic", "--older-than", "0", "--dry-run"))
    assert "2020-01-01T00-00-00Z-0123456789ab.json is no manifest of Django's, so it is" in said
    container.delete(MANIFEST)
    assert "There is no staticfiles.json" in refused(site.manage("prunestatic", "--dry-run"))
    assert hashed(container) == names


@pytest.mark.parametrize("span", ["", "30", "3 weeks", "-1d", "1.5h", "30D", "d", "1d2h"])
def test_an_invalid_span_is_refused_with_examples(site: Site, span: str) -> None:
    finished = site.manage("prunestatic", f"--older-than={span}")
    assert finished.code == 2
    assert f"{span!r} is no span of time: 30d, 12h, 45m, 90s or 0" in finished.err
    assert "Traceback" not in finished.err


def test_a_span_of_ages_is_no_crash(site: Site, container: Container) -> None:
    publish(site, 0)
    finished = site.manage("prunestatic", "--older-than", "99999999999999999999d")
    assert finished.code == 2
    assert "is longer than a hundred years" in finished.err and "Traceback" not in finished.err
    site.manage("prunestatic", "--older-than", "36500d").well()
    container.holds(site.expected())


def test_a_storage_without_hashed_names_has_nothing_to_prune(site: Site, proxy: FaultProxy) -> None:
    said = refused(site.manage("prunestatic", hashed_names=False))
    assert "has no hashed names, so there is nothing to prune" in said
    assert proxy.requests == []


def test_a_wrong_key_is_reported_in_a_sentence_without_it(site: Site) -> None:
    publish(site, 0)
    site.settings["AZURE_ACCOUNT_KEY"] = wrong = "QUJD" * 20
    for flags in ((), ("--dry-run",)):
        said = refused(site.manage("prunestatic", *flags))
        assert "AuthorizationFailure" in said and wrong not in said  # Azurite's code


# --- Failures -------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(site: Site) -> Site:
    """Version 1 is live; nine files of version 0 are obsolete."""
    publish(site, 0)
    publish(site, 1)
    site.container.rest(LONG_AGO)
    return site


def gone(site: Site) -> bool:
    """Whether only the live version is left."""
    site.container.holds(site.expected())
    return hashed(site.container) == set(site.container.paths().values())


@pytest.mark.parametrize("rule", [Rule(fault=Fault.LOST, first=1), Rule(status=503, first=1)])
def test_a_prune_whose_every_request_fails_once_deletes_and_counts_everything(
    two_versions: Site, proxy: FaultProxy, rule: Rule
) -> None:
    proxy.rules = [rule]
    done = two_versions.manage("prunestatic", "--older-than", "0").well()
    assert "\n10 files deleted" in done.out  # nine, and the record
    assert gone(two_versions)


def test_a_prune_waits_as_long_as_the_account_asks(two_versions: Site, proxy: FaultProxy) -> None:
    proxy.take()
    proxy.rules = [Rule("DELETE", "*/img/photo1*", first=1, status=429, retry_after=1)]
    two_versions.manage("prunestatic", "--older-than", "0", connections=1).well()
    deletes = [r for r in proxy.take() if r.method == "DELETE"]
    [asked] = [r for r in deletes if r.status == 429]
    later = [r.started - asked.started - asked.seconds for r in deletes if r.number > asked.number]
    assert later and min(later) >= 0.95
    assert gone(two_versions)


def test_a_blob_that_cannot_be_deleted_is_reported_and_the_others_are_deleted(
    two_versions: Site, proxy: FaultProxy
) -> None:
    proxy.take()
    code = "BlobImmutableDueToPolicy"
    proxy.rules = [Rule("DELETE", "*/img/photo1*", status=409, code=code)]
    said = refused(two_versions.manage("prunestatic", "--older-than", "0"))
    assert "1 blobs could not be deleted, img/photo1." in said
    assert "BlobImmutableDueToPolicy (status 409)" in said
    assert sum(r.method == "DELETE" for r in proxy.take()) == 10
    proxy.rules = ()
    two_versions.manage("prunestatic", "--older-than", "0").well()
    assert gone(two_versions)


def test_a_file_that_was_written_again_since_it_was_listed_stays(
    two_versions: Site, proxy: FaultProxy, container: Container
) -> None:
    doomed = next(
        name
        for name in hashed(container) - set(container.paths().values())
        if name.startswith("img/photo1.")
    )
    body = container.get(doomed).body

    def write_again(record: Record) -> None:
        """After the list, and just before the service receives the DELETE."""
        if record.method == "DELETE" and blob(record) == doomed:
            proxy.on_request = None
            container.put(doomed, body)

    proxy.on_request = write_again
    done = two_versions.manage("prunestatic", "--older-than", "0").well()
    assert [r.status for r in proxy.take() if blob(r) == doomed][1:] == [412]  # the PUT came first
    assert container.get(doomed).body == body
    assert "\n9 files deleted" in done.out  # eight, and the record


def test_a_batch_that_takes_long_finds_its_leases_renewed(
    two_versions: Site, proxy: FaultProxy
) -> None:
    """A lease lasts 60 s, and is renewed before a batch when 20 s have passed."""
    script = """
import sys, time
from azureblob.publish import lease
lease._RENEW_AFTER_SECONDS = -1  # as if that time had passed
from django.core.management import call_command
call_command("prunestatic", "--older-than", "0")
"""
    proxy.take()
    two_versions.run(script, connections=4).well()
    actions = [r for r in proxy.take() if r.comp == "lease" or r.method == "DELETE"]
    first = next(n for n, r in enumerate(actions) if r.method == "DELETE")
    # Acquired, renewed before each of the three batches, and released.
    assert [r.comp for r in actions[:first]] == ["lease", "lease"]
    assert sum(r.comp == "lease" for r in actions) == 1 + 3 + 1
    assert actions[-1].comp == "lease"


def test_a_prune_that_has_lost_its_lease_stops(
    two_versions: Site, proxy: FaultProxy, container: Container
) -> None:
    script = """
from azureblob.publish import lease
lease._RENEW_AFTER_SECONDS = -1
from django.core.management import call_command
call_command("prunestatic", "--older-than", "0")
"""

    def take(record: Record) -> None:
        if record.method == "DELETE":
            proxy.on_request = None
            with container.client() as client:
                BlobLeaseClient(client.get_blob_client(MANIFEST)).break_lease(lease_break_period=0)

    proxy.take()
    proxy.on_request = take
    ended = two_versions.run(script, connections=1)
    assert ended.code == 1 and "Lease" in ended.err
    assert sum(r.method == "DELETE" for r in proxy.take()) == 1


def test_a_killed_prune_leaves_a_lease_which_the_next_one_names_and_a_publish_sits_out(
    two_versions: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.take()
    with (
        Watcher(container) as watcher,
        two_versions.start("prunestatic", "--older-than", "0", connections=1) as process,
    ):
        until(proxy, deletes)
        kill_at(process, proxy, 0)
    # The files that the watcher read were live, and still exist.
    watcher.saw_no_failure()
    container.is_whole()
    said = refused(two_versions.manage("prunestatic", "--older-than", "0"))
    assert "holds staticfiles.json, or was killed less than a minute ago." in said

    proxy.take()
    two_versions.write(small_tree(0))
    with two_versions.start("collectstatic", "--noinput") as process:
        until(proxy, lambda records: sum(r.comp == "list" for r in records) > 1)
        with container.client() as client:
            # Instead of waiting for a minute.
            BlobLeaseClient(client.get_blob_client(MANIFEST)).break_lease(lease_break_period=0)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("prunestatic is at work; waiting until it has ended.\n")
    container.holds(two_versions.expected())


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_prune_that_is_asked_to_stop_says_so_and_gives_its_lease_back(
    two_versions: Site, proxy: FaultProxy, sign: signal.Signals
) -> None:
    proxy.take()
    proxy.rules = [Rule("DELETE", "*", delay=300)]
    with two_versions.start("prunestatic", "--older-than", "0", connections=1) as process:
        until(proxy, deletes)
        process.send_signal(sign)
        _, err = process.communicate(timeout=60)
    proxy.rules = ()
    assert process.returncode == 128 + sign
    assert err == (
        "CommandError: Interrupted. What was deleted is gone; the next run deletes the rest.\n"
    )
    settle(proxy)
    two_versions.manage("prunestatic", "--older-than", "0").well()
    assert gone(two_versions)


# --- Any history ----------------------------------------------------------------------------------


@dataclass
class Version:
    """What a site's manifest named since `began` (seconds); `shared`: recorded like older versions
    of the library did."""

    began: int
    names: frozenset[str]
    shared: bool = False


@dataclass
class World:
    """A container over a long time, into which sites publish, each with its own manifest.
    `seconds` is the current time; `cuts` is the time up to which each site has pruned."""

    seconds: int = 1_000_000
    blobs: dict[str, RemoteBlob] = field(default_factory=dict)
    named: dict[str, frozenset[str]] = field(default_factory=dict)
    live: dict[str, list[Version]] = field(default_factory=dict)
    cuts: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, digest: str = "") -> None:
        when = formatdate(self.seconds, usegmt=True)
        blob = RemoteBlob("e", 1, last_modified=when, metadata={"md5": digest})
        self.blobs.setdefault(name, blob)

    def publish(
        self,
        files: frozenset[int],
        *,
        own: str = MANIFEST,
        cut_off: bool = False,
        shared: bool = False,
    ) -> None:
        """`cut_off`: the publish is interrupted between its record and its manifest."""
        names = frozenset(f"f.{number:012x}.css" for number in files)
        for name in names:
            self.put(name, name.split(".")[1])
        versions = self.live.setdefault(own, [])
        folder = SHARED if shared else own
        histories = records_of(self.blobs)
        listed = histories.get(folder, [])
        if versions and (not listed or self.named[listed[-1].name] != versions[-1].names):
            recorded = [self.named[r.name] for r in [*listed, *histories.get(SHARED, [])]]
            found = versions[-1].names not in recorded and not shared
            self.record(folder, versions[-1].names, found=found)
        self.record(folder, names)
        if not cut_off:
            versions.append(Version(self.seconds, names, shared))

    def record(self, folder: str, names: frozenset[str], *, found: bool = False) -> None:
        moment = f"2026-01-01T00-00-{len(self.named):06}Z-0123456789ab"
        name = f"{HISTORY}{folder}{'/' * bool(folder)}{moment}{'-found' * found}.json"
        self.put(name)
        self.named[name] = names

    def prune(self, older_than: int, own: str = MANIFEST) -> Verdict:
        histories = records_of(self.blobs)
        live = {
            name: Live(versions[-1].names, not versions[-1].shared)
            for name, versions in self.live.items()
            if versions
        }
        now = float(self.seconds)
        found = verdict(self.blobs, histories, self.named, live, own, now, older_than)
        for name in found.obsolete:
            del self.blobs[name]
        if found.unknown_until is None:
            self.cuts[own] = max(self.cuts.get(own, 0), self.seconds - older_than)
        return found

    def wanted(self, older_than: int) -> frozenset[str]:
        """The files that a page from within the span, or a page of now, may use. Each site may have
        pruned earlier versions with its own span, and any of them the shared records."""
        wanted: set[str] = set()
        for own, versions in self.live.items():
            ends = [version.began for version in versions[1:]] + [self.seconds]
            for end, version in zip(ends, versions, strict=bool(versions)):
                cuts = self.cuts.values() if version.shared else [self.cuts.get(own, 0)]
                if end >= max([self.seconds - older_than, *cuts]) or version is versions[-1]:
                    wanted |= version.names
        return frozenset(wanted)


FILES = st.frozensets(st.integers(0, 9), max_size=5)
OTHER = "other/staticfiles.json"
# Seconds later, in one of two sites: a publish, an interrupted one, or a prune with a span.
STEP = st.tuples(
    st.integers(0, 50),
    st.sampled_from([MANIFEST, OTHER]),
    FILES | FILES.map(list) | st.integers(0, 120),
)


@given(FILES, st.integers(0, 4), st.lists(STEP, max_size=14))
def test_only_hashed_files_that_no_page_of_the_span_may_use_are_deleted(
    first: frozenset[int],
    older: int,
    steps: list[tuple[int, str, frozenset[int] | list[int] | int]],
) -> None:
    """For any site that prunes. The first `older` steps are those of an older version."""
    world = World()
    for name in ("plain.css", "looks.0123456789ab.css", MANIFEST, OTHER):
        world.put(name, "ffffffffffffffffffffffffffffffff")
    world.publish(first, shared=older > 0)
    for number, (seconds, own, step) in enumerate(steps):
        world.seconds += seconds
        if not isinstance(step, int):
            cut_off = isinstance(step, list)
            world.publish(frozenset(step), own=own, cut_off=cut_off, shared=number < older)
            continue
        if not world.live.get(own):
            continue
        wanted, before = world.wanted(step), records_of(world.blobs)
        doomed = world.prune(step, own).obsolete.keys()
        assert not doomed & wanted
        assert not doomed & {"plain.css", "looks.0123456789ab.css", MANIFEST, OTHER}
        # No prune prevents a later one: the last record still exists.
        assert own not in before or records_of(world.blobs)[own][-1] == before[own][-1]


@given(FILES, FILES, st.integers(0, 100))
def test_files_that_are_old_enough_are_deleted(
    first: frozenset[int], second: frozenset[int], older_than: int
) -> None:
    world = World()
    world.publish(first)
    world.seconds += 10
    world.publish(second)
    old, new = sorted(world.named)
    world.seconds += older_than + 2
    hashed_names = world.named[old] - world.named[new]
    assert world.prune(older_than).obsolete.keys() == {*hashed_names, old}
    assert world.prune(older_than).obsolete == {}


def test_shared_records_are_deleted_once_the_new_history_is_old_enough() -> None:
    world = World()
    for files in ({1}, {1, 2}, {2, 3}):
        world.publish(frozenset(files), shared=True)
        world.seconds += 10
    world.publish(frozenset({4}))
    shared = {name for name in world.named if "/" not in name.removeprefix(HISTORY)}
    assert len(shared) == 3
    world.seconds += 30
    assert world.prune(40).obsolete.keys() == set()
    world.seconds += 12
    hashed_names = {f"f.{number:012x}.css" for number in (1, 2, 3)}
    assert world.prune(40).obsolete.keys() > shared
    assert not world.blobs.keys() & hashed_names


def test_files_that_another_site_had_live_stay_until_that_site_prunes() -> None:
    world = World()
    world.publish(frozenset({1}))
    world.publish(frozenset({2}), own=OTHER)
    world.seconds += 10
    world.publish(frozenset({3}), own=OTHER)
    world.seconds += 100
    assert world.prune(0).obsolete == {}
    assert f"f.{2:012x}.css" in world.prune(0, OTHER).obsolete


def test_a_version_stays_for_a_second_longer_than_its_successors_record_says() -> None:
    """Records have whole seconds, and a manifest goes live after its record."""
    world = World()
    world.publish(frozenset({1}))
    world.seconds += 10
    world.publish(frozenset({2}))
    world.seconds += 20
    # Its successor may have gone live up to a second after the record: when the span begins.
    assert world.prune(19).obsolete == {}
    assert f"f.{1:012x}.css" in world.prune(18).obsolete


def test_hashed_names_of_another_algorithm_are_known_from_the_history() -> None:
    world = World()
    world.blobs["own/name-v1.css"] = RemoteBlob(
        "e",
        1,
        last_modified=formatdate(world.seconds, usegmt=True),
        metadata={"md5": "ff"},
    )
    world.publish(frozenset({1}))
    [record] = world.named
    world.named[record] |= {"own/name-v1.css"}
    world.seconds += 10
    world.publish(frozenset({2}))
    world.seconds += 10
    assert "own/name-v1.css" in world.prune(5).obsolete
