"""`make env`: app/.env from a stack's outputs."""

from __future__ import annotations

import argparse

from scripts import engine, envfile, setup
from scripts.console import Problem, say
from scripts.engine import LOCAL_STACK
from scripts.paths import env_file, shown


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make env")
    parser.add_argument("--stack", default=LOCAL_STACK)
    return write_env(parser.parse_args(arguments).stack)


def write_env(stack: str) -> int:
    """Take the outputs of the stack on this machine, else of the user's own Pulumi.

    Raises Problem.
    """
    deployed = engine.deployed(stack, engine.engine_environment())
    if deployed is not None:
        setup.ensure()
    elif stack == LOCAL_STACK:
        raise Problem("Stack 'local' is not up: make up deploys it and writes the file")
    outputs = engine.outputs(stack, deployed)
    if not outputs:
        raise Problem(f"Stack '{stack}' has no outputs yet: pulumi up --stack {stack}")
    defaults = envfile.local_defaults(local=deployed is not None)
    state = "written" if envfile.write(env_file(), outputs, defaults) else "unchanged"
    source = f"on this machine ({deployed.name})" if deployed else "in Pulumi's own backend"
    say(f"{shown(env_file())} {state}: {len(outputs)} outputs of stack '{stack}' {source}")
    return 0
