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
from scripts.paths import ROOT, VENV_PYTHON, log_file, shown

# They would point Python or its installer at something other than this project's .venv, or, as
# PYTHONDONTWRITEBYTECODE, which containers often set, double the time that each command takes.
_MISLEADING = (
    "DJANGO_SETTINGS_MODULE",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "VIRTUAL_ENV",
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TAIL_LINES = 15


class ProcessFailed(Exception):
    """A command that failed, with its whole output, which a traceback must not show: it may hold
    secrets."""

    def __init__(self, command: str, status: int, output: str, log: Path | None) -> None:
        super().__init__(f"{command} ended with status {status}")
        self.command = command
        self.status = status
        self.output = output
        self.log = log

    def line(self, index: int = -1) -> str:
        """A line of the output that is not empty, the last by default."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[index] if lines else f"status {self.status}"

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
    """This environment without misleading variables and with loopback exempt from proxies, plus
    `extra`."""
    clean = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**clean, **_proxy_exceptions(clean), **(extra or {})}


def _proxy_exceptions(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that list the hosts to reach without a proxy, with loopback added.

    Programs that read two of these names prefer one, so each that is set must be complete.
    """
    upper, lower = environment.get("NO_PROXY", ""), environment.get("no_proxy", "")
    exceptions = {"NO_PROXY": upper or lower, "no_proxy": lower or upper}
    # gRPC, by which a Pulumi program reaches its engine, reads this one even if it is empty, else
    # `no_proxy`, and neither in upper case (gRPC's doc/environment_variables.md).
    if "no_grpc_proxy" in environment:
        exceptions["no_grpc_proxy"] = environment["no_grpc_proxy"]
    return {name: _with_loopback(hosts) for name, hosts in exceptions.items()}


def _with_loopback(hosts: str) -> str:
    if hosts.strip() == "*":  # all hosts, but only if nothing else is in the list
        return hosts
    listed = [host.strip() for host in hosts.split(",") if host.strip()]
    return ",".join([*listed, *(host for host in _LOOPBACK if host not in listed)])


def run(
    command: Sequence[str | Path],
    log: str,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> str:
    """Run the command, append its output to the log of that name, and return the output.

    `env` is the whole environment (default: `clean_environment()`). Raises ProcessFailed if the
    command fails, Problem if it cannot be started.
    """
    done = call(command, env=env, cwd=cwd, stderr=subprocess.STDOUT)
    return _checked(done, done.stdout, log)


def capture(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, log: str = ""
) -> str:
    """Run a command that may print secrets, and return its standard output, which is not logged.
    Its standard error is appended to the log of that name, if there is one.

    Raises ProcessFailed with its standard error only.
    """
    done = call(command, env=env)
    return _checked(done, done.stderr, log)


def attempt(
    command: Sequence[str | Path], log: str = "", *, env: Mapping[str, str] | None = None
) -> str | None:
    """The output of a command, or None if it fails or cannot be started. It is logged only if a
    log is named."""
    try:
        return run(command, log, env=env) if log else capture(command, env=env)
    except (ProcessFailed, Problem):
        return None


def exec_module(module: str, *arguments: str, extra: Mapping[str, str]) -> NoReturn:
    """Replace this process by a Python module in .venv, so that its exit status is ours. `extra`
    is added to the environment."""
    os.chdir(ROOT)
    command = [str(VENV_PYTHON), "-m", module, *arguments]
    os.execve(VENV_PYTHON, command, clean_environment(extra))


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


def _checked(done: subprocess.CompletedProcess[str], said: str, log: str) -> str:
    """Log what the command said, and return its standard output. Raises ProcessFailed."""
    file = log_file(log) if log else None
    if file:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(f"$ {shlex.join(done.args)}\n{said}\n")
    if done.returncode:
        raise ProcessFailed(_name(done.args), done.returncode, said, file)
    return done.stdout


def _name(arguments: list[str]) -> str:
    """The command as a person would call it: `localazure up`, `npm ci`, `manage.py migrate`."""
    words = [Path(word).name if "/" in word else word for word in arguments]
    if words[0].startswith("python") and len(words) > 1:
        words = words[2:] if words[1] == "-m" else words[1:]
    return " ".join([word for word in words if not word.startswith("-")][:2])
