"""`make bench`: set up what is measured and what it is compared with, then measure."""

from __future__ import annotations

import sys

from scripts import process, setup, stamp
from scripts.console import say, step
from scripts.files import read_text
from scripts.paths import APP, ROOT, log_file, shown
from scripts.process import ProcessFailed

PEERS = ROOT / ".venv-bench"
_REQUIREMENTS = {
    "django": ROOT / "bench" / "requirements.txt",
    "cli": ROOT / "bench" / "requirements-cli.txt",
}
# These measure nothing but this project and what it is installed with.
_WITHOUT_PEERS = {"--quick", "--list", "--report", "--help", "-h"}


def main(arguments: list[str]) -> int:
    setup.ensure()
    if not _WITHOUT_PEERS & {*arguments}:
        for name in _REQUIREMENTS:
            _ensure_peers(name)
    process.exec_module("bench", *arguments, extra={"PYTHONPATH": str(APP)})


def _ensure_peers(name: str) -> None:
    """Install a peer into an environment of its own; one that cannot be installed is left out."""
    home, file = PEERS / name, _REQUIREMENTS[name]
    done = home / ".bench-stamp"
    wanted = stamp.fingerprint((file, ROOT / "constraints.txt"), sys.version)
    if read_text(done) == wanted:
        return
    try:
        with step(f"Python packages of {shown(file)} in {shown(home)}"):
            process.run([sys.executable, "-m", "venv", "--clear", home], "bench")
            # Compiled now, so that no competitor's first run pays for it.
            python = home / "bin" / "python"
            pip = ("-m", "pip", "install", "--compile", "--quiet")
            process.run([python, *pip, "-r", file], "bench")
    except ProcessFailed as failure:
        say(
            f"{shown(file)}: {failure.line()} It is left out; the log is {shown(log_file('bench'))}"
        )
        return
    done.write_text(wanted)
