"""`make rotate`: renew both keys of a stack's account while the site runs.

An account has two keys, and the site uses the active one. The idle key is renewed and becomes the
active one; once every process of the site has it, the other key is renewed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TypedDict

from scripts import engine, process, setup
from scripts.console import Problem, say, step
from scripts.engine import LOCAL_STACK, STACK_FILE, Engine, read_yaml, settings_file
from scripts.env import write_env
from scripts.files import read_text, write_atomically
from scripts.paths import ROOT, VENV_PYTHON, shown, state_dir
from scripts.process import report_failure
from scripts.site import fetch

KEYS = ("key1", "key2")
# The site's signed URLs are valid for up to two hours.
SIGNED_SECONDS = 2 * 3600


class State(TypedDict):
    """The progress of a rotation: `done` steps; `handed_over` is a Unix time."""

    old: str
    new: str
    done: int
    handed_over: float


def main(arguments: list[str]) -> int:
    """Go through the steps. A run that was interrupted continues where it was. Raises Problem."""
    parser = argparse.ArgumentParser(prog="make rotate")
    parser.add_argument("--stack", default=LOCAL_STACK)
    parser.add_argument(
        "--deploy-command", default="", help="hands the new environment to the site"
    )
    parser.add_argument("--site", default="", help="the site's address, whose /healthz is asked")
    parser.add_argument("--now", action="store_true", help="do not wait for signed URLs to run out")
    options = parser.parse_args(arguments)
    stack = options.stack
    setup.ensure()
    deployed = engine.deployed(stack, engine.engine_environment())
    outputs = engine.outputs(stack, deployed)
    if outputs.get("AZURE_AUTH_MODE") == "identity":
        say(f"Stack '{stack}' signs in as an identity: there are no keys to renew.")
        return 0
    name = outputs["AZURE_ACCOUNT_NAME"]
    if deployed is None and shutil.which("az") is None:
        raise Problem("Azure's keys are renewed by the Azure CLI, and there is no 'az' on PATH")
    progress = state_dir() / f"rotation-{stack}.json"
    state = _resumed(progress, active_key(stack))
    old, new = state["old"], state["new"]
    if state["done"] < 1:
        with step(f"New {new}, which nothing uses"):
            _renew(name, new, deployed)
        _save(progress, state, 1)
    if state["done"] < 2:
        with step(f"The stack gives the site {new}"):
            _activate(stack, new, deployed)
        _save(progress, state, 2)
    if state["done"] < 3:
        write_env(stack)
        _hand_over(stack, options.deploy_command, options.site.rstrip("/"))
        state["handed_over"] = time.time()
        _save(progress, state, 3)
    left = 0.0 if options.now else state["handed_over"] + SIGNED_SECONDS - time.time()
    if left > 0:
        say(
            f"\nURLs that were signed with {old} are valid for {left / 60:.0f} more minutes at the "
            f"most. After that, make rotate STACK={stack} continues and renews {old}; "
            "to renew it at once, which breaks such URLs on open pages, add ARGS=--now"
        )
        return 0
    with step(f"New {old}, which nothing uses any more"):
        _renew(name, old, deployed)
    progress.unlink()
    say(f"\nBoth keys of {name} are new. The site uses {new}.")
    return 0


def active_key(stack: str) -> str:
    """The setting `activeKey` in the stack's file. Raises Problem for another project's name.

    The program would refuse such a name only after the key in use was renewed.
    """
    file = settings_file(stack)
    project = read_yaml(ROOT / "Pulumi.yaml")["name"]
    for key, value in (read_yaml(file).get("config") or {}).items():
        namespace, _, name = key.rpartition(":")
        if name == "activeKey":
            if namespace not in ("", project):
                raise Problem(
                    f"{file.name} has '{key}', and this project is called '{project}': write it "
                    "'activeKey', without a prefix"
                )
            return str(value)
    return KEYS[0]


def _resumed(progress: Path, active: str) -> State:
    """Where an earlier run stopped, or the beginning."""
    text = read_text(progress)
    if text is None:
        idle = KEYS[1 - KEYS.index(active)]
        return {"old": active, "new": idle, "done": 0, "handed_over": 0.0}
    try:
        state: State = json.loads(text)
        valid = (
            (state["old"], state["new"]) in (KEYS, KEYS[::-1])
            and state["done"] in range(4)
            and isinstance(state["handed_over"], int | float)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        valid = False
    if not valid:
        raise Problem(
            f"{shown(progress)} does not say how far the rotation has come. Look at both keys "
            "(python -m localazure keys list, or az storage account keys list): if the one "
            "that the site does not use is the newer, remove the file and run it again"
        )
    say(f"Going on with the rotation from {state['old']} to {state['new']}.")
    return state


def _save(progress: Path, state: State, done: int) -> None:
    state["done"] = done
    write_atomically(progress, json.dumps(state))


def _hand_over(stack: str, command: str, site: str) -> None:
    """Give every process of the site the new environment, by a command or by the operator."""
    if command:
        with step("Handing the new environment to the site"):
            _run(["sh", "-c", command], "Handing the environment over")
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
            _check_health(site)


def _check_health(site: str) -> None:
    try:
        with fetch(f"{site}/healthz", 10):
            return
    except OSError as error:
        raise Problem(
            f"{site}/healthz does not report a healthy site ({error}), so the old key was not "
            "renewed. Fix the site and run it again"
        ) from None


def _renew(account: str, key: str, deployed: Engine | None) -> None:
    """Renew a key in Azure, or on this machine. The command does not print it."""
    if deployed is None:
        command = ["az", "storage", "account", "keys", "renew", "--account-name", account]
        command += ["-o", "none", "--key", "primary" if key == "key1" else "secondary"]
    else:
        command = [str(VENV_PYTHON), "-m", "localazure", "keys", "renew"]
        command += ["--account", account, "--key", key]
    _run(command, f"Renewing {key}", deployed.environment if deployed else None)


def _activate(stack: str, key: str, deployed: Engine | None) -> None:
    """Set `activeKey` and deploy the stack."""
    if deployed is None:
        pulumi = ["pulumi", "--non-interactive", "--stack", stack]
        _run([*pulumi, "config", "set", "activeKey", key], "Setting activeKey")
        _run([*pulumi, "up", "--yes", "--skip-preview"], "Deploying the stack")
        return
    # Not `pulumi config set`: there may be no Pulumi CLI on this machine.
    file = settings_file(stack)
    with report_failure(f"Changing {shown(file)}"):
        changed = process.capture([VENV_PYTHON, STACK_FILE, file, "activeKey", key])
    write_atomically(file, changed, mode=file.stat().st_mode & 0o777)
    with report_failure("Deploying the stack"):
        deployed.up()


def _run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    with report_failure(what):
        process.run(command, "rotate", env=environment)
