"""`make down`: delete the stack, stop Azurite and the site."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path

from scripts import engine, setup, site
from scripts.console import Problem, say, step
from scripts.engine import LOCAL_STACK
from scripts.paths import VENV_PYTHON, shown, state_dir
from scripts.process import report_failure
from scripts.up import localazure, start_azurite


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make down")
    parser.add_argument("--stack", default=LOCAL_STACK)
    return down(parser.parse_args(arguments).stack)


def down(stack: str) -> int:
    """Undo `make up`; running it twice is fine. Raises Problem."""
    done = False
    for running in site.running():
        done = True
        with step(f"Site on port {running.port} stopped"):
            site.stop(running)
    environment = engine.engine_environment()
    if engine.deployed(stack, environment) is not None:
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
        # Containers are deleted in Azurite itself, so it has to run, on whatever port.
        environment = start_azurite(environment, on_any_port=True)
        deployed = engine.choose(stack, environment)
        name = f"Stack '{stack}' destroyed by {deployed.name}"
        with step(name), report_failure(f"Destroying stack '{stack}'"):
            deployed.destroy()
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
    """Where the uploaded files are now; `moved` is the line about damage, if there was any."""
    aside = re.match(r"Moved to (.+?), because ", moved)
    blobs = Path(aside[1], "azurite") if aside else None
    if blobs is not None and blobs.exists():
        where = f"The uploaded files are in {shown(blobs)}, in the form that Azurite stores them in"
    else:
        where = "The uploaded files are gone"
    return f"{where}; the site's database is left as it is."


def _stop_azurite(environment: dict[str, str]) -> bool:
    """True if it ran, which it may without a pid file if the process that started it was killed."""
    recorded = (state_dir() / "azurite.json").exists()
    with step("Azurite stopped") if recorded else contextlib.nullcontext():
        output = localazure("Stopping Azurite", environment, "azurite", "stop")
    ran = "stopped" in output
    if ran and not recorded:
        say("Stopped an Azurite that an interrupted start had left.")
    return recorded or ran
