"""`make down`: the stack deleted, Azurite and the site stopped; nothing left running."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path

from scripts import engine, setup, site
from scripts.child import ChildFailed
from scripts.console import Problem, entry, say, step
from scripts.paths import VENV_PYTHON, shown, state_dir
from scripts.ports import free_port
from scripts.up import LOCAL_STACK, localazure, start_azurite


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make down")
    parser.add_argument("--stack", default=LOCAL_STACK)
    options = parser.parse_args(arguments)
    return entry(lambda: down(options.stack))


def down(stack: str) -> int:
    """Undo `make up`; running it twice is fine. Raises Problem."""
    done = False
    for running in site.running():
        done = True
        with step(f"Site on port {running.port} stopped"):
            site.stop(running)
    environment = engine.engine_environment()
    if not VENV_PYTHON.exists() and engine.deployed(stack, environment) is not None:
        setup.ensure()
    moved = left = ""
    if VENV_PYTHON.exists():
        for line in localazure("Looking for damage", environment, "repair").splitlines():
            if line.startswith("Moved to "):
                done, moved = True, line
            elif line.startswith("In the local cloud"):
                left = line
    if moved:
        say(moved)
    deployed = engine.deployed(stack, environment)
    if deployed is not None:
        done = True
        setup.ensure()
        # A container is deleted in Azurite itself, so Azurite must run for it, on whatever port.
        environment = _start_azurite(environment)
        deployed = engine.choose(stack, environment)
        with step(f"Stack '{stack}' destroyed by {deployed.name}"):
            try:
                deployed.destroy()
            except ChildFailed as failure:
                raise failure.problem(f"Destroying stack '{stack}'") from None
    if VENV_PYTHON.exists():
        done = _stop_azurite(environment) or done
    elif (state_dir() / "azurite.json").exists():
        raise Problem("Azurite may still run, but .venv is gone: make setup, then make down")
    say("Nothing is left running." if done else "Nothing was running.")
    if left:
        say(left)
    elif deployed is not None or moved:
        say(_whereabouts(moved))
    return 0


def _whereabouts(moved: str) -> str:
    """Where the uploaded files are after the end, which `moved` tells of damage."""
    aside = re.match(r"Moved to (.+?), because ", moved)
    blobs = Path(aside[1], "azurite") if aside else None
    if blobs is not None and blobs.exists():
        where = f"The uploaded files are in {shown(blobs)}, in the form that Azurite stores them in"
    else:
        where = "The uploaded files are gone"
    return f"{where}; the site's database is left as it is."


def _start_azurite(environment: dict[str, str]) -> dict[str, str]:
    """Start it unless it runs; the environment with its port. Raises Problem."""
    with step("Azurite") as current:
        try:
            current.text = start_azurite(environment)
        except Problem as problem:
            if "is taken by" not in str(problem):
                raise
            environment = {**environment, "LOCALAZURE_BLOB_PORT": str(free_port())}
            current.text = start_azurite(environment)
    return environment


def _stop_azurite(environment: dict[str, str]) -> bool:
    """True if it ran: it may, without a pid file, if what started it was killed."""
    noted = (state_dir() / "azurite.json").exists()
    with step("Azurite stopped") if noted else contextlib.nullcontext():
        said = localazure("Stopping Azurite", environment, "azurite", "stop")
    ran = "stopped" in said
    if ran and not noted:
        say("Stopped an Azurite that an interrupted start had left.")
    return noted or ran
