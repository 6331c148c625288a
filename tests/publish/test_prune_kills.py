"""If prunestatic or collectstatic --clear is killed anywhere, every live page stays complete, and
the next run does the rest."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobLeaseClient

from localazure.azurite import Azurite
from tests.faults import FaultProxy, Rule
from tests.publish.conftest import ACCOUNT
from tests.publish.container import HISTORY, MANIFEST, Container
from tests.publish.site import Site
from tests.publish.test_kills import Saved
from tests.publish.trees import small_tree
from tests.publish.watching import Watcher, kill_at, settle

pytestmark = pytest.mark.endurance
KILLS = 20
OTHER = "other/staticfiles.json"


@dataclass
class Stage:
    """Two sites in one container. Version 1 of the first is live, and version 0 obsolete."""

    one: Site
    other: Site
    proxy: FaultProxy
    before: Saved
    wanted: frozenset[str]
    requests: int = 0

    @property
    def container(self) -> Container:
        return self.one.container

    def reset(self) -> None:
        self.break_leases()
        with self.container.client() as client:
            for name in self.container.blobs():
                if name.startswith(HISTORY):  # sorted by their upload
                    client.delete_blob(name)
        self.before.restore()
        self.container.rest(2)
        self.proxy.take()

    def break_leases(self) -> None:
        """Instead of waiting for a minute."""
        with self.container.client() as client:
            for name, blob in self.container.blobs().items():
                if blob.lease.state == "leased":
                    lease = BlobLeaseClient(client.get_blob_client(name))
                    try:
                        lease.break_lease(lease_break_period=0)
                    except ResourceNotFoundError:
                        continue


def staged(
    tmp_path_factory: pytest.TempPathFactory,
    service: Azurite,
    key: str,
    name: str,
    words: tuple[str, ...],
) -> Iterator[Stage]:
    container = Container(service.port, ACCOUNT, key, name)
    container.create()
    with FaultProxy(service.port) as proxy:
        folder = tmp_path_factory.mktemp(name)
        options = {"keep_unhashed": "all", "connections": 4}
        one = Site(folder / "one", container, proxy.port, options)
        other = Site(folder / "other", container, proxy.port, {**options, "manifest_name": OTHER})
        one.write({**small_tree(0), **{f"old/{n}.css": b"/* %d */" % n for n in range(12)}})
        one.publish().well()
        other.write({"other.css": b"p{}", "img/photo0.png": small_tree(0)["img/photo0.png"]})
        other.publish().well()
        one.write(small_tree(1))
        one.publish().well()
        paths = [*one.expected().paths.values(), *other.expected().paths.values()]
        wanted = frozenset([*paths, MANIFEST, OTHER])
        stage = Stage(one, other, proxy, Saved(container), wanted)
        stage.reset()
        one.manage(*words).well()
        stage.requests = len(proxy.take())
        yield stage


PRUNE = ("prunestatic", "--older-than", "0")
CLEAR = ("collectstatic", "--noinput", "--clear")


@pytest.fixture(scope="module")
def pruned(
    tmp_path_factory: pytest.TempPathFactory, blob_service: Azurite, account_key: str
) -> Iterator[Stage]:
    yield from staged(tmp_path_factory, blob_service, account_key, "prunekills", PRUNE)


@pytest.fixture(scope="module")
def cleared(
    tmp_path_factory: pytest.TempPathFactory, blob_service: Azurite, account_key: str
) -> Iterator[Stage]:
    yield from staged(tmp_path_factory, blob_service, account_key, "clearkills", CLEAR)


def killed(stage: Stage, number: int, words: tuple[str, ...]) -> None:
    """Kill it in one twentieth of the run; every other kill is at a response, not a request."""
    spread = (number + random.Random(number).random()) / KILLS * 2 * stage.requests  # noqa: S311
    at, answered = min(int(spread / 2), stage.requests - 1), spread % 2 >= 1
    stage.reset()
    with Watcher(stage.container, plain=("css/site.css", "other.css")) as watcher:
        with stage.one.start(*words) as process:
            kill_at(process, stage.proxy, at, answered=answered)
        assert stage.wanted <= stage.container.blobs().keys()
        stage.break_leases()
        stage.one.manage(*words).well()
    watcher_failures = [text for text in watcher.failures if "404" in text]
    assert watcher_failures == []
    there = stage.container.blobs().keys()
    assert stage.wanted <= there
    stage.container.is_whole()


@pytest.mark.parametrize("number", range(KILLS))
def test_a_prune_killed_at_any_point_harms_no_page_and_the_next_one_ends_it(
    pruned: Stage, number: int
) -> None:
    killed(pruned, number, PRUNE)
    there = pruned.container.blobs().keys()
    old = {name for name in there if name.startswith("old/") and name.count(".") == 2}
    assert not old


@pytest.mark.parametrize("number", range(KILLS))
def test_a_clear_killed_at_any_point_harms_no_page_and_the_next_one_ends_it(
    cleared: Stage, number: int
) -> None:
    killed(cleared, number, CLEAR)
    there = cleared.container.blobs().keys()
    assert not {name for name in there if name.startswith("old/") and name.count(".") == 1}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("number", range(10))
def test_a_prune_that_is_asked_to_stop_gives_its_leases_back(
    pruned: Stage, number: int, sign: signal.Signals
) -> None:
    pruned.reset()
    pruned.proxy.rules = [Rule(delay=20)]
    at = number * pruned.requests // 10
    seen = 0

    with pruned.one.start(*PRUNE) as process:

        def strike(_: object) -> None:
            nonlocal seen
            if seen == at:
                process.send_signal(sign)
            seen += 1

        pruned.proxy.on_request = strike
        out, err = process.communicate(timeout=60)
    settle(pruned.proxy)
    pruned.proxy.rules = ()
    assert "Traceback" not in err
    assert process.returncode in {128 + sign, 0}, out + err
    assert not [n for n, b in pruned.container.blobs().items() if b.lease.state == "leased"]
    pruned.one.manage(*PRUNE).well()
    assert pruned.wanted <= pruned.container.blobs().keys()
