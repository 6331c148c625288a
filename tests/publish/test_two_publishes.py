"""One of two concurrent publishes is live as a whole, and no prune deletes files that it needs."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults import FaultProxy, Rule
from tests.publish.conftest import MakeSite
from tests.publish.container import Container
from tests.publish.forked import Process
from tests.publish.site import Site
from tests.publish.trees import small_tree
from tests.publish.watching import Watcher, blob, deletes, until

AGAIN = "Another publish came between; looking again."
WAITING = "prunestatic is at work; waiting until it has ended."


def together(*running: Process) -> list[str]:
    """The output of each, after asserting that it succeeded."""
    said = []
    for process in running:
        with process:
            out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, ""), f"{out}\n{err}"
        said.append(out)
    return said


def two_sites(make_site: MakeSite, container: Container) -> tuple[Site, Site]:
    one, other = make_site(container), make_site(container)
    one.write(small_tree(1))
    other.write(small_tree(2))
    return one, other


@pytest.mark.parametrize("first_ever", [True, False])
def test_the_second_publish_to_put_its_manifest_lists_again_and_follows(
    make_site: MakeSite, proxy: FaultProxy, container: Container, first_ever: bool
) -> None:
    one, other = two_sites(make_site, container)
    if not first_ever:
        make_site(container).publish().well()
    proxy.take()
    # Delayed until the other has listed the container too.
    proxy.rules = [Rule(method="PUT", path="*/staticfiles.json", first=2, delay=1500)]
    said = together(*(site.start("collectstatic", "--noinput") for site in (one, other)))
    manifests = [r for r in proxy.take() if blob(r) == "staticfiles.json" and r.method == "PUT"]
    statuses = [record.status for record in manifests]
    assert sorted(statuses) == ([201, 201, 409] if first_ever else [201, 201, 412])
    assert sorted(AGAIN in text for text in said) == [False, True]
    second = one if AGAIN in said[0] else other
    container.holds(second.expected())
    container.is_whole()


@pytest.mark.parametrize("seed", range(6))
def test_two_publishes_of_different_versions_end_in_one_whole_version(
    make_site: MakeSite, proxy: FaultProxy, container: Container, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311
    one, other = two_sites(make_site, container)
    make_site(container).publish().well()
    proxy.rules = [
        Rule(method="GET", every=dice.randint(1, 2), delay=dice.choice([0, 100, 300])),
        Rule(method="PUT", path="*.png", every=2, delay=dice.choice([0, 50, 200])),
        Rule(method="PUT", path="*.json", every=dice.randint(1, 3), delay=dice.choice([0, 150])),
    ]
    with Watcher(container) as watcher:
        first = one.start("collectstatic", "--noinput", connections=dice.choice([1, 64]))
        time.sleep(dice.choice([0, 0.1, 0.3]))
        together(first, other.start("collectstatic", "--noinput", connections=8))
    watcher.saw_no_failure()
    expected = [one.expected(), other.expected()]
    live = container.get("staticfiles.json").raw
    container.holds(expected[[e.manifest for e in expected].index(live)])


@pytest.fixture
def rollback(make_site: MakeSite, container: Container) -> Site:
    """Version 1 is live, and the site is about to publish version 0 again, whose files still exist:
    a prune may delete those that version 1 does not name."""
    site = make_site(container)
    site.publish().well()
    site.write(small_tree(1))
    site.publish().well()
    site.write(small_tree(0))
    container.rest(2)
    return site


def test_files_that_a_prune_takes_while_a_publish_relies_on_them_are_sent_again(
    rollback: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.take()
    # The publish has listed the container, with all files; then the prune runs.
    proxy.rules = [Rule(method="PUT", path="*/staticfiles-history/*", first=1, delay=4000)]
    publishing = rollback.start("collectstatic", "--noinput")
    until(proxy, lambda records: any("staticfiles-history" in r.path for r in records))
    pruned, said = together(rollback.start("prunestatic", "--older-than", "0"), publishing)
    assert "\n10 files deleted" in pruned  # nine, and their record
    assert AGAIN in said
    deleted = {blob(r) for r in proxy.requests if r.method == "DELETE"}
    sent = {blob(r) for r in proxy.requests if r.method == "PUT"}
    expected = rollback.expected()
    assert len(deleted & expected.files.keys()) == 9
    assert deleted & expected.files.keys() <= sent
    container.holds(expected)


def test_a_publish_waits_for_a_prune_that_is_at_work(
    rollback: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.take()
    proxy.rules = [Rule(method="DELETE", delay=2500)]
    pruning = rollback.start("prunestatic", "--older-than", "0")
    until(proxy, deletes)
    said = together(pruning, rollback.start("collectstatic", "--noinput"))
    assert WAITING in said[1]
    container.holds(rollback.expected())


def test_concurrent_publishes_and_prunes_delete_nothing_that_is_live(
    rollback: Site, proxy: FaultProxy, container: Container
) -> None:
    for seed in range(3):
        dice = random.Random(seed)  # noqa: S311
        proxy.rules = [
            Rule(method=method, every=2, delay=dice.choice([0, 40, 200, 400]))
            for method in ("GET", "PUT", "DELETE")
        ]
        rollback.write(small_tree(seed % 2))
        first = rollback.start("collectstatic", "--noinput")
        time.sleep(dice.choice([0, 0.2]))
        together(first, rollback.start("prunestatic", "--older-than", "0"))
        container.holds(rollback.expected())
        time.sleep(1.1)
