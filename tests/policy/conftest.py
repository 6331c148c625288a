from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.policy.analyzer import Analyzer, Program


@pytest.fixture(scope="session")
def analyzer() -> Iterator[Analyzer]:
    running = Analyzer()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    running = Program()
    yield running
    running.stop()
