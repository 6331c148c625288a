"""`make bench`: set up what is measured and what it is compared with, then measure."""

from __future__ import annotations

import sys

from scripts import process, setup, stamp
from scripts.console import say, step
from scripts.paths import APP, ROOT, log_file, shown
from scripts.process import ProcessFailed, clean_environment

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
    process.exec_module("bench", *arguments, env=clean_environment({"PYTHONPATH": str(APP)}))


def _ensure_peers(name: str) -> None:
    """Install a peer into an environment of its own; one that cannot be installed is left out."""
    home, file = PEERS / name, _REQUIREMENTS[name]
    done = home / ".bench-stamp"
    wanted = stamp.fingerprint((file, ROOT / "constraints.txt"), sys.version)
    if done.exists() and done.read_text() == wanted:
        return
    log = log_file("bench")
    done.unlink(missing_ok=True)
    try:
        with step(f"Python packages of {shown(file)} in {shown(home)}"):
            process.run([sys.executable, "-m", "venv", "--clear", home], log)
            # Compiled now, so that no competitor's first run pays for it.
            python = home / "bin" / "python"
            process.run([python, "-m", "pip", "install", "--compile", "--quiet", "-r", file], log)
    except ProcessFailed as failure:
        say(f"{shown(file)}: {failure.last_line()} It is left out; the log is {shown(log)}")
        return
    done.write_text(wanted)
