"""`make env`: app/.env from a stack's outputs."""

from __future__ import annotations

import argparse

from scripts import engine, envfile, setup
from scripts.child import ChildFailed
from scripts.console import Problem, entry, say
from scripts.paths import env_file, shown
from scripts.up import LOCAL_STACK


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make env")
    parser.add_argument("--stack", default=LOCAL_STACK)
    options = parser.parse_args(arguments)
    return entry(lambda: write_env(options.stack))


def write_env(stack: str) -> int:
    """Ask the stack on this machine if it is up, else the user's own Pulumi. Raises Problem."""
    deployed = engine.deployed(stack, engine.engine_environment())
    if deployed is not None:
        setup.ensure()
        try:
            outputs, source = deployed.outputs(), f"on this machine ({deployed.name})"
        except ChildFailed as failure:
            raise failure.problem(f"Reading the outputs of stack '{stack}'") from None
    elif stack == LOCAL_STACK:
        raise Problem("Stack 'local' is not up: make up deploys it and writes the file")
    else:
        outputs, source = engine.users_pulumi(stack), "in Pulumi's own backend"
    if not outputs:
        raise Problem(f"Stack '{stack}' has no outputs yet: pulumi up --stack {stack}")
    defaults = envfile.local_defaults(local=deployed is not None)
    changed = envfile.write(env_file(), outputs, defaults)
    state = "written" if changed else "unchanged"
    say(f"{shown(env_file())} {state}: {len(outputs)} outputs of stack '{stack}' {source}")
    return 0
