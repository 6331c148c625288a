"""A command that is killed anywhere is made good by the next one, whichever that is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.state import State
from localazure.values import plain
from tests.conftest import ROOT, free_port

# Shorter than a step takes; without a pause the test would take a core from the command.
POLL_SECONDS = 0.0002
CONTAINERS = {"media", "quarantine", "static"}
# What changes while a command runs, in the state folder: each change is a step of it.
WATCHED = ("stacks/local.json", "cloud.json", "accounts", "secrets.key", "azurite.json")
KILLS = 21  # of each command: seven for each command that may come next


class Machine:
    """A state folder with the project's own stack in it, and the commands that work on it."""

    def __init__(self, state_dir: Path) -> None:
        self.azurite = Azurite(state_dir, free_port())
        self.env = {
            **os.environ,
            "LOCALAZURE_HOME": str(state_dir),
            "LOCALAZURE_BLOB_PORT": str(self.azurite.port),
            "LOCALAZURE_CONTAINER_DELETE_SECONDS": "0",
        }
        self.env.pop("LOCALAZURE_SEED", None)
        self.refresh_seconds = 0.0

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "localazure", *arguments],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=90)
        assert process.returncode == 0, said
        return said

    def kill_at(self, step: int, *arguments: str) -> bool:
        """Kill the command at its nth step; False if it came to its end before that."""
        process = self.start(*arguments)
        steps, seen = 0, self._stamps()
        try:
            while steps < step and process.poll() is None:
                time.sleep(POLL_SECONDS)
                now = self._stamps()
                steps += sum(a != b for a, b in zip(now, seen, strict=True))
                seen = now
            return process.poll() is None
        finally:
            process.kill()
            process.communicate()

    def kill_after(self, seconds: float, *arguments: str) -> bool:
        """Kill the command after so many seconds; False if it came to its end before that."""
        process = self.start(*arguments)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        try:
            return process.poll() is None
        finally:
            process.kill()
            process.communicate()

    def count_steps(self, *arguments: str) -> int:
        process = self.start(*arguments)
        steps, seen = 0, self._stamps()
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            now = self._stamps()
            steps += sum(a != b for a, b in zip(now, seen, strict=True))
            seen = now
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return steps

    def delete_by_hand(self, container: str) -> None:
        """As somebody with the account's key would, and not by the stack."""
        control_plane = ControlPlane(self.azurite)
        (account,) = control_plane.load()["accounts"]
        control_plane.blobs(account).delete_container(container)

    def is_up(self) -> None:
        """All that the program declares is there, and the site's outputs open it."""
        state = State(self.azurite.state_dir, "local")
        assert not (state.pending or state.unfinished)
        outputs = plain(state.stack_outputs())
        content = ControlPlane(self.azurite).load()
        assert len(content["groups"]) == 1
        assert list(content["accounts"]) == [outputs["AZURE_ACCOUNT_NAME"]]
        blobs = BlobServiceClient(
            outputs["AZURE_BLOB_ENDPOINT"].rstrip("/"),
            credential={
                "account_name": outputs["AZURE_ACCOUNT_NAME"],
                "account_key": outputs["AZURE_ACCOUNT_KEY"],
            },
        )
        with blobs:
            assert {c.name for c in blobs.list_containers()} == CONTAINERS
            assert blobs.get_service_properties()["cors"], "the rules are set"
            level = blobs.get_container_client("static").get_container_properties().public_access
            assert str(level) == "blob"
        (account,) = content["accounts"].values()
        assert set(account["containers"]) == CONTAINERS
        assert "blobService" in account
        again = self.run("up", "--yes")
        assert not any(f"{done}\n" in again for done in ("created", "updated", "deleted")), again

    def is_gone(self) -> None:
        state = State(self.azurite.state_dir, "local")
        assert (state.resources, state.pending, state.unfinished) == ([], {}, False)
        assert ControlPlane(self.azurite).load() == {"groups": {}, "accounts": {}}
        assert not [p.name for p in self.azurite.state_dir.rglob(".*.json.*")], (
            "no half-written file"
        )

    def _stamps(self) -> list[tuple[int, int]]:
        found = []
        for name in WATCHED:
            try:
                stat = (self.azurite.state_dir / name).stat()
            except FileNotFoundError:
                found.append((0, 0))
            else:
                found.append((stat.st_ino, stat.st_mtime_ns))
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    yield made
    made.azurite.stop()


@pytest.fixture(scope="module")
def steps(machine: Machine) -> dict[str, int]:
    """How many steps each command has."""
    up = machine.count_steps("up", "--yes")
    started = time.monotonic()
    machine.run("refresh", "--yes")
    machine.refresh_seconds = time.monotonic() - started
    return {"up": up, "destroy": machine.count_steps("destroy", "--yes"), "refresh": 100}


def recover(machine: Machine, then: str) -> None:
    if then == "destroy":
        machine.run("destroy", "--yes")
        machine.is_gone()
    else:
        if then == "refresh":
            machine.run("refresh", "--yes")
        machine.run("up", "--yes")
        machine.is_up()


def check_killed_up(machine: Machine, step: int, then: str) -> None:
    machine.run("destroy", "--yes")
    while not machine.kill_at(step, "up", "--yes"):
        machine.run("destroy", "--yes")
        step = earlier(step)
    recover(machine, then)


def check_killed_destroy(machine: Machine, step: int, then: str) -> None:
    machine.run("up", "--yes")
    while not machine.kill_at(step, "destroy", "--yes"):
        machine.run("up", "--yes")
        step = earlier(step)
    recover(machine, then)


def check_killed_refresh(machine: Machine, step: int, then: str) -> None:
    """Few of its steps are writes, so it is killed at a part of its time: the step is a per cent.

    It finds a container that somebody deleted.
    """
    while True:
        machine.run("up", "--yes")
        if then != "up":  # which alone does not look for what others deleted
            machine.delete_by_hand("media")
        if machine.kill_after(machine.refresh_seconds * step / 100, "refresh", "--yes"):
            break
        step = earlier(step)
    recover(machine, then)


def earlier(step: int) -> int:
    """For a command that ended before it was killed: every case has to be a kill."""
    return step * 9 // 10


CHECKS: dict[str, Callable[[Machine, int, str], None]] = {
    "up": check_killed_up,
    "destroy": check_killed_destroy,
    "refresh": check_killed_refresh,
}
THEN = ("up", "refresh", "destroy")


@pytest.mark.parametrize(
    ("command", "part", "then"), [("up", 0.5, "destroy"), ("destroy", 0.6, "up")]
)
def test_a_killed_command_is_made_good_by_the_next(
    machine: Machine, steps: dict[str, int], command: str, part: float, then: str
) -> None:
    CHECKS[command](machine, int(part * steps[command]), then)


@pytest.mark.endurance
@pytest.mark.parametrize("command", CHECKS)
@pytest.mark.parametrize("number", range(KILLS))
def test_a_command_killed_at_any_step_is_made_good_by_the_next(
    machine: Machine, steps: dict[str, int], command: str, number: int
) -> None:
    step = 1 + number * (steps[command] - 1) // (KILLS - 1)
    CHECKS[command](machine, step, THEN[number % len(THEN)])
