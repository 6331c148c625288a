"""The entry point of every target finds a supported Python, or reports which one it found."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.scripts.conftest import ROOT, Result, bare_environment, run, script

RUN = ROOT / "scripts" / "run.py"
AS_PYTHON = (
    "import runpy, sys\n"
    "sys.version_info = {}\n"
    f"sys.argv = [{str(RUN)!r}, 'env', '--stack', 'nosuchstack']\n"
    f"runpy.run_path({str(RUN)!r}, run_name='__main__')\n"
)


def run_with_old_python(
    programs: Path, version: tuple[int, int, int] = (3, 9, 18), **variables: str
) -> Result:
    home = str(programs / "home")
    env = bare_environment(PATH=str(programs), LOCALAZURE_HOME=home, **variables)
    return run([sys.executable, "-c", AS_PYTHON.format(version)], ROOT, env)


def test_a_python_that_is_too_old_is_named_with_what_to_type(tmp_path: Path) -> None:
    result = run_with_old_python(tmp_path)
    assert result.status == 1
    assert "needs Python 3.11 or newer and found Python 3.9" in result.err
    assert "make env PYTHON=python3.12" in result.err


def test_a_newer_python_on_path_takes_over(tmp_path: Path) -> None:
    script(tmp_path / "python3.12", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    result = run_with_old_python(tmp_path)
    assert "is too old: going on with python3.12" in result.err
    assert "Stack 'nosuchstack' is not up on this machine" in result.err, "the target itself ran"


def test_a_name_on_path_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    script(tmp_path / "python3.12", "#!/bin/sh\nexit 127\n")
    assert "needs Python 3.11 or newer" in run_with_old_python(tmp_path).err


def test_a_python_that_is_too_old_for_the_django_asked_for_is_named(tmp_path: Path) -> None:
    result = run_with_old_python(tmp_path, (3, 11, 7), DJANGO="6.1")
    assert result.status == 1
    assert "Django 6.1 needs Python 3.12 or newer and found Python 3.11" in result.err
    assert "is not up" in run_with_old_python(tmp_path, (3, 11, 7), DJANGO="5.2").err


def test_a_django_that_is_no_version_is_refused(tmp_path: Path) -> None:
    for wrong in ("newest", "6", "6.1/../x", "6.1 -e .", "6.1\n"):
        result = run_with_old_python(tmp_path, (3, 13, 0), DJANGO=wrong)
        assert result.status == 1
        assert "which is no version: DJANGO=6.1" in result.err


def test_the_entry_point_itself_can_be_parsed_by_an_old_python() -> None:
    ast.parse(RUN.read_text(), feature_version=(3, 4))
    assert "from __future__ import annotations" not in RUN.read_text()
