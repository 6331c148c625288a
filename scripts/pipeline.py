"""`make pipeline`: everything that a new GitHub repository needs to deploy a stack to Azure.

Prints a shell script; with `--apply` it runs the script's commands one by one, through `az`, `gh`
and `pulumi`. Running it again is safe: what exists is updated to the same, or left alone.

Nothing in it is secret. GitHub's jobs sign in with tokens of their own (OpenID Connect), and the
key that encrypts the state never leaves Key Vault.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

from scripts import process, setup
from scripts.console import Problem, say, step
from scripts.engine import read_yaml, settings_file
from scripts.paths import ROOT

TEMPLATE = ROOT / "scripts" / "pipeline.sh.template"
# The roles that the stack assigns (infra/access.py). "Delegate Azure role assignment management to
# others with conditions": its identity may assign and remove these and no other.
GRANTED = (
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",  # Storage Blob Delegator
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",  # Storage Blob Data Reader
    "4633458b-17de-408a-b874-0445c86b69e6",  # Key Vault Secrets User
)
# "Troubleshoot Azure RBAC": a new role takes up to ten minutes to reach the data plane.
PROPAGATION_SECONDS = 600
ROLE_NOT_PROPAGATED = re.compile(
    r"AuthorizationPermissionMismatch|AuthorizationFailed|Forbidden|PrincipalNotFound|StatusCode=403"
)
# Settings that switch a paragraph of the template on, unless they are empty or `none`.
_FEATURES = ("frontDoor", "host", "privateEndpointSubnet", "logAnalyticsWorkspace")


@dataclass(frozen=True)
class Command:
    """A line of the script. `NAME=$(…)` stores what its command prints for the lines after it."""

    title: str
    line: str

    @property
    def stores(self) -> tuple[str, str]:
        """The name and the command of such a line; the name is empty for any other."""
        found = re.fullmatch(r"([A-Z_]+)=\$\((.*)\)", self.line)
        return (found[1], found[2]) if found else ("", self.line)

    @property
    def name(self) -> str:
        """The command as an error names it: `az identity create`."""
        words = shlex.split(re.split(r" \|\| |^printf.* \| ", self.stores[1])[-1])
        return " ".join([word for word in words if not re.match("[A-Z_]+=", word)][:3])


@dataclass(frozen=True)
class Target:
    """The stack, its repository and subscription; `settings` are those of the stack's file."""

    stack: str
    repository: str
    subscription: str
    settings: Mapping[str, str]
    group_exists: bool
    reviewer: str

    @property
    def group(self) -> str:
        return self.settings.get("resourceGroupName", "DemoDjangoBlob")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make pipeline")
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--apply", action="store_true", help="run the commands, not only print them"
    )
    parser.add_argument("--repository", default="", help="OWNER/NAME; default: that of this clone")
    parser.add_argument("--subscription", default="", help="its id; default: az's current one")
    parser.add_argument("--reviewer", default="", help="who approves deployments; default: you")
    parser.add_argument(
        "--existing-group", action="store_true", help="the stack's resource group exists already"
    )
    options = parser.parse_args(arguments)
    settings = settings_of(options.stack)
    repository = options.repository or _ask(
        "gh repo view --json nameWithOwner --jq .nameWithOwner", "--repository OWNER/NAME"
    )
    subscription = options.subscription or _ask(
        "az account show --query id --output tsv", "--subscription ID"
    )
    _check("--repository", repository, r"[\w.-]+/[\w.-]+", "acme/shop")
    _check("--subscription", subscription, r"[0-9a-fA-F-]{36}", "az account list --output table")
    _check("--reviewer", options.reviewer or "me", r"[A-Za-z0-9-]+", "octocat")
    exists = options.existing_group or settings.get("createResourceGroup") == "false"
    target = Target(options.stack, repository, subscription, settings, exists, options.reviewer)
    if options.apply:
        apply(target)
        say(f"\n{_closing(target)}")
    else:
        say(script(target))
    return 0


def settings_of(stack: str) -> dict[str, str]:
    """The plain settings of the stack's file, without the project's name. Raises Problem."""
    file = settings_file(stack)
    if not re.fullmatch(r"[A-Za-z0-9._-]+", stack) or not file.exists():
        raise Problem(
            f"There is no stack '{stack}': Pulumi.{stack}.yaml does not exist. For example: "
            "make pipeline STACK=prod"
        )
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the script's
        setup.ensure()
    config = read_yaml(file).get("config") or {}
    return {
        key.rpartition(":")[2]: value for key, value in config.items() if isinstance(value, str)
    }


def script(target: Target) -> str:
    lines = [
        "#!/bin/sh",
        f"# What {target.repository} needs to deploy the stack {target.stack} from GitHub Actions.",
        f"# Read it; to run it: make pipeline STACK={target.stack} ARGS=--apply",
        "# It needs az and gh, signed in, the Pulumi CLI, and the role Owner in the subscription.",
        "set -eu",
    ]
    for command in commands_for(target):
        lines += ["", f"# {command.title}", command.line]
    return "\n".join([*lines, "", *(f"# {line}" for line in _closing(target).splitlines())])


def commands_for(target: Target) -> list[Command]:
    """The template's commands for this target, in the order in which they are run."""
    features = {name for name in _FEATURES if target.settings.get(name, "none") not in ("", "none")}
    features |= {"lock"} if target.settings.get("lock") == "true" else set()
    features |= {"group"} if target.group_exists else set()
    values = _values(target)
    commands = []
    for paragraph in TEMPLATE.read_text(encoding="utf-8").strip().split("\n\n")[1:]:
        title, _, lines = paragraph.removeprefix("# ").partition("\n")
        condition = re.match(r"\[(!?)(\w+)\] ", title)
        if condition is None or (condition[2] in features) != bool(condition[1]):
            line = " ".join(part.strip() for part in lines.splitlines())
            title = title[condition.end() :] if condition else title
            filled = [Template(text).safe_substitute(values) for text in (title, line)]
            commands.append(Command(*filled))
    return commands


def _values(target: Target) -> dict[str, str]:
    """The template's names in lower case, with their values quoted for a shell."""
    # The state's account is called the same in each run, and like no other in the world.
    whole = f"{target.subscription}/{target.repository}/{target.stack}".lower()
    # Only roles of `GRANTED` may be assigned or removed.
    condition = " AND ".join(
        f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{verb}'}})) OR "
        f"(@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
        f"ForAnyOfAnyValues:GuidEquals {{{', '.join(GRANTED)}}}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
    )
    values = {
        "stack": target.stack,
        "repository": target.repository,
        "subscription": target.subscription,
        "group": target.group,
        "location": target.settings.get("location", "westeurope"),
        "name": f"state{hashlib.sha256(whole.encode()).hexdigest()[:16]}",
        "condition": condition,
        "reviewer": f"users/{target.reviewer}" if target.reviewer else "user",
    }
    return {name: shlex.quote(value) for name, value in values.items()}


def apply(target: Target) -> None:
    """Run every command. Raises Problem at the first that fails, with what to type."""
    for tool in ("az", "gh", "pulumi"):
        if shutil.which(tool) is None:
            raise Problem(f"'{tool}' is not on PATH: install it, then run it again")
    if not target.group_exists:
        _refuse_existing_group(target)
    environment = process.clean_environment()
    commands = commands_for(target)
    for number, command in enumerate(commands):
        with step(command.title):
            name, line = command.stores
            done = _run_patiently(line, environment)
            output = done.stdout.strip()
            if done.returncode or (name and not output):
                error = (done.stderr.strip() or output) if done.returncode else "it printed nothing"
                raise Problem(
                    f"{command.name} failed: {error}\n{number} of {len(commands)} commands were "
                    "done before it, and doing them again changes nothing. When the cause is gone, "
                    f"run the same command again. This one was:\n    {command.line}"
                )
            if name:
                environment[name] = output


def _run_patiently(line: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the line again while Azure refuses it because a role has not arrived yet."""
    deadline = time.monotonic() + PROPAGATION_SECONDS
    while True:
        done = process.call(["sh", "-c", line], env=environment)
        waiting = done.returncode and ROLE_NOT_PROPAGATED.search(done.stderr + done.stdout)
        if not waiting or time.monotonic() > deadline:
            return done
        time.sleep(float(os.environ.get("PIPELINE_PAUSE_SECONDS", "15")))


def _refuse_existing_group(target: Target) -> None:
    """A group that exists may be the stack's own, or somebody else's: the user knows which."""
    command = ["az", "group", "exists", "--name", target.group]
    command += ["--subscription", target.subscription, "--output", "tsv"]
    done = process.call(command)
    if done.returncode or done.stdout.strip() == "true":
        raise Problem(
            done.stderr.strip()
            or f"The resource group {target.group} exists. If the stack {target.stack} made it, "
            "run this again with --existing-group. If somebody else did, first type:\n"
            f"    pulumi config set createResourceGroup false --stack {target.stack}"
        )


def _ask(command: str, option: str) -> str:
    """What a tool prints. Raises Problem with the option that makes the question unnecessary."""
    words = command.split()
    if shutil.which(words[0]) is None:
        raise Problem(f"'{words[0]}' is not on PATH: install it, or give it: ARGS=\"{option}\"")
    done = process.call(words)
    if done.returncode or not done.stdout.strip():
        error = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise Problem(f'{" ".join(words[:3])}: {error}. Sign in, or give it: ARGS="{option}"')
    return done.stdout.strip()


def _check(option: str, value: str, rule: str, example: str) -> None:
    """Values end in commands and in a printed script."""
    if not re.fullmatch(rule, value):
        raise Problem(f"{option} is {value!r}, which is not valid. For example: {example}")


def _closing(target: Target) -> str:
    return (
        f"Next: git add Pulumi.{target.stack}.yaml, commit and push it. The file holds the key of "
        "the state,\nencrypted by Key Vault; without it no job can write the state. The push to "
        "main runs the workflow\nDeploy, which waits for your approval."
    )
