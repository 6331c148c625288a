"""Commands that run on our behalf: their output goes to a log and is shown only if they fail."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from scripts.console import Problem
from scripts.paths import ROOT, VENV_PYTHON, shown

# They would point Python or its installer at something other than this project's .venv.
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


class ProcessFailed(Exception):
    """A command that failed, with its whole output."""

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
        """The failure as the user reads it: what failed, the tool's last lines, and the log."""
        log = f"\nThe whole log is {shown(self.log)}" if self.log else ""
        return Problem(f"{what} failed: {self.command} said\n{tail(self.output)}{log}")


def tail(output: str) -> str:
    """The last lines of an output, indented."""
    lines = output.strip().splitlines()[-_TAIL_LINES:] or ["nothing"]
    return "\n".join(f"    {line}" for line in lines)


@contextmanager
def report_failure(what: str) -> Iterator[None]:
    """Turn a ProcessFailed into a Problem that says what was being done."""
    try:
        yield
    except ProcessFailed as failure:
        raise failure.problem(what) from None


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without misleading variables, plus `extra`."""
    clean = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**clean, **(extra or {})}


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> str:
    """Run the command, append its output to the log, and return the output.

    `env` is the whole environment (default: `clean_environment()`). Raises ProcessFailed if the
    command fails, Problem if it cannot be started.
    """
    result = call(command, env=env, cwd=cwd, stderr=subprocess.STDOUT)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"$ {shlex.join(result.args)}\n{result.stdout}\n")
    if result.returncode:
        raise ProcessFailed(_name(result.args), result.returncode, result.stdout, log)
    return result.stdout


def capture(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> str:
    """Run a command that may print secrets, and return its standard output, which is not logged.

    Raises ProcessFailed with its standard error only.
    """
    result = call(command, env=env, cwd=cwd)
    if result.returncode:
        raise ProcessFailed(_name(result.args), result.returncode, result.stderr, None)
    return result.stdout


def exec_module(module: str, *arguments: str, env: Mapping[str, str]) -> NoReturn:
    """Replace this process by a Python module in .venv, so that its exit status is ours."""
    os.chdir(ROOT)
    os.execve(VENV_PYTHON, [str(VENV_PYTHON), "-m", module, *arguments], dict(env))


def call(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stderr: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run the command, whatever its status. Raises Problem if it cannot be started."""
    arguments = [str(part) for part in command]
    try:
        return subprocess.run(
            arguments,
            cwd=cwd,
            env=clean_environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
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
