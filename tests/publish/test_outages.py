"""Outages of the service, in full length: a publish waits for short ones to end. Longer ones end it
with a sentence, and the old version stays live."""

from __future__ import annotations

from threading import Timer

import pytest

from tests.faults import Fault, FaultProxy, Record, Rule
from tests.publish.container import Container
from tests.publish.site import Site
from tests.publish.trees import small_tree
from tests.publish.watching import Watcher

pytestmark = pytest.mark.endurance
COMMANDS = {
    "publish": ("collectstatic", "--noinput"),
    "clear": ("collectstatic", "--noinput", "--clear"),
    "prune": ("prunestatic", "--older-than", "0"),
}
PASSING = {
    "a stall of 30 s": [Rule(at=frozenset({1, 4}), delay=30_000)],
    "a request that hangs": [Rule(at=frozenset({0, 3}), fault=Fault.HANG)],
    "503 with Retry-After": [Rule(at=frozenset({1, 5}), status=503, retry_after=5)],
    "every answer lost once": [Rule(first=1, fault=Fault.LOST)],
}
LASTING = {
    "403": [Rule(at=frozenset(range(2, 9999)), status=403)],
    "404": [Rule(at=frozenset(range(2, 9999)), status=404, code="ContainerNotFound")],
    "503 for an hour": [Rule(at=frozenset(range(2, 9999)), status=503, retry_after=3600)],
}


@pytest.fixture
def staged(site: Site) -> Site:
    """Version 1 is live, nine files of version 0 are obsolete, and version 2 is to be published."""
    for version in (0, 1, 2):
        site.write(small_tree(version))
        if version < 2:
            site.publish().well()
    site.container.rest(2)
    return site


def harmless(site: Site, live: dict[str, str]) -> None:
    there = site.container.blobs().keys()
    assert set(live.values()) <= there
    site.container.is_whole()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("outage", PASSING)
def test_an_outage_that_passes_is_sat_out(
    staged: Site, proxy: FaultProxy, container: Container, command: str, outage: str
) -> None:
    live = container.paths()
    proxy.rules = PASSING[outage]
    with Watcher(container) as watcher:
        staged.manage(*COMMANDS[command], timeout=280).well()
    assert not [text for text in watcher.failures if "404" in text]
    harmless(staged, live)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_service_that_is_down_for_some_seconds_is_waited_for(
    staged: Site, proxy: FaultProxy, container: Container, command: str
) -> None:
    live = container.paths()
    proxy.rules = [Rule(delay=50)]
    with staged.start(*COMMANDS[command], attempts=12) as process:

        def cut() -> None:
            proxy.cut()
            Timer(4, proxy.restore).start()

        def cut_soon(_: Record) -> None:
            proxy.on_request = None
            Timer(0.01, cut).start()

        proxy.on_request = cut_soon
        out, err = process.communicate(timeout=200)
    assert (process.returncode, err) == (0, ""), out
    harmless(staged, live)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("outage", LASTING)
def test_an_outage_that_lasts_ends_in_a_sentence_and_the_next_run_does_the_rest(
    staged: Site, proxy: FaultProxy, container: Container, command: str, outage: str
) -> None:
    live = container.paths()
    before = container.get("staticfiles.json").raw
    proxy.rules = LASTING[outage]
    ended = staged.manage(*COMMANDS[command], timeout=280)
    proxy.rules = ()
    assert ended.code == 1
    assert "Traceback" not in ended.err and ended.err.startswith("CommandError: ")
    assert staged.container.key not in ended.out + ended.err
    assert container.get("staticfiles.json").raw == before
    harmless(staged, live)
    for name, blob in container.blobs().items():
        if blob.lease.state == "leased":  # it could not be released; it expires after a minute
            with container.client() as client:
                from azure.storage.blob import BlobLeaseClient

                BlobLeaseClient(client.get_blob_client(name)).break_lease(lease_break_period=0)
    staged.manage(*COMMANDS[command]).well()
    harmless(staged, live if command == "prune" else container.paths())
