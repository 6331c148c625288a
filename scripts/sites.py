"""`make sites`: set up what opens sites, then publish and open those of other people's packages."""

from __future__ import annotations

import os

from scripts import packages, setup, stamp
from scripts.child import clean_environment
from scripts.console import entry
from scripts.paths import APP, ROOT, VENV_PYTHON

# None of these starts anything.
_ONLY_READS = {"--list", "--report", "--help", "-h"}


def main(arguments: list[str]) -> int:
    """`arguments` go to the sites' own command. Ends as it does: its exit status is ours."""

    def work() -> int:
        environment = {"PYTHONPATH": str(APP)}
        if _ONLY_READS & {*arguments}:
            setup.ensure()
        else:
            setup.ensure(dev=True, with_browser=True)
            environment |= {"CHROMIUM": stamp.read().get("browser", ""), **packages.uv_settings()}
        os.chdir(ROOT)
        command = [str(VENV_PYTHON), "-m", "sites", *arguments]
        os.execve(VENV_PYTHON, command, clean_environment(environment))

    return entry(work)
