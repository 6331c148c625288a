"""`make test ARGS=--fast`: what it runs, what it leaves out, and what it says about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fast import IS_SLOW, STARTS_PROCESSES

CONFTEST = "from tests.fast import pytest_addoption, pytest_configure\n"
TESTS = """\
import asyncio
import os
import subprocess
import sys
import threading

import pytest
from playwright.sync_api import sync_playwright

NODE = os.path.join(os.path.dirname(__file__), "node")


@pytest.fixture(scope="session")
def shared_azurite():
    assert subprocess.run([NODE]).returncode == 0


@pytest.fixture
def own_azurite():
    subprocess.run([NODE])


@pytest.fixture(scope="session")
def prepared():
    subprocess.run([sys.executable, "-c", ""])


@pytest.fixture
def torn_down():
    yield
    subprocess.run([sys.executable, "-c", ""])


@pytest.fixture(scope="module")
def machine(): return []


def test_starts_something_on_the_machine(machine):
    subprocess.run([sys.executable, "-c", ""])
    machine.append("started")
def test_depends_on_it(machine): assert machine
def test_runs_in_process(): pass
def test_uses_the_shared_azurite(shared_azurite): pass
def test_starts_a_process_at_its_end(torn_down): pass
def test_starts_a_process(): subprocess.run([sys.executable, "-c", ""])
def test_starts_node(): subprocess.run([NODE])
def test_forks():
    if not os.fork():
        os._exit(0)
    os.wait()
def test_has_an_azurite_of_its_own(own_azurite): pass
def test_uses_what_a_process_prepared(prepared): pass
def test_uses_it_again(prepared): pass
def test_opens_a_browser():
    with sync_playwright():
        pass
def test_has_no_event_loop():
    asyncio.run(asyncio.sleep(0))
def test_leaves_a_file_open():
    file = open(__file__)
    subprocess.run([sys.executable, "-c", ""])
    file.close()
def test_leaves_a_thread():
    go, stopped = threading.Event(), [OSError("its end is gone")]
    def wait():
        go.wait()
        if stopped:
            raise stopped[0]
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        subprocess.run([sys.executable, "-c", ""])
        stopped.clear()
    finally:
        go.set()
        thread.join()
def test_swallows_errors():
    try:
        subprocess.run([sys.executable, "-c", ""])
    except Exception:
        pass
"""


SLOW_TESTS = """\
import time

def test_sleeps(): time.sleep(1.2)
def test_does_not(): pass
"""
DEPENDENT_TESTS = """\
import time

import pytest


@pytest.fixture(scope="module")
def machine(): return []


def test_sleeps(machine):
    time.sleep(1.2)
    machine.append("slept")
def test_depends_on_it(machine): assert machine
def test_does_not(): pass
"""


def pytest_run(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", *options, "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def reasons(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("SKIPPED")]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "node").write_text("#!/bin/sh\n")
    (tmp_path / "node").chmod(0o755)
    return tmp_path


def test_tests_that_start_processes_are_left_out_in_one_line(suite: Path) -> None:
    (suite / "test_some.py").write_text(TESTS)
    said = pytest_run(suite, "--fast")
    assert "4 passed, 12 skipped" in said
    [line] = reasons(said)
    assert line.startswith("SKIPPED [12] ")
    assert line.endswith(STARTS_PROCESSES)
    assert "16 passed" in pytest_run(suite)


def test_a_test_that_was_slow_is_left_out_until_it_is_quick(suite: Path) -> None:
    file = suite / "test_slow.py"
    file.write_text(SLOW_TESTS)
    assert "2 passed" in pytest_run(suite, "--fast")
    for _ in range(2):  # a run that leaves it out does not forget it
        said = pytest_run(suite, "--fast")
        assert "1 passed, 1 skipped" in said
        [line] = reasons(said)
        assert line.endswith(IS_SLOW)
    file.write_text(SLOW_TESTS.replace("1.2", "0"))
    assert "2 passed" in pytest_run(suite)
    assert "2 passed" in pytest_run(suite, "--fast")


def test_a_test_that_may_depend_on_a_slow_one_is_left_out_with_it(suite: Path) -> None:
    (suite / "test_dependent.py").write_text(DEPENDENT_TESTS)
    assert "3 passed" in pytest_run(suite, "--fast")
    assert "1 passed, 2 skipped" in pytest_run(suite, "--fast")
