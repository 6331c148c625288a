"""What the targets ask of git, in this clone."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any

from scripts import process
from scripts.console import Problem


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
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "commit.tar"
        # In a folder below the repository's top, git archives that folder only.
        git("archive", f"--output={archive}", commit, *paths)
        # Links in a clone may lead anywhere. Python before 3.11.4 has no filters.
        trusted: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
        with tarfile.open(archive) as tar:
            tar.extractall(folder, **trusted)  # noqa: S202 - it is this clone's own commit
