"""`make test`: set up what the tests need, then run them."""

from __future__ import annotations

import os

from scripts import setup, stamp
from scripts.child import clean_environment
from scripts.console import entry
from scripts.paths import ROOT, VENV_PYTHON


def main(arguments: list[str]) -> int:
    """`arguments` go to pytest. Ends as pytest: its exit status is ours."""

    def work() -> int:
        setup.ensure(dev=True, with_browser=True)
        environment = clean_environment({"CHROMIUM": stamp.read().get("browser", "")})
        os.chdir(ROOT)
        command = [str(VENV_PYTHON), "-m", "pytest", *arguments]
        os.execve(VENV_PYTHON, command, environment)

    return entry(work)
