"""Which file a worker takes next, and what happens when a worker dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.schedule import LONGEST, next_file

LONG = f"tests/{LONGEST[3]}"
FILES = ["tests/rest/test_a.py", "tests/infra/test_a.py", "tests/app/contract/test_a.py"]


@pytest.mark.parametrize(
    ("files", "own", "taken", "expected"),
    [
        ([LONG, *FILES], {"tests/app"}, {"tests/app"}, LONG),
        (FILES, {"tests/app"}, {"tests/app", "tests/rest"}, "tests/app/contract/test_a.py"),
        (FILES, {"tests/sites"}, {"tests/app", "tests/rest"}, "tests/infra/test_a.py"),
        (FILES, set(), {"tests/app", "tests/rest", "tests/infra"}, "tests/rest/test_a.py"),
    ],
    ids=["one of the longest", "of its own folder", "of nobody's folder", "any"],
)
def test_a_worker_takes(files: list[str], own: set[str], taken: set[str], expected: str) -> None:
    assert next_file(files, own, taken) == expected


@pytest.mark.parametrize("file", LONGEST)
def test_the_longest_files_exist(file: str) -> None:
    assert (ROOT / "tests" / file).is_file()


CONFTEST = """
from tests.schedule import ByFolder

def pytest_xdist_make_scheduler(config):
    return ByFolder(config)
"""
TESTS = """
import os, pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number):
    if number == {}:
        os._exit(3)
"""


def test_a_test_that_kills_its_worker_has_failed_and_all_others_run(tmp_path: Path) -> None:
    """The first, one in the middle and the last test of a file, in three of nine files."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    deadly = {("a", 0): 0, ("b", 1): 2, ("c", 2): 3}
    for folder in "abc":
        for file in range(3):
            path = tmp_path / folder / f"test_{folder}{file}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(TESTS.format(deadly.get((folder, file), "None")))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert sorted(failed) == [
        f"{folder}/test_{folder}{file}.py::test_it[{number}]"
        for (folder, file), number in deadly.items()
    ]
    assert done.stdout.splitlines()[-1].startswith("3 failed, 33 passed")
