"""The order in which the workers of pytest-xdist take the test files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import parse_tx_spec_config

# The files that take longest, these first: all workers wait for one that is started last.
LONGEST = (
    "publish/test_faults.py",
    "publish/test_render_cache.py",
    "publish/test_kills.py",
    "publish/test_memory.py",
    "browser/test_direct_upload.py",
    "scripts/test_setup.py",
    "package/test_package.py",
    "truth/test_settings.py",
    "publish/test_shared_container.py",
    "publish/test_prune.py",
    "scripts/test_up.py",
    "bench/test_measurement.py",
    "publish/test_two_publishes.py",
    "scripts/test_rotate.py",
    "localazure/test_cli.py",
    "localazure/test_azurite.py",
    "sites/test_running.py",
    "hosting/test_release.py",
    "publish/test_reuse.py",
    "localazure/test_lifecycle.py",
    "publish/test_manifest.py",
    "e2e/test_taking_over.py",
    "outages/test_outages.py",
    "publish/test_collectstatic.py",
    "publish/test_hashing.py",
    "profiles/test_life.py",
    "profiles/test_hosting.py",
    "scripts/test_preview.py",
    "profiles/test_changes.py",
    "scripts/test_database.py",
    "infra/test_hosting.py",
    "profiles/test_adoption.py",
)


class ByFolder:
    """Gives each worker whole files, one after another, and as far as possible the files of one
    folder, because they share session fixtures, which each worker has to set up for itself.

    It implements `xdist.scheduler.protocol.Scheduling`. The schedulers of pytest-xdist 3.8 that
    keep files together run a test that kills its worker again and again, and may wait forever for
    the tests after it. Here such a test has failed, and another worker runs those after it.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._expected = len(parse_tx_spec_config(config))
        self._collected: dict[Any, list[str]] = {}  # the tests, by worker
        self._tests: list[str] = []  # the same for all
        self._waiting: dict[str, list[int]] = {}  # by file
        self._given: dict[Any, list[int]] = {}  # by worker; the first one is running
        self._folders: dict[Any, set[str]] = defaultdict(set)

    @property
    def nodes(self) -> list[Any]:
        return list(self._given)

    @property
    def collection_is_completed(self) -> bool:
        return bool(self._tests) or len(self._collected) >= self._expected

    @property
    def tests_finished(self) -> bool:
        """A worker runs its last test only when it knows that none follows."""
        left = any(len(given) > 1 for given in self._given.values())
        return self.collection_is_completed and not self._waiting and not left

    @property
    def has_pending(self) -> bool:
        return bool(self._waiting) or any(self._given.values())

    def add_node(self, node: Any) -> None:
        self._given[node] = []

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        self._collected[node] = list(collection)
        first, tests = next(iter(self._collected.items()))
        if tests != self._collected[node]:
            names = (first.gateway.id, node.gateway.id)
            raise RuntimeError(report_collection_diff(tests, collection, *names))

    def schedule(self) -> None:
        """Called when all workers have collected, and again for each that replaces another."""
        if not self._tests:
            self._tests = next(iter(self._collected.values()))
            self._wait(range(len(self._tests)))
        for node in self.nodes:
            self._feed(node)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        self._given[node].remove(item_index)
        self._feed(node)

    def remove_node(self, node: Any) -> str | None:
        """The test that was running, if the worker has died."""
        given = self._given.pop(node)
        if not given:
            return None
        dead, *left = given
        self._wait(left)
        for other in self.nodes:
            self._feed(other)
        return self._tests[dead]

    def mark_test_pending(self, item: str) -> None:
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: Any, indices: Sequence[int]) -> None:
        raise NotImplementedError

    def _wait(self, indices: Iterable[int]) -> None:
        for index in indices:
            file = self._tests[index].partition("::")[0]
            self._waiting.setdefault(file, []).append(index)

    def _feed(self, node: Any) -> None:
        """Give the worker a file as long as it knows of no test after the running one."""
        if node not in self._collected or node.shutting_down:
            return
        while self._waiting and len(self._given[node]) < 2:
            taken = set().union(*self._folders.values())
            file = next_file(self._waiting, self._folders[node], taken)
            self._folders[node].add(_folder(file))
            indices = self._waiting.pop(file)
            self._given[node] += indices
            node.send_runtest_some(indices)
        if not self._waiting:
            node.shutdown()


def next_file(files: Iterable[str], own: set[str], taken: set[str]) -> str:
    """The file that a worker takes next: one of the longest; else one of a folder that it has had
    files of; else of one that no worker has had; else any."""
    waiting = list(files)
    if waiting[0].removeprefix("tests/") in LONGEST:
        return waiting[0]
    mine = [file for file in waiting if _folder(file) in own]
    fresh = [file for file in waiting if _folder(file) not in taken]
    return (mine or fresh or waiting)[0]


def _folder(file: str) -> str:
    """`tests/app` for files of `tests/app/contract` as well."""
    return "/".join(PurePosixPath(file).parts[:2])
