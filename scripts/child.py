"""Commands that run on our behalf: their output goes to a log and is shown only if they fail."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.console import Problem
from scripts.paths import ROOT, shown

# They would turn a child's Python or its installer away from this project's .venv.
_MISLEADING = (
    "DJANGO_SETTINGS_MODULE",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "VIRTUAL_ENV",
)
_TAIL_LINES = 15


class ChildFailed(Exception):
    """A command that ended badly, with all that it said."""

    def __init__(self, command: str, status: int, output: str, log: Path | None) -> None:
        super().__init__(f"{command} ended with status {status}")
        self.command = command
        self.status = status
        self.output = output
        self.log = log

    def last_line(self) -> str:
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else f"status {self.status}"

    def problem(self, what: str) -> Problem:
        """The failure as the user reads it: what did not work, the tool's last lines, the log."""
        tail = "\n".join(f"    {line}" for line in self.output.strip().splitlines()[-_TAIL_LINES:])
        log = f"\nThe whole log is {shown(self.log)}" if self.log else ""
        return Problem(f"{what} failed: {self.command} said\n{tail or '    nothing'}{log}")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without what misleads a child, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**kept, **(extra or {})}


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> str:
    """Run the command, append what it says to the log, and return that.

    `env` is the whole environment (default: `clean_environment()`). Raises ChildFailed if the
    command ends badly, Problem if it cannot be started.
    """
    arguments = [str(part) for part in command]
    result = _call(arguments, cwd, env, stderr=subprocess.STDOUT)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"$ {shlex.join(arguments)}\n{result.stdout}\n")
    if result.returncode:
        raise ChildFailed(_name(arguments), result.returncode, result.stdout, log)
    return result.stdout


def capture(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> str:
    """Run a command that prints secrets: what it prints is returned and written nowhere.

    Raises ChildFailed with what it said on standard error only.
    """
    arguments = [str(part) for part in command]
    result = _call(arguments, cwd, env, stderr=subprocess.PIPE)
    if result.returncode:
        raise ChildFailed(_name(arguments), result.returncode, result.stderr, None)
    return result.stdout


def _call(
    arguments: list[str], cwd: Path, env: Mapping[str, str] | None, *, stderr: int
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            arguments,
            cwd=cwd,
            env=clean_environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise Problem(f"{arguments[0]} could not be started: {error.strerror}") from None


def _name(arguments: list[str]) -> str:
    """The command as a person would call it: `localazure up`, `npm ci`, `manage.py migrate`."""
    words = [Path(word).name if "/" in word else word for word in arguments]
    if words[0].startswith("python") and len(words) > 1:
        words = words[2:] if words[1] == "-m" else words[1:]
    return " ".join([word for word in words if not word.startswith("-")][:2])
