"""`pytest --fast`: the tests that start no process, for the loop of editing and testing.

No list names them. In a fast run, a test is skipped at the moment when it starts a process, and so
is every test that uses a fixture which starts one. The exception is an Azurite that the tests of a
session share: it takes a second to start, and a thousand quick tests use one.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

# Python's audit events, from its documentation.
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
REASON = "--fast leaves out tests that start processes: run them with `make test`"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="run only the tests that start no process of their own"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        config.pluginmanager.register(Fast())


class Fast:
    """Skips whatever starts a process during the setup or the call of a test."""

    def __init__(self) -> None:
        self._armed = False
        self._scopes: list[str] = []
        sys.addaudithook(self._audit)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        self._scopes.append(fixturedef.scope)
        try:
            return (yield)
        finally:
            self._scopes.pop()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        yield from self._watched()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        yield from self._watched()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Gives these reports one place in common, so that pytest sums them up in one line."""
        report = yield
        if report.skipped and isinstance(report.longrepr, tuple) and REASON in report.longrepr[2]:
            report.longrepr = (__file__, None, report.longrepr[2])
        return report

    def _watched(self) -> Iterator[None]:
        self._armed = True
        try:
            yield
        finally:
            self._armed = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS and self._armed and not self._starts_shared_azurite(event, arguments):
            pytest.skip(REASON)

    def _starts_shared_azurite(self, event: str, arguments: tuple[Any, ...]) -> bool:
        is_node = event == "subprocess.Popen" and Path(str(arguments[0])).name == "node"
        return is_node and "session" in self._scopes
