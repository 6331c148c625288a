"""The engine that deploys a stack on this machine: the Pulumi CLI if there is one, else localazure.

Both run the same program against Azurite and store their state in the state folder. The user's own
Pulumi login, and Azure, are never used from here.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from scripts import process
from scripts.console import Problem
from scripts.files import locked, read_text, write_atomically
from scripts.paths import ROOT, VENV_PYTHON, shown, state_dir
from scripts.process import ProcessFailed, report_failure

LOCAL_STACK = "local"
STACK_FILE = Path(__file__).with_name("stack_file.py")


class Engine:
    """localazure's own engine, for machines without the Pulumi CLI.

    `why` ends the sentence 'the engine is NAME, because …'. `starts_azurite` is true if `up` starts
    Azurite in any case, and not only if a resource needs it. Commands that fail raise
    ProcessFailed.
    """

    name = "localazure"
    command: tuple[str | Path, ...] = (VENV_PYTHON, "-m", "localazure")
    starts_azurite = True
    show_outputs: tuple[str, ...] = ("output", "--json", "--show-secrets")

    def __init__(self, stack: str, environment: dict[str, str], why: str) -> None:
        self.stack = stack
        self.why = why
        self.environment = environment

    def has_state(self) -> bool:
        """Whether it has deployed the stack and not destroyed it."""
        file = state_dir() / "stacks" / f"{self.stack}.json"
        return _has_resources(file, "resources") or _has_resources(file, "pending")

    def up(self) -> dict[str, str]:
        """Deploy the stack, and return its outputs, secrets in plain text."""
        # One process does both: starting it takes longer than what it does for an unchanged stack.
        return self._read("up", "--yes", "--json", "--show-secrets", log="stack")

    def destroy(self) -> None:
        """Delete all that `up` created."""
        self.run("destroy", "--yes")

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, secrets in plain text."""
        return self._read(*self.show_outputs)

    def _read(self, *arguments: str, log: str = "") -> dict[str, str]:
        command = [*self.command, *arguments, "--stack", self.stack]
        return _texts(process.capture(command, env=self.environment, log=log))

    def run(self, *arguments: str, cwd: Path = ROOT) -> None:
        command = [*self.command, *arguments, "--stack", self.stack]
        process.run(command, "stack", env=self.environment, cwd=cwd)


class PulumiEngine(Engine):
    """The Pulumi CLI with a login, a backend and a passphrase of its own in the state folder."""

    name = "pulumi"
    command = ("pulumi", "--non-interactive", "--color=never")
    starts_azurite = False
    show_outputs = ("stack", "output", "--json", "--show-secrets")

    def __init__(self, stack: str, environment: dict[str, str], why: str) -> None:
        self._home = state_dir() / "pulumi"
        self._project = self._home / "project"
        self._settings = self._project / f"Pulumi.{stack}.yaml"
        super().__init__(stack, {**environment, **self._own_variables()}, why)

    def has_state(self) -> bool:
        return any(
            _has_resources(file, "checkpoint", "latest", "resources") for file in self._stacks()
        )

    def up(self) -> dict[str, str]:
        self._deploy("up")
        return self.outputs()

    def destroy(self) -> None:
        self._deploy("destroy")

    def _deploy(self, command: str) -> None:
        self._init()
        arguments = [command, "--yes", "--skip-preview", "--config-file", str(self._settings)]
        with locked(state_dir() / "deploy.lock", "Another deployment is running: waiting for it"):
            try:
                self.run(*arguments)
            except ProcessFailed as failure:
                if "currently locked" not in failure.output:
                    raise
                # Nobody else uses this backend while we hold our own lock, so the lock in it is
                # left from a run that was killed.
                self.run("cancel", "--yes")
                self.run(*arguments)

    def _init(self) -> None:
        """Create the stack once, and bring its settings up to the committed ones.

        Pulumi writes the encryption salt into the stack's settings file. It runs in a folder in the
        state folder, so that the committed Pulumi.<stack>.yaml stays as it is.
        """
        self._project.mkdir(mode=0o700, exist_ok=True)
        description, copy = ROOT / "Pulumi.yaml", self._project / "Pulumi.yaml"
        # Reading YAML takes another process, so it is not read again for an unchanged file.
        if not copy.exists() or copy.read_bytes() != description.read_bytes():
            self._follow_rename()
            shutil.copyfile(description, copy)
        # `select --create` fails on a salt of another passphrase, so none is offered at first.
        if not self._settings.exists():
            self.run("stack", "select", "--create", cwd=self._project)
        salt, _ = _split_salt(self._settings)
        _, committed = _split_salt(ROOT / self._settings.name)
        self._settings.write_text("\n".join([*committed, *salt]) + "\n", encoding="utf-8")

    def _follow_rename(self) -> None:
        """Rename the deployed stack if the project has another name by now."""
        project = read_yaml(ROOT / "Pulumi.yaml")["name"]
        deployed = {file.parent.name for file in self._stacks()}
        if deployed and project not in deployed:
            # In the project folder, which still has the former name.
            name = f"organization/{project}/{self.stack}"
            self.run("stack", "rename", name, cwd=self._project)

    def _stacks(self) -> list[Path]:
        """The state of the stack, once for each name that the project has had."""
        stacks = self._home / "backend" / ".pulumi" / "stacks"
        return sorted(stacks.glob(f"*/{self.stack}.json"))

    def _own_variables(self) -> dict[str, str]:
        backend, passphrase = self._home / "backend", self._home / "passphrase"
        for folder in (self._home, backend):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not read_text(passphrase):
            write_atomically(passphrase, secrets.token_urlsafe(32))
        return {
            # Pulumi takes the first plugin for azure-native on PATH, which is localazure's.
            "PATH": f"{ROOT / 'localazure' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PULUMI_HOME": str(self._home / "home"),
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def engine_environment(blob_port: int | None = None) -> dict[str, str]:
    """The environment of both engines and of `localazure azurite`.

    Without a port, Azurite keeps the port that it runs on, or gets the default.
    """
    dropped = ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK")
    clean = {k: v for k, v in process.clean_environment().items() if k not in dropped}
    port = {} if blob_port is None else {"LOCALAZURE_BLOB_PORT": str(blob_port)}
    return {**clean, "LOCALAZURE_HOME": str(state_dir()), **port}


def choose(stack: str, environment: dict[str, str]) -> Engine:
    """The engine that has deployed the stack, else Pulumi if it is on PATH, else localazure.

    Raises Problem for a stack without a settings file, or if Pulumi deployed it and is gone.
    """
    if not settings_file(stack).exists():
        raise Problem(
            f"{no_stack(stack)}. A new one for this machine: "
            f"cp Pulumi.local.yaml Pulumi.{stack}.yaml"
        )
    pulumi = shutil.which("pulumi")
    local = Engine(stack, environment, "there is no pulumi on PATH")
    if local.has_state():
        if pulumi:
            local.why = "it deployed this stack; 'make down' first to change to pulumi"
    elif pulumi:
        return PulumiEngine(stack, environment, f"{pulumi} is on PATH")
    elif (state_dir() / "pulumi").exists() and PulumiEngine(stack, environment, "").has_state():
        raise Problem(
            f"Stack '{stack}' was deployed with the Pulumi CLI, which is no longer on PATH: "
            "put it back on PATH and run it again"
        )
    return local


def deployed(stack: str, environment: dict[str, str]) -> Engine | None:
    """The engine that has deployed the stack on this machine, None if none has."""
    if not settings_file(stack).exists():
        return None
    engine = choose(stack, environment)
    return engine if engine.has_state() else None


def outputs(stack: str, deployed: Engine | None) -> dict[str, str]:
    """The stack's outputs from this machine, else from the user's own Pulumi, which is in Azure.

    Raises Problem if there is no Pulumi, or it does not know the stack.
    """
    with report_failure(f"Reading the outputs of stack '{stack}'"):
        if deployed is not None:
            return deployed.outputs()
        if shutil.which("pulumi") is None:
            raise Problem(
                f"Stack '{stack}' is not up on this machine, and there is no pulumi on PATH to "
                "ask: install the Pulumi CLI, or name the stack that 'make up' deployed, for "
                "example make env STACK=local"
            )
        command = ["pulumi", "stack", "output", "--non-interactive", "--json", "--show-secrets"]
        return _texts(process.capture([*command, "--stack", stack]))


def settings_file(stack: str) -> Path:
    return ROOT / f"Pulumi.{stack}.yaml"


def stacks(folder: Path) -> set[str]:
    names = {path.name[len("Pulumi.") : -len(".yaml")] for path in folder.glob("Pulumi.*.yaml")}
    return {name for name in names if re.fullmatch(r"[A-Za-z0-9._-]+", name)}


def no_stack(stack: str) -> str:
    """What is said of a stack without a settings file."""
    return (
        f"There is no stack '{stack}': Pulumi.{stack}.yaml does not exist. Stacks here: "
        f"{', '.join(sorted(stacks(ROOT))) or 'none'}"
    )


def read_yaml(file: Path) -> dict[str, Any]:
    """What the file holds, every scalar as a text. Needs .venv. Raises Problem for invalid YAML."""
    with report_failure(f"Reading {shown(file)}"):
        command = [VENV_PYTHON, STACK_FILE, file]
        loaded: dict[str, Any] = json.loads(process.capture(command)) or {}
        return loaded


def _split_salt(file: Path) -> tuple[list[str], list[str]]:
    """The line with the salt, which Pulumi writes at the top level in one line, and the others."""
    lines = file.read_text(encoding="utf-8").splitlines()
    salt = [line for line in lines if line.startswith("encryptionsalt:")]
    return salt, [line for line in lines if line not in salt]


def _has_resources(file: Path, *keys: str) -> bool:
    """Whether the list in the file has entries. An unreadable file counts as having some."""
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
