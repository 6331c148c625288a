"""Moves damaged files of the state folder aside, so that a fresh start is possible.

Nothing is deleted: the files are moved to a folder `damaged-<time>`.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.state import State, read_key
from localazure.errors import LocalAzureError
from localazure.state_dir import Damaged, locked, make_folder

FOLDERS = ("azurite", "sites", "stacks")
UNOWNED = "In the local cloud, and in the state of no stack here"
# Files that are created if they are missing, so they are moved aside only if they are unusable.
REPLACEABLE = (
    "accounts",
    "azurite.inuse",
    "azurite.json",
    "azurite.lock",
    "azurite.log",
    "azurite.log.1",
    "azurite.lost",
    "cloud.lock",
    "secrets.lock",
)


def repair(state_dir: Path) -> str:
    """Move aside damaged files and those that are useless without them. Returns a sentence that
    says so, or "".

    Stops Azurite if needed. Raises LocalAzureError if a stack is in use by another command.
    """
    aside = _Aside(state_dir)
    for path in (state_dir / name for name in FOLDERS):
        if not path.is_dir():
            aside.move(path)
    stacks = state_dir / "stacks"
    states = sorted(stacks.glob("*.json"))
    for path in (*(state_dir / name for name in REPLACEABLE), *stacks.glob("*.lock")):
        if not _is_usable(path):
            aside.move(path)
    if not _is_sound(lambda: read_key(state_dir)):
        aside.move(state_dir / "secrets.key")
    azurite = Azurite(state_dir, 0)
    cloud_lost = not _is_sound(ControlPlane(azurite).load)
    blobs_lost = not _is_sound(azurite.check_data)
    lost = [path for path in states if not _is_sound(partial(_state, path))]
    if not (cloud_lost or blobs_lost or lost):
        return aside.sentence()
    with ExitStack() as held:
        for lock in stacks.glob("*.lock"):
            if not held.enter_context(locked(lock, wait=False)):
                raise LocalAzureError(
                    f"Stack '{lock.stem}' is being worked on by another run: wait for it to end "
                    "and try again"
                )
        azurite.stop()
        for path in lost:
            aside.move(path)
        # Resources that no stack knows cannot be deleted, and without the accounts' keys the blobs
        # cannot be read.
        if cloud_lost or (lost and not _anything_deployed(state_dir)):
            aside.move(state_dir / "cloud.json")
            aside.move(state_dir / "azurite")
        elif blobs_lost:
            aside.move(state_dir / "azurite")
    return aside.sentence()


def unowned(state_dir: Path) -> str:
    """A sentence about resources that no stack's state here contains, or "".

    Another backend of the user's Pulumi may have their state, so no command deletes them.
    """
    try:
        content = ControlPlane(Azurite(state_dir, 0)).load()
        if not (content["accounts"] or content["groups"]) or _anything_deployed(state_dir):
            return ""
    except Damaged:
        return ""
    names = [
        *(f"storage account {name}" for name in content["accounts"]),
        *(f"resource group {group['name']}" for group in content["groups"].values()),
    ]
    folder = shlex.quote(str(state_dir))
    return (
        f"{UNOWNED}: {', '.join(names)}. Destroy it with the Pulumi that deployed it; if its state "
        f"was removed, start afresh: make down, then mv {folder} {folder}.old"
    )


class _Aside:
    """The folder for damaged files, created with the first one."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        self._moved: list[str] = []

    def move(self, path: Path) -> None:
        if os.path.lexists(path):
            make_folder(self._folder)
            path.rename(self._folder / path.name)
            self._moved.append(path.name)

    def sentence(self) -> str:
        if not self._moved:
            return ""
        return (
            f"Moved to {self._folder}, because it could not be used, or is of no use without what "
            f"could not: {', '.join(self._moved)}"
        )


def _is_usable(path: Path) -> bool:
    """Whether it is a file that we may read and write, or does not exist."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return not path.is_symlink()
    except OSError:
        return False
    return stat.S_ISREG(mode) and os.access(path, os.R_OK | os.W_OK)


def _is_sound(check: Callable[[], object]) -> bool:
    try:
        check()
    except Damaged:
        return False
    return True


def _state(file: Path) -> State:
    """A stack's state without its secrets, whose key may be lost."""
    return State(file.parent.parent, file.stem, strict=False)


def _anything_deployed(state_dir: Path) -> bool:
    """Whether any readable stack here has resources."""
    if any((state_dir / "pulumi" / "backend" / ".pulumi" / "stacks").glob("**/*.json")):
        return True
    states = [_state(file) for file in (state_dir / "stacks").glob("*.json")]
    return any(state.pending or any(r.custom for r in state.resources) for state in states)
