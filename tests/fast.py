"""`pytest --fast`: the tests that are quick and start no process, for use while editing.

No list names them. In a fast run, a test is skipped at the moment when it starts a process, and so
are the tests that use a fixture which starts one. The exception is an Azurite that the tests of a
session share: it takes a second to start, and a thousand quick tests use one. Tests that took over
a quarter of a second when they last ran, in a run of any kind, are skipped too. So are tests that
share a fixture of their module with a test that was skipped before them, since they may depend on
what it leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

SLOW_SECONDS = 0.25
# Of this clone, in pytest's cache: the tests that took longer, with their seconds.
_SLOW = "fast/slow"
# Python's audit events, from its documentation.
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_LEFT_OUT = "--fast leaves out tests that"
STARTS_PROCESSES = f"{_LEFT_OUT} start processes: run them with `make test`"
IS_SLOW = f"{_LEFT_OUT} took over {SLOW_SECONDS} s when they last ran: run them with `make test`"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="run only the tests that are quick and start no process"
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())
    if config.getoption("--fast"):
        config.pluginmanager.register(Fast())
        # What a stopped test leaves open, and a thread that waits for it, are no fault of the test
        # that runs when they end.
        for kind in ("ResourceWarning", "pytest.PytestUnhandledThreadExceptionWarning"):
            config.addinivalue_line("filterwarnings", f"ignore::{kind}")


class Durations:
    """Records which tests are slow."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Without the setup, which for a session's first test includes that of the session.
        if report.when == "call" and not _is_left_out(report):
            self._seconds[report.nodeid] = report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cache = session.config.cache
        assert cache is not None
        known = {
            name: seconds
            for name, seconds in cache.get(_SLOW, {}).items()
            if name not in self._seconds
        }
        slow = {name: took for name, took in self._seconds.items() if took > SLOW_SECONDS}
        cache.set(_SLOW, known | slow)


class Fast:
    """Skips whatever starts a process during the setup or the call of a test, and slow tests."""

    def __init__(self) -> None:
        self._armed = False
        self._scopes: list[str] = []
        self._module = Path()
        self._of_module: set[str] = set()  # fixtures
        self._stopped: set[str] = set()  # those of a test that was stopped
        self._slow: set[str] = set()  # all fixtures of the module's slow tests
        sys.addaudithook(self._audit)
        self._guard_playwright()

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        assert config.cache is not None
        slow = config.cache.get(_SLOW, {})
        for item in items:
            if item.nodeid in slow:
                item.add_marker(pytest.mark.skip(reason=IS_SLOW))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        self._scopes.append(fixturedef.scope)
        if fixturedef.scope == "module":
            self._of_module.add(fixturedef.argname)
            if fixturedef.argname in self._slow:
                self._stopped.add(fixturedef.argname)
        try:
            return (yield)
        finally:
            self._scopes.pop()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        if item.path != self._module:
            self._module = item.path
            self._of_module, self._stopped, self._slow = set(), set(), set()
        if any(mark.kwargs.get("reason") == IS_SLOW for mark in item.iter_markers("skip")):
            self._slow.update(_fixtures(item))
        yield from self._watched(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        if self._stopped.intersection(_fixtures(item)):
            pytest.skip(STARTS_PROCESSES)
        yield from self._watched(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Gives these reports one place in common, so that pytest sums them up in one line."""
        report = yield
        if _is_left_out(report):
            report.longrepr = (__file__, None, report.longrepr[2])
        return report

    def _watched(self, item: pytest.Item) -> Iterator[None]:
        self._armed = True
        try:
            yield
        except pytest.skip.Exception:
            self._stopped |= self._of_module.intersection(_fixtures(item))
            raise
        finally:
            self._armed = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS and self._armed and not self._starts_shared_azurite(event, arguments):
            pytest.skip(STARTS_PROCESSES)

    def _guard_playwright(self) -> None:
        """Stopped when its process starts, Playwright would leave an event loop running."""
        # Imported here for a fast start of every other run.
        from playwright.sync_api import sync_playwright

        manager: Any = type(sync_playwright())
        enter = manager.__enter__

        def guarded(context: Any) -> Any:
            if self._armed:
                pytest.skip(STARTS_PROCESSES)
            return enter(context)

        manager.__enter__ = guarded

    def _starts_shared_azurite(self, event: str, arguments: tuple[Any, ...]) -> bool:
        is_node = event == "subprocess.Popen" and Path(str(arguments[0])).name == "node"
        return is_node and "session" in self._scopes


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def _is_left_out(report: pytest.TestReport) -> bool:
    why = report.longrepr
    return report.skipped and isinstance(why, tuple) and _LEFT_OUT in why[2]
