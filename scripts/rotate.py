"""`make rotate`: new keys for a stack's account, without a moment in which the site has none.

An account has two keys. The site has the active one. The idle one is renewed and made active; when
every process of the site has it, the one that was active before is renewed in turn.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from scripts import child, engine, setup
from scripts.child import ChildFailed
from scripts.console import Problem, entry, say, step
from scripts.env import write_env
from scripts.files import read_text, write_private
from scripts.paths import ROOT, VENV_PYTHON, log_file, shown, state_dir
from scripts.up import LOCAL_STACK

KEYS = ("key1", "key2")
# The site's signed URLs are valid for two periods of an hour.
SIGNED_SECONDS = 2 * 3600


class State(TypedDict):
    """How far a rotation has come: `done` steps, `handed_over` in Unix time."""

    old: str
    new: str
    done: int
    handed_over: float


@dataclass(frozen=True)
class Cloud:
    """Where the keys are and who changes them: Azure by `az`, or this machine by localazure.

    No command prints a key. `deploy` brings the stack to its settings, `activate` sets `activeKey`.
    """

    account: str
    renew: Callable[[str], None]
    activate: Callable[[str], None]
    deploy: Callable[[], None]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make rotate")
    parser.add_argument("--stack", default=LOCAL_STACK)
    parser.add_argument(
        "--deploy-command", default="", help="hands the new environment to the site"
    )
    parser.add_argument("--site", default="", help="the site's address, whose /healthz is asked")
    parser.add_argument("--now", action="store_true", help="do not wait for signed URLs to run out")
    options = parser.parse_args(arguments)
    return entry(
        lambda: rotate(
            options.stack, options.deploy_command, options.site.rstrip("/"), now=options.now
        )
    )


def rotate(stack: str, deploy_command: str, site: str, *, now: bool) -> int:
    """Lead through it. A run that was stopped goes on where it was. Raises Problem."""
    setup.ensure()
    outputs, on_this_machine = _outputs(stack)
    if outputs.get("AZURE_AUTH_MODE") == "identity":
        say(f"Stack '{stack}' signs in as an identity: there are no keys to renew.")
        return 0
    cloud = _cloud(stack, outputs["AZURE_ACCOUNT_NAME"], local=on_this_machine)
    note = state_dir() / f"rotation-{stack}.json"
    state = _resumed(note, active_key(stack))
    old, new = state["old"], state["new"]
    if state["done"] < 1:
        with step(f"New {new}, which nobody uses"):
            cloud.renew(new)
        _remember(note, state, 1)
    if state["done"] < 2:
        with step(f"The stack gives the site {new}"):
            cloud.activate(new)
            cloud.deploy()
        _remember(note, state, 2)
    if state["done"] < 3:
        write_env(stack)
        _hand_over(stack, deploy_command, site)
        state["handed_over"] = time.time()
        _remember(note, state, 3)
    left = 0.0 if now else state["handed_over"] + SIGNED_SECONDS - time.time()
    if left > 0:
        say(
            f"\nURLs that were signed with {old} are valid for {left / 60:.0f} more minutes at the "
            f"most. After that, make rotate STACK={stack} goes on and renews {old}; "
            "or at once, and such URLs on open pages stop working: add ARGS=--now"
        )
        return 0
    with step(f"New {old}, which nobody uses any more"):
        cloud.renew(old)
    note.unlink()
    say(f"\nBoth keys of {cloud.account} are new. The site uses {new}.")
    return 0


def active_key(stack: str) -> str:
    """The setting `activeKey`, as the stack's file has it. Raises Problem for one of another name.

    The program would refuse that only after the key in use was renewed.
    """
    text = _settings(stack).read_text(encoding="utf-8")
    project = engine.project_name(ROOT)
    prefixes = set(re.findall(r"^[ \t]*['\"]?([\w.-]+):activeKey['\"]?:", text, re.MULTILINE))
    if prefixes - {project}:
        raise Problem(
            f"{_settings(stack).name} has '{min(prefixes - {project})}:activeKey', and this "
            f"project is called '{project}': write it 'activeKey', without a prefix"
        )
    found = re.search(rf"^[^\S\n]*+{_active_key()}:\s*['\"]?(key[12])\b", text, re.MULTILINE)
    return found[1] if found else KEYS[0]


def with_active_key(text: str, key: str) -> str:
    """The settings file's text with another `activeKey`, all else as it was."""
    changed, count = re.subn(
        rf"^([ \t]*{_active_key()}):.*$", rf"\1: {key}", text, flags=re.MULTILINE
    )
    if count:
        return changed
    line = f"  activeKey: {key}"
    changed, count = re.subn(r"^config:[ \t]*$", f"config:\n{line}", text, flags=re.MULTILINE)
    return changed if count else f"{text.rstrip()}\nconfig:\n{line}\n"


def _active_key() -> str:
    """The setting's key in a stack's file, plain or as `pulumi config set` writes it."""
    return rf"(?:{re.escape(engine.project_name(ROOT))}:)?activeKey"


def _resumed(note: Path, active: str) -> State:
    """Where an earlier run stopped, or the beginning."""
    text = read_text(note)
    if text is not None:
        loaded = _noted(text)
        if loaded is None:
            raise Problem(
                f"{shown(note)} does not say how far the rotation has come. Look at both keys "
                "(python -m localazure keys list, or az storage account keys list): if the one "
                "that the site does not use is the newer, remove the file and run it again"
            )
        say(f"Going on with the rotation from {loaded['old']} to {loaded['new']}.")
        return loaded
    idle = KEYS[1 - KEYS.index(active)]
    return {"old": active, "new": idle, "done": 0, "handed_over": 0.0}


def _noted(text: str) -> State | None:
    """None for what this program did not write."""
    try:
        found = json.loads(text)
        old, new, done, handed_over = (found[key] for key in State.__annotations__)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    sound = (
        (old, new) in (KEYS, KEYS[::-1])
        and done in range(4)
        and isinstance(handed_over, int | float)
    )
    return State(old=old, new=new, done=done, handed_over=handed_over) if sound else None


def _remember(note: Path, state: State, done: int) -> None:
    state["done"] = done
    write_private(note, json.dumps(state))


def _hand_over(stack: str, command: str, site: str) -> None:
    """Give every process of the site the new environment, by a command or by the operator."""
    if command:
        with step("Handing the new environment to the site"):
            try:
                child.run(["sh", "-c", command], log_file("rotate"))
            except ChildFailed as failure:
                raise failure.problem("Handing the environment over") from None
    else:
        if not sys.stdin.isatty():
            raise Problem(
                "The new environment is in app/.env. Give it to every process of the site and "
                f"restart them, then say so: make rotate STACK={stack} "
                'ARGS="--deploy-command true"'
            )
        say("\nThe new environment is in app/.env; the old key still works.")
        say("Give it to every process of the site, restart them, and then press Enter.")
        input()
    if site:
        with step(f"{site}/healthz"):
            _ask_health(site)


def _ask_health(site: str) -> None:
    try:
        with urllib.request.urlopen(f"{site}/healthz", timeout=10):  # noqa: S310 - the user's own
            return
    except (urllib.error.URLError, OSError) as error:
        raise Problem(
            f"{site}/healthz does not say that all is well ({error}): no key was taken away. Mend "
            "the site and run it again"
        ) from None


def _outputs(stack: str) -> tuple[dict[str, str], bool]:
    deployed = engine.deployed(stack, engine.engine_environment())
    if deployed is None:
        return engine.users_pulumi(stack), False
    try:
        return deployed.outputs(), True
    except ChildFailed as failure:
        raise failure.problem(f"Reading the outputs of stack '{stack}'") from None


def _cloud(stack: str, account: str, *, local: bool) -> Cloud:
    if local:
        environment = engine.engine_environment()
        keys = [str(VENV_PYTHON), "-m", "localazure", "keys", "renew", "--account", account]
        return Cloud(
            account,
            lambda key: _run([*keys, "--key", key], f"Renewing {key}", environment),
            lambda key: _activate(stack, key),
            lambda: _deploy_here(stack, environment),
        )
    if shutil.which("az") is None:
        raise Problem("Azure's keys are renewed by the Azure CLI, and there is no 'az' on PATH")
    renew = ["az", "storage", "account", "keys", "renew", "--account-name", account, "-o", "none"]
    pulumi = ["pulumi", "--non-interactive", "--stack", stack]
    return Cloud(
        account,
        lambda key: _run(
            [*renew, "--key", "primary" if key == "key1" else "secondary"], f"Renewing {key}"
        ),
        lambda key: _activate(stack, key),
        lambda: _run([*pulumi, "up", "--yes", "--skip-preview"], "Deploying the stack"),
    )


def _deploy_here(stack: str, environment: dict[str, str]) -> None:
    try:
        engine.choose(stack, environment).up()
    except ChildFailed as failure:
        raise failure.problem("Deploying the stack") from None


def _activate(stack: str, key: str) -> None:
    settings = _settings(stack)
    text = with_active_key(settings.read_text(encoding="utf-8"), key)
    temporary = settings.with_name(f".{settings.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(settings)


def _settings(stack: str) -> Path:
    return ROOT / f"Pulumi.{stack}.yaml"


def _run(
    command: Sequence[str | Path], what: str, environment: dict[str, str] | None = None
) -> None:
    try:
        child.run(command, log_file("rotate"), env=environment)
    except ChildFailed as failure:
        raise failure.problem(what) from None
