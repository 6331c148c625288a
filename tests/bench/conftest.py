"""The bench's own servers, started for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.results import Results, Run
from bench.servers.running import AzuriteServer, NullServer


@pytest.fixture
def null_server() -> Iterator[NullServer]:
    server = NullServer(0)
    yield server
    server.stop()


@pytest.fixture
def azurite_server(tmp_path: Path) -> Iterator[AzuriteServer]:
    server = AzuriteServer(tmp_path / "azurite")
    yield server
    server.stop()


def run(competitor: str, case: str, wall: float, round_: int = 1, **more: object) -> Run:
    """A run of azurite-40ms."""
    known = {"cpu": wall, "server": 0.0, "line": 0.0, "other": 0.0, "host": 0.0}
    values = {"files": 1000, "requests": {"PUT": 1000}, "wrong": "", **known, **more}
    scenario = str(values.pop("scenario", "azurite-40ms"))
    return Run(scenario, competitor, case, round_, wall=wall, **values)  # type: ignore[arg-type]


@pytest.fixture
def results() -> Results:
    """Three rounds: this project first in 3, 2 and 8 seconds, the floor in 2, 2 and 4."""
    kept = Results(machine={"cores": "2", "system": "Linux", "Python": "3.11.7"})
    kept.runs = [run("plain", "first", wall, n + 1) for n, wall in enumerate((3.0, 2.0, 8.0))]
    kept.runs += [run("floor", "first", wall, n + 1) for n, wall in enumerate((2.0, 2.0, 4.0))]
    return kept
