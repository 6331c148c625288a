"""What is typed for make's variables reaches the scripts as it is, and is never run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scripts.conftest import ROOT, Result, bare_environment, run, script

TARGETS = {
    "setup": [],
    "up": ["PORT", "BLOB_PORT", "STACK"],
    "down": ["STACK"],
    "serve": ["PORT"],
    "release": ["ARGS"],
    "deploy": ["STACK", "ARGS"],
    "env": ["STACK"],
    "preview": ["BASE", "STACK"],
    "rotate": ["STACK", "ARGS"],
    "pipeline": ["STACK", "ARGS"],
    "test": ["ARGS"],
    "endurance": ["ARGS"],
    "sites": ["ARGS"],
    "bench": ["ARGS"],
    "lint": [],
    "fmt": [],
}
# Each would make a file called x, if anything ran it.
HOSTILE = (
    '"; touch x; "',
    "'; touch x; '",
    "$(touch x)",
    "`touch x`",
    "$(shell touch x)",
    "$$(touch x)",
    "${shell touch x}",
    "a\ntouch x\n",
    "; touch x #",
    "| touch x",
    '\\"; touch x; \\"',
)
# Prints the arguments, one a line, and the variables of make that are left for the children.
SHOW = """\
import json, os, runpy, sys
sys.argv = sys.argv[1:]
sys.modules["scripts"] = type(sys)("scripts")
shown = type(sys)("scripts.shown")
shown.main = lambda arguments: print(json.dumps([arguments, sorted(os.environ)])) or 0
for name in {targets!r}:
    sys.modules["scripts." + name] = shown
console = type(sys)("scripts.console")
console.entry = lambda work: work()
sys.modules["scripts.console"] = console
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile with the door of its targets, behind which the arguments are printed."""
    (tmp_path / "scripts").mkdir()
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    shutil.copyfile(ROOT / "scripts" / "run.py", tmp_path / "scripts" / "run.py")
    names = sorted(TARGETS)
    (tmp_path / "show.py").write_text(SHOW.format(targets=names))
    script(tmp_path / "python", f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/show.py" "$@"\n')
    return tmp_path


def make(folder: Path, *arguments: str, python: str = "") -> Result:
    python = python or str(folder / "python")
    return run(["make", *arguments, f"PYTHON={python}"], folder, bare_environment())


def some(number: int) -> list[str]:
    """Three of the hostile values, others for each number: all of them within a few numbers."""
    return [HOSTILE[(3 * number + index) % len(HOSTILE)] for index in range(3)]


def shown(result: Result) -> tuple[list[str], list[str]]:
    assert result.status == 0, result.err
    arguments, environment = json.loads(result.out)
    return arguments, environment


VARIABLES = [(target, name) for target, names in TARGETS.items() for name in names]


@pytest.mark.parametrize(("target", "variable"), VARIABLES)
def test_no_value_of_a_variable_is_run(folder: Path, target: str, variable: str) -> None:
    check_variable(folder, target, variable, some(VARIABLES.index((target, variable))))


@pytest.mark.endurance
@pytest.mark.parametrize(("target", "variable"), VARIABLES)
def test_none_of_all_values_of_a_variable_is_run(folder: Path, target: str, variable: str) -> None:
    check_variable(folder, target, variable, HOSTILE)


def check_variable(folder: Path, target: str, variable: str, values: Sequence[str]) -> None:
    for value in values:
        result = make(folder, target, f"{variable}={value}")
        assert not (folder / "x").exists(), value
        if variable != "ARGS":
            assert any(argument.endswith(f"={value}") for argument in shown(result)[0]), (
                value,
                result.out,
            )


@pytest.mark.parametrize("target", TARGETS)
def test_no_name_of_a_python_is_run_as_a_command_line(folder: Path, target: str) -> None:
    check_python(folder, target, some([*TARGETS].index(target)))


@pytest.mark.endurance
@pytest.mark.parametrize("target", TARGETS)
def test_none_of_all_names_of_a_python_is_run(folder: Path, target: str) -> None:
    check_python(folder, target, HOSTILE)


def check_python(folder: Path, target: str, values: Sequence[str]) -> None:
    for value in values:
        result = make(folder, target, python=value)
        assert result.status != 0
        assert f"There is no '{value}' on PATH" in result.err
        assert not (folder / "x").exists(), value


def test_no_version_of_django_is_run(folder: Path) -> None:
    for value in HOSTILE:
        result = make(folder, "test", f"DJANGO={value}")
        assert result.status != 0
        assert f"DJANGO is {value!r}, which is no version" in result.err
        assert not (folder / "x").exists(), value


def test_the_arguments_are_split_as_a_shell_splits_and_are_not_expanded(folder: Path) -> None:
    result = make(folder, "test", """ARGS=-k 'one or two' "a b" $HOME *.py x\\ y""")
    assert shown(result)[0] == ["-k", "one or two", "a b", "$HOME", "*.py", "x y"]
    assert shown(make(folder, "endurance", "ARGS=-x"))[0] == ["-m", "endurance", "-x"]
    assert shown(make(folder, "test"))[0] == []


def test_a_quote_that_is_not_closed_is_said_to_be_so(folder: Path) -> None:
    result = make(folder, "test", "ARGS=-k 'one")
    assert result.status != 0
    assert "ARGS cannot be split into words (No closing quotation)" in result.err
    assert "Traceback" not in result.err


def test_no_variable_of_make_is_handed_on_to_what_the_scripts_start(folder: Path) -> None:
    _, environment = shown(make(folder, "up", "PORT=18000"))
    assert not {"ARGS", "BASE", "BLOB_PORT", "PORT", "PYTHON", "STACK"} & {*environment}


def test_every_stack_is_previewed_unless_one_is_named(folder: Path) -> None:
    assert shown(make(folder, "preview"))[0] == ["--base=origin/main", "--stack="]
    assert shown(make(folder, "preview", "STACK=prod"))[0] == ["--base=origin/main", "--stack=prod"]


def test_the_pipeline_is_that_of_prod_unless_a_stack_is_named(folder: Path) -> None:
    assert shown(make(folder, "pipeline"))[0] == ["--stack=prod"]
    named = shown(make(folder, "pipeline", "STACK=live", "ARGS=--apply --reviewer octocat"))[0]
    assert named == ["--stack=live", "--apply", "--reviewer", "octocat"]


def test_a_stack_is_chosen_by_the_command_line_and_not_by_a_shells_leftover(folder: Path) -> None:
    leftover = bare_environment(STACK="leftover", BASE="leftover", PORT="1", ARGS="leftover")
    python = f"PYTHON={folder / 'python'}"
    assert shown(run(["make", "preview", python], folder, leftover))[0] == [
        "--base=origin/main",
        "--stack=",
    ]
    chosen = run(["make", "preview", python, "STACK=prod", "BASE=HEAD~1"], folder, leftover)
    assert shown(chosen)[0] == ["--base=HEAD~1", "--stack=prod"]
    assert shown(run(["make", "test", python], folder, leftover))[0] == []


def test_up_has_its_ports_by_default(folder: Path) -> None:
    assert shown(make(folder, "up"))[0] == ["--port=8000", "--blob-port=", "--stack=local"]
