"""Previews of a stack on a copy without secrets, which needs no key.

The state has the account's key, encrypted. `pulumi preview` decrypts it, and in a pull request it
runs code that nobody has reviewed. Therefore the identity that previews may not decrypt: the state
is copied to a backend on this machine, with a placeholder for each secret.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2]))

from review.changes import UNKNOWN
from review.preview import Preview

OPTIONS = ("--json", "--show-sames", "--non-interactive", "--color", "never")
# How Pulumi marks a secret in JSON (pulumi/pulumi, sdk/go/common/resource/sig/sig.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
PLACEHOLDER = {SIGNATURE: SECRET, "plaintext": json.dumps("withheld")}
# The lines of a settings file that set how secrets are encrypted.
ENCRYPTION = re.compile(r"^(secretsprovider|encryptedkey|encryptionsalt):.*\n?", re.MULTILINE)


class CopyFailed(Exception):
    """The text is Pulumi's error, or what is wrong with the stack's settings."""


@contextmanager
def copied(stack: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Copy this project's stack to a temporary backend. The settings file and the environment are
    those with which `pulumi` finds the copy. Raises CopyFailed."""
    committed = Path(f"Pulumi.{stack}.yaml")
    text = committed.read_text(encoding="utf-8") if committed.exists() else ""
    if re.search(r"^[^\S\n]++(- )?secure:\s", text, re.MULTILINE):
        raise CopyFailed(
            f"{committed} holds encrypted settings (`secure:`), and a preview has no key to "
            "decrypt them. The program needs none: pulumi config rm KEY"
        )
    state = json.loads(_pulumi("stack", "export", "--stack", stack))
    with tempfile.TemporaryDirectory() as name:
        # `stack init` writes to the settings file of the project in which it runs.
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
        _pulumi("stack", "init", stack, env=environment, cwd=project)
        settings = project / committed.name
        salt = settings.read_text(encoding="utf-8")
        state["deployment"] = replaced(state["deployment"], PLACEHOLDER)
        state["deployment"]["secrets_providers"] = {
            "type": "passphrase",
            "state": {"salt": salt.partition("encryptionsalt:")[2].strip()},
        }
        exported = Path(name) / "state.json"
        exported.write_text(json.dumps(state), encoding="utf-8")
        importing = ("stack", "import", "--stack", stack, "--file", str(exported))
        _pulumi(*importing, env=environment, cwd=project)
        settings.write_text(f"{ENCRYPTION.sub('', text).rstrip()}\n{salt}", encoding="utf-8")
        yield settings, environment


def preview(stack: str, *options: str) -> Preview:
    """`pulumi preview` of a copy of the stack. If there is no preview, its `failure`
    says why."""
    try:
        with copied(stack) as (settings, environment):
            # The JSON lacks the violations of policies. The log of events has them: it is what
            # Pulumi's Automation API reads, by the same variable and flag.
            events = settings.with_name("events")
            done = subprocess.run(
                [
                    *("pulumi", "preview", "--stack", stack, *OPTIONS, *options),
                    *("--config-file", str(settings), "--event-log", str(events)),
                ],
                env={**environment, "PULUMI_DEBUG_COMMANDS": "true"},
                capture_output=True,
                text=True,
                check=False,
            )
            violations = list(_violations(events))
    except CopyFailed as error:
        return Preview(stack=stack, failure=str(error))
    try:
        content = json.loads(done.stdout)
    except ValueError:
        content = {}
    content.setdefault("diagnostics", []).extend(violations)
    found = Preview.from_json(content)
    found.stack = stack
    if done.returncode and not found.failure:
        found.failure = done.stderr.strip() or f"pulumi preview ended with {done.returncode}"
    return found


def _violations(log: Path) -> Iterator[dict[str, str]]:
    """The violations of mandatory policies as diagnostics."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for event in map(json.loads, lines):
        policy = event.get("policyEvent", {})
        if policy.get("enforcementLevel") == "mandatory":
            yield {
                "severity": "error",
                "policy": policy["policyName"],
                "message": policy["message"],
                "urn": policy.get("resourceUrn", ""),
            }


def publish(plan: Path) -> None:
    """Replace the secrets in a saved plan by unknown values, which allow any value.

    In a public repository everybody can download an artifact. Without secrets the plan does not
    depend on the copy's encryption either.
    """
    content = json.loads(plan.read_text(encoding="utf-8"))
    plan.write_text(json.dumps(replaced(content, UNKNOWN)), encoding="utf-8")


def replaced(value: Any, placeholder: Any) -> Any:
    """The JSON value with a placeholder for each secret in it."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return placeholder
        return {key: replaced(each, placeholder) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, placeholder) for each in value]
    return value


def _pulumi(*arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    command = ["pulumi", "--non-interactive", "--color", "never", *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CopyFailed(done.stderr.strip() or f"pulumi {arguments[0]} {arguments[1]} failed")
    return done.stdout
