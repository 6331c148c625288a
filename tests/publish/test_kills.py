"""A publish that is interrupted anywhere leaves the old version live; the next one sends the rest.

The process or the blob service is killed, or the connection between them breaks.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localazure.azurite import Azurite
from tests.faults import FaultProxy, Rule
from tests.publish.conftest import ACCOUNT, MakeSite, started
from tests.publish.container import CACHE, HISTORY, MANIFEST, Container
from tests.publish.site import Expected, Site
from tests.publish.trees import CHANGING, small_tree
from tests.publish.watching import (
    Moment,
    Watcher,
    blob,
    kill_at,
    missing,
    owed,
    puts,
    settle,
)

# The files that differ between the two versions: hashed files, and plain images.
FILES = CHANGING + 4
# The list, the render cache, the files, the record, the manifest, and the render cache again.
REQUESTS = 2 + FILES + 3


class Saved:
    """The container's blobs, to be restored later."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._blobs: dict[str, tuple[str, bytes, Any, Any]] = {}
        for name, there in container.blobs().items():
            self._blobs[name] = (
                there.etag.strip('"'),
                container.get(name).raw,  # the official library would decompress it
                there.content_settings,
                there.metadata,
            )

    def restore(self) -> None:
        there = self._container.blobs()
        with self._container.client() as client:
            for name in there.keys() - self._blobs.keys():
                client.delete_blob(name)
            for name, (etag, data, settings, metadata) in self._blobs.items():
                if name not in there or there[name].etag.strip('"') != etag:
                    done = client.upload_blob(
                        name, data, overwrite=True, content_settings=settings, metadata=metadata
                    ).get_blob_properties()
                    self._blobs[name] = (done.etag.strip('"'), data, settings, metadata)


@dataclass
class Stage:
    """Version 0 is live, version 1 is what the site has on its disk."""

    site: Site
    proxy: FaultProxy
    before: Saved
    old: Expected
    new: Expected

    @property
    def container(self) -> Container:
        return self.site.container

    @property
    def wanted(self) -> dict[str, bytes]:
        """All files of version 1, hashed and plain."""
        return {**self.new.files, **small_tree(1)}


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, blob_service: Azurite, account_key: str
) -> Iterator[Stage]:
    container = Container(blob_service.port, ACCOUNT, account_key, "kills")
    container.create()
    with FaultProxy(blob_service.port) as proxy:
        site = Site(
            tmp_path_factory.mktemp("kills"), container, proxy.port, {"keep_unhashed": "all"}
        )
        site.write(small_tree(0))
        site.publish().well()
        old = site.expected()
        site.write(small_tree(1))
        yield Stage(site, proxy, Saved(container), old, site.expected())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("at", range(REQUESTS))
def test_a_publish_killed_at_any_point_leaves_the_old_version_and_the_next_sends_the_rest(
    stage: Stage, at: int, answered: bool
) -> None:
    """At each request, and at each response."""
    site, proxy, container = stage.site, stage.proxy, stage.container
    stage.before.restore()
    proxy.take()
    with Watcher(container) as watcher:
        with site.start("collectstatic", "--noinput") as process:
            kill_at(process, proxy, at, answered=answered)
        seen = proxy.take()
        got_through = {blob(record) for record in seen if record.upstream == 201}
        if MANIFEST in got_through:
            container.holds(stage.new)
        else:
            container.holds(stage.old)
        left = owed(container, stage.wanted, stage.new.manifest)
        # The kill hit this publish, and not one before or after it.
        assert len(seen) > at and (len(left) <= FILES or not got_through)

        site.publish().well()
        again = proxy.take()
    assert puts(again) == left
    stray = bool(left) and any(name.startswith(HISTORY) for name in got_through)
    # A record without its manifest is followed by that of the live manifest.
    records = 0 if MANIFEST not in left else 2 if stray else 1
    # The cache is read, and stored unless the first publish did so.
    cache = 1 if any(name.endswith(CACHE) for name in got_through) else 2
    assert len(again) == 1 + cache + len(left) + records + (1 if stray else 0)
    container.holds(stage.new)
    assert missing(container, {**stage.old.files, **stage.wanted}) == []
    watcher.saw_no_failure()


def test_the_kills_cover_every_request_of_a_publish(stage: Stage) -> None:
    stage.before.restore()
    stage.proxy.take()
    stage.site.publish().well()
    assert len(stage.proxy.take()) == REQUESTS


def test_a_blob_service_killed_in_mid_publish_serves_the_old_version_when_it_is_back(
    tmp_path: Path, account_key: str
) -> None:
    service = started(tmp_path / "azurite", account_key)
    try:
        container = Container(service.port, ACCOUNT, account_key, "static")
        container.create()
        with FaultProxy(service.port) as proxy:
            site = Site(tmp_path / "site", container, proxy.port)
            site.write(small_tree(0))
            site.publish().well()
            expected = [site.expected()]
            for version, at in ((1, 5), (2, CHANGING + 2)):
                service.stop()  # Azurite writes its index to disk every 5 s, and when it stops
                service.start()
                site.write(small_tree(version))
                expected.append(site.expected())
                proxy.take()
                with site.start("collectstatic", "--noinput", attempts=2) as process:
                    pid = service.status().pid
                    assert pid
                    Moment(proxy, at, pid=pid, sign=signal.SIGKILL).wait()
                    _, err = process.communicate(timeout=30)
                settle(proxy)
                assert process.returncode == 1 and "Traceback" not in err
                assert "not answer" in err or "could not be sent" in err
                service.start()
                container.holds(expected[-2])
                left = owed(container, expected[-1].files, expected[-1].manifest)
                proxy.take()
                site.publish().well()
                assert puts(proxy.take()) == left
                container.holds(expected[-1])
    finally:
        service.stop()


@pytest.mark.parametrize("at", [0, 4, CHANGING + 1, CHANGING + 2])
def test_a_line_that_breaks_ends_a_publish_in_a_sentence_and_the_next_sends_the_rest(
    make_site: MakeSite, proxy: FaultProxy, at: int
) -> None:
    site = make_site()
    site.publish().well()
    old = site.expected()
    site.write(small_tree(1))
    new = site.expected()
    proxy.take()
    # Slow, so that several requests are in flight when the connection breaks.
    proxy.rules = [Rule(delay=100)]
    with site.start("collectstatic", "--noinput", attempts=2, connections=4) as process:
        Moment(proxy, at).wait()
        proxy.cut()
        _, err = process.communicate(timeout=30)
    proxy.on_request, proxy.rules = None, ()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "does not answer" in err or "could not be sent" in err
    proxy.restore()
    site.container.holds(old)
    left = owed(site.container, new.files, new.manifest)
    assert MANIFEST in left
    proxy.take()
    site.publish().well()
    assert puts(proxy.take()) == left
    site.container.holds(new)


def test_a_line_that_is_back_in_a_moment_is_no_reason_to_end(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.rules = [Rule(delay=50)]
    with site.start("collectstatic", "--noinput", connections=4) as process:
        for _ in range(3):
            Moment(proxy, 4).wait()
            proxy.cut()
            proxy.restore()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "24 static files copied" in out
    container.holds(site.expected())


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", [0, 6, CHANGING + 2])
def test_an_interrupted_publish_says_so_and_leaves_nothing_behind(
    make_site: MakeSite, proxy: FaultProxy, sign: signal.Signals, at: int
) -> None:
    site = make_site()
    site.publish().well()
    old = site.expected()
    site.write(small_tree(1))
    proxy.take()
    proxy.rules = [Rule(delay=300)]
    with site.start("collectstatic", "--noinput", connections=4) as process:
        Moment(proxy, at, pid=process.pid, sign=sign).wait()
        _, err = process.communicate(timeout=30)
    proxy.rules = ()
    settle(proxy)
    assert process.returncode == 128 + sign
    assert err == (
        "CommandError: Interrupted. What was sent stays; the next run sends what is missing.\n"
    )
    assert [path.name for path in site.folder.glob("collectstatic-*")] == []
    new = site.expected()
    if site.container.get(MANIFEST).raw != new.manifest:  # the answer may have been on its way
        site.container.holds(old)
    site.publish().well()
    site.container.holds(new)


def test_a_killed_publish_leaves_its_temporary_files_where_the_system_has_them(
    site: Site, proxy: FaultProxy
) -> None:
    """And not in the site's folder, which is where the tests above look."""
    with site.start("collectstatic", "--noinput") as process:
        kill_at(process, proxy, 3)
    assert len(list(site.folder.glob("collectstatic-*"))) == 1
