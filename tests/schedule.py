"""The order in which the workers of pytest-xdist take the test files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

# The files that take longest, from a quarter of a minute on, these first: all workers wait for one
# that is started last.
LONGEST = (
    "browser/test_direct_upload.py",
    "publish/test_faults.py",
    "publish/test_shared_container.py",
    "package/test_package.py",
    "outages/test_outages.py",
    "publish/test_prune.py",
    "hosting/test_release.py",
    "publish/test_kills.py",
    "publish/test_memory.py",
    "scripts/test_up.py",
    "scripts/test_rotate.py",
    "scripts/test_setup.py",
    "sites/test_running.py",
    "outages/test_health.py",
    "bench/test_measurement.py",
    "publish/test_two_publishes.py",
    "localazure/test_kills.py",
    "localazure/test_lifecycle.py",
    "localazure/test_keys.py",
    "truth/test_settings.py",
    "e2e/test_taking_over.py",
    "e2e/test_protection.py",
    "scripts/test_preview.py",
    "localazure/test_cli.py",
    "hosting/test_server.py",
    "browser/test_site.py",
    "browser/test_policy.py",
    "component/test_package.py",
)


class ByFolder(LoadFileScheduling):  # type: ignore[misc]  # it is Any
    """Gives a worker the files of one folder after another, as far as possible, because they share
    session fixtures, which each worker has to set up for itself."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._folders: dict[Any, set[str]] = defaultdict(set)

    def _assign_work_unit(self, node: Any) -> None:
        taken = set().union(*self._folders.values())
        file = next_file(self.workqueue, self._folders[node], taken)
        self._folders[node].add(_folder(file))
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)


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
