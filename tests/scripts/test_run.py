"""The door of every target finds a Python that will do, or says which one it found."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.scripts.conftest import ROOT, Result, bare_environment, run, script

RUN = ROOT / "scripts" / "run.py"
AS_OLD_PYTHON = (
    "import runpy, sys\n"
    "sys.version_info = (3, 9, 18, 'final', 0)\n"
    f"sys.argv = [{str(RUN)!r}, 'env', '--stack', 'nosuchstack']\n"
    f"runpy.run_path({str(RUN)!r}, run_name='__main__')\n"
)


def run_with_old_python(programs: Path) -> Result:
    env = bare_environment(PATH=str(programs), LOCALAZURE_HOME=str(programs / "home"))
    return run([sys.executable, "-c", AS_OLD_PYTHON], ROOT, env)


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


def test_the_door_itself_can_be_read_by_an_old_python() -> None:
    ast.parse(RUN.read_text(), feature_version=(3, 4))
    assert "from __future__ import annotations" not in RUN.read_text()
