"""`make bench`: set up what is measured, and what it is measured against, then measure."""

from __future__ import annotations

import os
import sys

from scripts import child, setup, stamp
from scripts.child import ChildFailed, clean_environment
from scripts.console import entry, say, step
from scripts.paths import APP, ROOT, VENV_PYTHON, log_file, shown

PEERS = ROOT / ".venv-bench"
_REQUIREMENTS = {
    "django": (ROOT / "bench" / "requirements.txt",),
    "cli": (ROOT / "bench" / "requirements-cli.txt",),
}
# None of these measures anybody but this project and what it is installed with.
_WITHOUT_PEERS = {"--quick", "--list", "--report", "--help", "-h"}


def main(arguments: list[str]) -> int:
    """`arguments` go to the bench. Ends as it does: its exit status is ours."""

    def work() -> int:
        setup.ensure()
        if not _WITHOUT_PEERS & {*arguments}:
            for name in _REQUIREMENTS:
                _ensure_peers(name)
        os.chdir(ROOT)
        command = [str(VENV_PYTHON), "-m", "bench", *arguments]
        os.execve(VENV_PYTHON, command, clean_environment({"PYTHONPATH": str(APP)}))

    return entry(work)


def _ensure_peers(name: str) -> None:
    """An environment of the bench's own; a peer that cannot be had is left out, and said to be."""
    home = PEERS / name
    done = home / ".bench-stamp"
    wanted = stamp.fingerprint((*_REQUIREMENTS[name], ROOT / "constraints.txt"), sys.version)
    if done.exists() and done.read_text() == wanted:
        return
    file = _REQUIREMENTS[name][0]
    log = log_file("bench")
    done.unlink(missing_ok=True)
    try:
        with step(f"Python packages of {shown(file)} in {shown(home)}"):
            child.run([sys.executable, "-m", "venv", "--clear", home], log)
            # Compiled now: no competitor's first run is to pay for it.
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--compile", "--quiet"]
            child.run([*pip, "-r", file], log)
    except ChildFailed as failure:
        say(f"{shown(file)}: {failure.last_line()} It is left out; the log is {shown(log)}")
        return
    done.write_text(wanted)
