"""`make test ARGS=--fast`: what it runs, what it leaves out, and what it says about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CONFTEST = "from tests.fast import pytest_addoption, pytest_configure\n"
TESTS = """\
import os
import subprocess
import sys

import pytest

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
def test_swallows_errors():
    try:
        subprocess.run([sys.executable, "-c", ""])
    except Exception:
        pass
"""


@pytest.mark.parametrize(
    ("option", "outcome"), [("--fast", "3 passed, 7 skipped"), ("--verbose", "10 passed")]
)
def test_tests_that_start_processes_are_left_out_by_the_option_alone(
    tmp_path: Path, option: str, outcome: str
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "node").write_text("#!/bin/sh\n")
    (tmp_path / "node").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", option, "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert outcome in done.stdout
    reasons = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(reasons) == (option == "--fast"), reasons
    for line in reasons:
        assert line.startswith("SKIPPED [7] ")
        assert line.endswith(
            "--fast leaves out tests that start processes: run them with `make test`"
        )
