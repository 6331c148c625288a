"""Who deploys the stack on this machine: the Pulumi CLI where it is on PATH, else localazure.

Both run the same program against Azurite and keep their state in the state folder. The user's own
Pulumi login, and Azure, are never touched from here.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from scripts import child
from scripts.child import ChildFailed
from scripts.console import Problem
from scripts.files import read_text, write_private
from scripts.paths import ROOT, VENV_PYTHON, log_file, state_dir


class Engine(Protocol):
    """`why` ends the sentence 'the engine is NAME, because …'."""

    name: str
    why: str

    def has_state(self) -> bool:
        """Whether it has deployed the stack and not destroyed it."""

    def up(self) -> None:
        """Deploy; raises ChildFailed."""

    def destroy(self) -> None:
        """Delete all that `up` made; raises ChildFailed."""

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, secrets in plain text; raises ChildFailed."""


class LocalEngine:
    """localazure's own engine, for machines without the Pulumi CLI."""

    name = "localazure"

    def __init__(self, stack: str, environment: dict[str, str], why: str) -> None:
        self.stack = stack
        self.why = why
        self._environment = environment

    def has_state(self) -> bool:
        file = state_dir() / "stacks" / f"{self.stack}.json"
        return _has_resources(file, "resources") or _has_resources(file, "pending")

    def up(self) -> None:
        self._run("up", "--yes")

    def destroy(self) -> None:
        self._run("destroy", "--yes")

    def outputs(self) -> dict[str, str]:
        command = self._command("output", "--json", "--show-secrets")
        return _texts(child.capture(command, env=self._environment))

    def _run(self, *arguments: str) -> None:
        child.run(self._command(*arguments), log_file("stack"), env=self._environment)

    def _command(self, *arguments: str) -> list[str | Path]:
        return [VENV_PYTHON, "-m", "localazure", *arguments, "--stack", self.stack]


class PulumiEngine:
    """The Pulumi CLI with a login, a backend and a passphrase of its own in the state folder."""

    name = "pulumi"

    def __init__(self, stack: str, environment: dict[str, str], why: str) -> None:
        self.stack = stack
        self.why = why
        self._home = state_dir() / "pulumi"
        self._settings = self._home / "project" / f"Pulumi.{stack}.yaml"
        self._environment = {**environment, **self._own_settings()}

    def has_state(self) -> bool:
        files = (self._home / "backend" / ".pulumi" / "stacks").glob(f"*/{self.stack}.json")
        return any(_has_resources(file, "checkpoint", "latest", "resources") for file in files)

    def up(self) -> None:
        self._init()
        self._run("up", "--yes", "--skip-preview", "--config-file", str(self._settings))

    def destroy(self) -> None:
        self._init()
        self._run("destroy", "--yes", "--skip-preview", "--config-file", str(self._settings))

    def outputs(self) -> dict[str, str]:
        command = self._command("stack", "output", "--json", "--show-secrets")
        return _texts(child.capture(command, env=self._environment))

    def _init(self) -> None:
        """Make the stack once, and bring its settings up to the committed ones.

        `stack init` writes the encryption salt into the project's settings file. It runs in a
        project folder of ours, so that the committed Pulumi.<stack>.yaml stays as it is.
        """
        project = self._settings.parent
        project.mkdir(mode=0o700, exist_ok=True)
        self._follow_rename(project)
        shutil.copyfile(ROOT / "Pulumi.yaml", project / "Pulumi.yaml")
        # `select --create` fails on a salt of another passphrase, so none is offered at first.
        if not self._settings.exists():
            command = ["pulumi", "--non-interactive", "stack", "select", "--create", self.stack]
            child.run(command, log_file("stack"), env=self._environment, cwd=project)
        salt = [
            line
            for line in self._settings.read_text(encoding="utf-8").splitlines()
            if line.startswith("encryptionsalt:")
        ]
        committed = "\n".join(
            line
            for line in (ROOT / self._settings.name).read_text(encoding="utf-8").splitlines()
            if not line.startswith("encryptionsalt:")  # of the user's own `pulumi stack init`
        )
        self._settings.write_text("\n".join([committed, *salt]) + "\n", encoding="utf-8")

    def _follow_rename(self, project: Path) -> None:
        """Bring the stack along to the name that the project has by now."""
        stacks = self._home / "backend" / ".pulumi" / "stacks"
        before, now = project_name(project), project_name(ROOT)
        if before in ("", now) or not (stacks / before / f"{self.stack}.json").exists():
            return
        if (stacks / now / f"{self.stack}.json").exists():
            return
        rename = ["stack", "rename", f"organization/{now}/{self.stack}"]
        child.run(self._command(*rename), log_file("stack"), env=self._environment, cwd=project)

    def _own_settings(self) -> dict[str, str]:
        backend, passphrase = self._home / "backend", self._home / "passphrase"
        for folder in (self._home, backend):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not read_text(passphrase):
            write_private(passphrase, secrets.token_urlsafe(32))
        return {
            # The stand-in for azure-native is the first plugin of that name on PATH.
            "PATH": f"{ROOT / 'localazure' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PULUMI_HOME": str(self._home / "home"),
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _run(self, *arguments: str) -> None:
        command = self._command(*arguments)
        with _alone():
            try:
                child.run(command, log_file("stack"), env=self._environment)
            except ChildFailed as failure:
                if "currently locked" not in failure.output:
                    raise
                # Nobody else uses this backend while we hold our own lock, so a killed run left it.
                child.run(
                    self._command("cancel", "--yes"), log_file("stack"), env=self._environment
                )
                child.run(command, log_file("stack"), env=self._environment)

    def _command(self, *arguments: str) -> list[str | Path]:
        return ["pulumi", "--non-interactive", "--color=never", *arguments, "--stack", self.stack]


def project_name(folder: Path) -> str:
    """The name in a folder's Pulumi.yaml, or an empty string."""
    text = read_text(folder / "Pulumi.yaml") or ""
    found = re.search(r"^name:[ \t]*['\"]?([\w.-]+)", text, re.MULTILINE)
    return found[1] if found else ""


def engine_environment(blob_port: int | None = None) -> dict[str, str]:
    """The environment of both engines and of `localazure azurite`.

    Without a port it stays the running Azurite's, else the default.
    """
    dropped = ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK")
    kept = {k: v for k, v in child.clean_environment().items() if k not in dropped}
    extra = {"LOCALAZURE_HOME": str(state_dir())}
    if blob_port is not None:
        extra["LOCALAZURE_BLOB_PORT"] = str(blob_port)
    return {**kept, **extra}


def choose(stack: str, environment: dict[str, str]) -> Engine:
    """The engine whose stack is up, else Pulumi where it is on PATH, else localazure.

    Raises Problem for a stack that has no settings file, or that lives in a Pulumi which is gone.
    """
    _refuse_unknown(stack)
    pulumi = shutil.which("pulumi")
    if LocalEngine(stack, environment, "").has_state():
        hint = "it deployed this stack; 'make down' first to change to pulumi" if pulumi else ""
        return LocalEngine(stack, environment, hint or "there is no pulumi on PATH")
    if pulumi:
        return PulumiEngine(stack, environment, f"{pulumi} is on PATH")
    if (state_dir() / "pulumi").exists() and PulumiEngine(stack, environment, "").has_state():
        raise Problem(
            f"Stack '{stack}' was deployed with the Pulumi CLI, which is no longer on PATH: "
            "put it back on PATH and run it again"
        )
    return LocalEngine(stack, environment, "there is no pulumi on PATH")


def deployed(stack: str, environment: dict[str, str]) -> Engine | None:
    """The engine that has the stack up on this machine, None if none has."""
    if not (ROOT / f"Pulumi.{stack}.yaml").exists():
        return None
    engine = choose(stack, environment)
    return engine if engine.has_state() else None


def users_pulumi(stack: str) -> dict[str, str]:
    """A stack's outputs from wherever the user's own Pulumi keeps it: that is, from Azure.

    Raises Problem if there is no Pulumi, or it does not know the stack.
    """
    if shutil.which("pulumi") is None:
        raise Problem(
            f"Stack '{stack}' is not up on this machine, and there is no pulumi on PATH to ask: "
            "install the Pulumi CLI, or name the stack that 'make up' deployed, for example "
            "make env STACK=local"
        )
    command = ["pulumi", "--non-interactive", "stack", "output", "--json", "--show-secrets"]
    try:
        return _texts(child.capture([*command, "--stack", stack]))
    except ChildFailed as failure:
        raise failure.problem(f"Reading the outputs of stack '{stack}'") from None


@contextmanager
def _alone() -> Iterator[None]:
    """One deployment at a time: a second one waits."""
    with (state_dir() / "deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_unknown(stack: str) -> None:
    if (ROOT / f"Pulumi.{stack}.yaml").exists():
        return
    known = sorted(path.name[7:-5] for path in ROOT.glob("Pulumi.*.yaml"))
    raise Problem(
        f"There is no stack '{stack}': Pulumi.{stack}.yaml does not exist. Stacks here: "
        f"{', '.join(known) or 'none'}. A new one for this machine: "
        f"cp Pulumi.local.yaml Pulumi.{stack}.yaml"
    )


def _has_resources(file: Path, *keys: str) -> bool:
    """Whether the list there has anything in it. A file that cannot be read may have."""
    if not os.path.lexists(file):
        return False
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        for key in keys:
            found = found[key]
    except (KeyError, TypeError):
        return False
    except (OSError, ValueError, RecursionError):
        return True
    return bool(found)


def _texts(output: str) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in json.loads(output).items()
    }
