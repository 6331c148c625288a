"""Which file a worker takes next."""

from __future__ import annotations

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
