"""What the targets ask of git, in this clone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts import process
from scripts.console import Problem
from scripts.process import report_failure


def git(*arguments: str) -> str:
    """What git prints. Raises Problem if it fails."""
    done = process.call(["git", *arguments])
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise Problem(f"git {arguments[0]} failed: {reason[-1] if reason else 'no message'}")
    return done.stdout.strip()


def commit_of(name: str) -> str:
    """The id of the commit that a branch, a tag or an id names; empty if it names none."""
    if name.startswith("-"):
        return ""
    found = process.call(["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"])
    return found.stdout.strip()


def check_out(commit: str, folder: Path, *paths: str) -> None:
    """Write the files of a commit to a folder, and nothing to the clone. Raises Problem."""
    folder.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        # In a folder below the repository's top, git archives that folder only.
        git("archive", f"--output={archive.name}", commit, *paths)
        with report_failure("Unpacking the commit"):
            process.capture(["tar", "-xf", archive.name, "-C", folder])
