"""At every moment of a publish, each URL that a live page can have answers 200."""

from __future__ import annotations

from tests.faults import FaultProxy, Rule
from tests.publish.conftest import MakeSite
from tests.publish.container import CACHE
from tests.publish.trees import noise, small_tree
from tests.publish.watching import Watcher, blob

# Back and forth, so that files are new, return, and are named again.
VERSIONS = (1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0, 6, 5, 7, 6, 8, 7, 9, 8, 10)


def test_a_visitor_who_reads_every_file_during_20_publishes_sees_no_failure(
    make_site: MakeSite, proxy: FaultProxy
) -> None:
    site = make_site(keep_unhashed="all")
    site.publish().well()
    # Files that a page uses by their plain names have to exist too, in either version.
    plain = tuple(small_tree())
    # A temporary failure lasts long enough to be seen.
    proxy.rules = [Rule(method="PUT", path="*.????????????.*", every=3, delay=300)]
    with Watcher(site.container, plain) as watcher:
        for number, version in enumerate(VERSIONS):
            before = watcher.rounds
            site.write(small_tree(version))
            site.publish(*(["--clear"] if number % 7 == 6 else [])).well()
            watcher.read_all(before + 1)  # no publish is too quick to be looked at
    watcher.saw_no_failure()
    assert watcher.rounds >= len(VERSIONS)
    site.container.holds(site.expected())
    assert not [record for record in proxy.requests if record.method == "DELETE"]


def test_new_files_come_first_and_the_manifest_comes_last(
    make_site: MakeSite, proxy: FaultProxy
) -> None:
    site = make_site(keep_unhashed="all")
    site.publish().well()
    site.write({**small_tree(1), "img/new.png": noise("new", 900)})
    proxy.take()
    # Requests that come early wait longest, so that the order is no coincidence.
    proxy.rules = [Rule(method="PUT", path="*.????????????.*", delay=150)]
    site.publish().well()
    *sent, cache = [record for record in proxy.take() if record.method == "PUT"]
    hashed = set(site.expected().files)
    new = [r for r in sent if blob(r) in hashed or blob(r) == "img/new.png"]
    replaced = [r for r in sent if blob(r) in small_tree()]
    record, manifest = sent[-2:]
    assert (len(new), len(replaced)) == (9 + 2, 4)
    assert max(r.started + r.seconds for r in new) <= min(r.started for r in replaced)
    assert max(r.started + r.seconds for r in replaced) <= record.started
    assert blob(record).startswith("staticfiles-history/")
    assert blob(manifest) == "staticfiles.json"
    assert blob(cache).endswith(CACHE)


def test_the_watcher_sees_a_file_that_is_missing_for_a_moment(make_site: MakeSite) -> None:
    site = make_site()
    site.publish().well()
    name = site.container.paths()["css/site.css"]
    body = site.container.get(name).body
    with Watcher(site.container) as watcher:
        while not watcher.rounds:
            pass
        site.container.delete(name)
        while not watcher.failures:
            pass
        site.container.put(name, body)
    assert name in watcher.failures[0]
