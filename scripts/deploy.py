"""`make deploy`: build a release and bring it to the stack's host, App Service.

Static files are published and migrations applied before the new code starts. The running code works
with both, since old static files stay and a migration has to suit the version before it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
import urllib.error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from scripts import engine, process, release, setup
from scripts.console import Problem, say, step
from scripts.engine import read_yaml
from scripts.paths import ROOT, VENV_PYTHON, shown
from scripts.pipeline import settings_of
from scripts.process import report_failure
from scripts.site import MANAGE, fetch

# The stack's secret settings, by the names that the site reads them by.
_SECRETS = {"DATABASE_URL": "databaseUrl", "DJANGO_SECRET_KEY": "secretKey"}
# App Service installs the packages and replaces every instance, one after another.
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Target:
    """The site of a stack. `environment` is what `manage.py` needs to work for it, with secrets."""

    url: str
    group: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Command:
    title: str
    words: Sequence[str | Path]

    def __str__(self) -> str:
        words = (shown(word) if isinstance(word, Path) else word for word in self.words)
        return shlex.join(words)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make deploy")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, and stop")
    options = parser.parse_args(arguments)
    setup.ensure()
    target = look_up(options.stack)
    before, after = commands(target)
    health = f"{target.url}/healthz"
    if options.dry_run:
        lines = ["make release", *map(str, before), f"curl -fsS {health}", *map(str, after)]
        say("\n".join(lines))
        return 0
    if changed := release.changes():
        # Static files and migrations are those of this folder, the code is that of the commit.
        raise Problem(f"Commit these changes first, or put them aside:\n{changed}")
    with step("Release") as current:
        commit = release.build("HEAD", release.OUTPUT)
        current.text += f" of commit {commit[:12]}"
    for command in before:
        _run(command, target)
    with step(f"{health} answers with the new release"):
        wait_for(health, commit, _PATIENCE_SECONDS)
    for command in after:
        _run(command, target)
    say(f"\n{target.url}/ runs {commit[:12]}.")
    return 0


def look_up(stack: str) -> Target:
    """The stack's site, from its outputs and settings. Raises Problem if it has none."""
    outputs = engine.outputs(stack, None)
    url = outputs.pop("SITE_URL", "")
    if not url:
        raise Problem(
            f"Stack '{stack}' has no site to deploy to. To declare one, type\n"
            f"    pulumi config set host appService --stack {stack}; pulumi up --stack {stack}"
        )
    with report_failure(f"Reading the secrets of stack '{stack}'"):
        secrets = {
            name: process.capture(["pulumi", "config", "get", key, "--stack", stack]).strip()
            for name, key in _SECRETS.items()
        }
    default = read_yaml(ROOT / "Pulumi.yaml")["config"]["resourceGroupName"]["default"]
    group = settings_of(stack).get("resourceGroupName", str(default))
    site = {
        "DJANGO_DEBUG": "false",
        "DJANGO_ALLOWED_HOSTS": urlsplit(url).hostname or "",
        # Only the variables count, not the app/.env of a stack on this machine.
        "DJANGO_ENV_FILE": str(ROOT / "dist" / "no.env"),
    }
    return Target(url, group, {**outputs, **secrets, **site})


def commands(target: Target) -> tuple[list[Command], list[Command]]:
    """What is run until the new release is deployed, and after it answers."""
    # The web app's name is the first part of its host name.
    app = (urlsplit(target.url).hostname or "").partition(".")[0]
    where = ("--resource-group", target.group, "--name", app)
    deploy = ("az", "webapp", "deploy", *where, "--type", "zip", "--src-path", release.OUTPUT)
    before = [
        Command("Static files", (VENV_PYTHON, MANAGE, "collectstatic", "--noinput")),
        Command("Migrations", (VENV_PYTHON, MANAGE, "migrate", "--noinput")),
        Command("Deployment", deploy),
    ]
    return before, [Command("Doctor", (VENV_PYTHON, MANAGE, "doctor"))]


def wait_for(health: str, commit: str, seconds: float) -> None:
    """Return once the site answers with 200 and this release. Raises Problem."""
    deadline = time.monotonic() + seconds
    said = "nothing"
    while True:
        try:
            with fetch(health, 10) as answer:
                found = json.loads(answer.read(4096))
            running = found.get("release") if isinstance(found, dict) else None
            if running == commit:
                return
            said = f"that it runs {str(running or 'another release')[:12]}"
        except urllib.error.HTTPError as error:
            said = f"status {error.code}"
        except (OSError, ValueError) as error:
            said = type(error).__name__
        if time.monotonic() >= deadline:
            raise Problem(
                f"After {seconds:.0f} s, {health} answered {said}, instead of {commit[:12]}. "
                "Its log: az webapp log tail"
            )
        time.sleep(min(5.0, max(0.0, deadline - time.monotonic())))


def _run(command: Command, target: Target) -> None:
    # az has no use for the site's secrets.
    own = target.environment if VENV_PYTHON in command.words else {}
    with step(command.title), report_failure(command.title):
        process.run(command.words, "deploy", env=process.clean_environment(own))
