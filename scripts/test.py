"""`make test`: set up what the tests need, then run them, several at once."""

from __future__ import annotations

import os

from scripts import setup, stamp
from scripts.child import clean_environment
from scripts.console import entry
from scripts.paths import ROOT, VENV_PYTHON

# A file's tests stay together: what they start for themselves is started once. The files come in
# the order of tests/conftest.py.
SPREAD = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")


def main(arguments: list[str]) -> int:
    """`arguments` go to pytest, after our own. Ends as pytest: its exit status is ours."""

    def work() -> int:
        setup.ensure(dev=True, with_browser=True)
        environment = clean_environment({"CHROMIUM": stamp.read().get("browser", "")})
        # Hundreds of processes import the same packages, and would each compile them anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        # The tests of these scripts set up environments of their own.
        environment.pop("DJANGO", None)
        os.chdir(ROOT)
        command = [str(VENV_PYTHON), "-m", "pytest", *SPREAD, *arguments]
        os.execve(VENV_PYTHON, command, environment)

    return entry(work)
