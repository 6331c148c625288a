"""Fixtures that several folders share, the order of the files, and the workers that run them."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from localazure.azurite import Azurite
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.project import load_project
from localazure.engine.state import State
from localazure.values import plain
from tests.fast import pytest_addoption, pytest_configure
from tests.schedule import LONGEST, ByFolder
from tests.site import prepare

__all__ = ["pytest_addoption", "pytest_configure"]  # hooks of `--fast`

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 6
PORTS = 2_000  # for each of them
# A machine that is busy is no reason to fail.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
# At random, so that another run on this machine hardly begins at the same port.
_numbers = itertools.count(random.randrange(PORTS))  # noqa: S311
_frozen_for = [""]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core, because tests wait for processes and time-outs half of the time; one for
    each core with --fast, whose tests wait for nothing. At most six, because each worker has
    Azurites of its own, and at times a Chromium. None for one file, whose tests stay together."""
    files = {argument.partition("::")[0] for argument in config.args}
    if len(files) == 1 and files.pop().endswith(".py"):
        return 0
    cores = os.cpu_count() or 1
    return min(cores if config.getoption("--fast") else 2 * cores, MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files come first where several processes take one file after another."""
    if hasattr(config, "workerinput"):
        place = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


def pytest_xdist_make_scheduler(config: pytest.Config) -> ByFolder | None:
    return ByFolder(config) if config.getoption("dist") == "loadfile" else None


def pytest_runtest_logstart(nodeid: str) -> None:
    """Before the first test of each file, exempt what is in memory from garbage collection.

    Hundreds of thousands of objects of imported modules would be visited again and again, which
    doubles the CPU time of a run of the stack's program.
    """
    file = nodeid.partition("::")[0]
    if file != _frozen_for[0]:
        _frozen_for[0] = file
        gc.collect()
        gc.freeze()


def free_port() -> int:
    """A port that nobody listens on now. A server may take a second to listen there, so the port is
    below those that the system assigns by itself, and each worker has a range of its own."""
    first = 20_000 + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = first + next(_numbers) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose proxy does not answer."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def has_ended(pid: int) -> bool:
    """Whether the process has ended. One whose parent has ended first remains as a zombie until the
    machine's first process reaps it."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azurite in a folder and on a port of its own, so that a running site is not disturbed."""
    running = Azurite(tmp_path_factory.mktemp("azurite"), free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def azure_env(azurite: Azurite) -> dict[str, str]:
    """The stack's real program deployed as stack `local`; its outputs, secrets open."""
    project = load_project(ROOT, "local")
    Engine(project, azurite, Display(io.StringIO())).up(yes=True)
    outputs = plain(State(azurite.state_dir, "local").stack_outputs())
    return {name: str(value) for name, value in outputs.items()}


@pytest.fixture(scope="session")
def prepared(azure_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the site's tables and an administrator, for each served site to copy; the
    static files of these sites are published."""
    return prepare(azure_env, tmp_path_factory.mktemp("prepared"))
