"""A copy of a stack that holds no secret and needs no key: what a preview runs on.

The state holds the account's key, encrypted. `pulumi preview` decrypts it, and a pull request runs
it with code that nobody has reviewed. The previewing identity therefore may not decrypt: the state
is copied to a backend of this machine, with a placeholder for each secret.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# How Pulumi marks a secret in JSON, and a value that is not known yet (pulumi/pulumi, in
# sdk/go/common/resource: sig/sig.go and plugin/rpc.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PLACEHOLDER = {SIGNATURE: SECRET, "plaintext": json.dumps("withheld")}
# The lines of a settings file that say how secrets are encrypted.
ENCRYPTION = re.compile(r"^(secretsprovider|encryptedkey|encryptionsalt):.*\n?", re.MULTILINE)


class CopyFailed(Exception):
    """The text is what Pulumi said, or what is wrong with the stack's settings."""


@dataclass(frozen=True)
class Copy:
    """Where `pulumi` finds the copy: its settings file and its environment."""

    settings: Path
    environment: Mapping[str, str]


@contextmanager
def copied(stack: str) -> Iterator[Copy]:
    """Copy the stack of this project to a backend that is gone at the end. Raises CopyFailed."""
    committed = Path(f"Pulumi.{stack}.yaml")
    text = committed.read_text(encoding="utf-8") if committed.exists() else ""
    if re.search(r"^[^\S\n]++(- )?secure:\s", text, re.MULTILINE):
        raise CopyFailed(
            f"{committed} holds encrypted settings (`secure:`), and a preview has no key to "
            "decrypt them. The program needs none: pulumi config rm KEY"
        )
    state = json.loads(_pulumi(["stack", "export", "--stack", stack], os.environ, Path.cwd()))
    with tempfile.TemporaryDirectory() as name:
        # `stack init` writes to the settings file of the project that it runs in: one of our own.
        project = Path(name) / "project"
        backend = Path(name) / "backend"
        project.mkdir()
        backend.mkdir()
        shutil.copy("Pulumi.yaml", project)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PULUMI_CONFIG_PASSPHRASE")},
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(),
        }
        _pulumi(["stack", "init", stack], environment, project)
        settings = project / committed.name
        salt = settings.read_text(encoding="utf-8")
        state["deployment"] = replaced(state["deployment"], lambda: PLACEHOLDER)
        state["deployment"]["secrets_providers"] = {
            "type": "passphrase",
            "state": {"salt": salt.partition("encryptionsalt:")[2].strip()},
        }
        exported = Path(name) / "state.json"
        exported.write_text(json.dumps(state), encoding="utf-8")
        _pulumi(
            ["stack", "import", "--stack", stack, "--file", str(exported)], environment, project
        )
        settings.write_text(f"{ENCRYPTION.sub('', text).rstrip()}\n{salt}", encoding="utf-8")
        yield Copy(settings, environment)


def preview(stack: str, *options: str) -> subprocess.CompletedProcess[str]:
    """`pulumi preview` of a copy of the stack; all that it says is in `stdout`. Raises
    CopyFailed."""
    with copied(stack) as copy:
        return subprocess.run(
            [
                *("pulumi", "preview", "--stack", stack, *options),
                *("--config-file", str(copy.settings)),
            ],
            env=copy.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def publish(plan: Path) -> None:
    """Take the secrets out of a saved plan, and with them what binds it to the copy's encryption.

    An unknown value allows any, so a plan does not constrain what is secret. In a public repository
    everybody can download an artifact.
    """
    content = json.loads(plan.read_text(encoding="utf-8"))
    plan.write_text(json.dumps(replaced(content, lambda: UNKNOWN)), encoding="utf-8")


def replaced(value: Any, placeholder: Callable[[], Any]) -> Any:
    """The JSON value with a placeholder for each secret in it."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return placeholder()
        return {key: replaced(each, placeholder) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, placeholder) for each in value]
    return value


def _pulumi(arguments: list[str], environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        ["pulumi", "--non-interactive", "--color", "never", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CopyFailed(done.stderr.strip() or f"pulumi {arguments[0]} {arguments[1]} failed")
    return done.stdout
