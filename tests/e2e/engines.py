"""One stack, driven by either engine: the Pulumi CLI, or the project's own, which needs no CLI."""

from __future__ import annotations

import json
import shutil
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from localazure.control_plane import ControlPlane
from localazure.engine.failure import ProgramFailed, StepFailed
from localazure.errors import LocalAzureError
from tests.conftest import ROOT
from tests.e2e.conftest import Pulumi
from tests.profiles.conftest import Stack

FAILURES = (StepFailed, ProgramFailed, LocalAzureError)


class Engine(Protocol):
    """`preview` maps each resource's name to the operation planned for it, unchanged ones left out.

    A command that fails is the test's failure; `refused` is for one that has to.
    """

    def set(self, **settings: str | int | bool | None) -> None: ...

    def preview(self) -> dict[str, str]: ...

    def run(self, command: str) -> str: ...

    def refused(self, command: str) -> str: ...

    def dependencies(self, name: str) -> Set[str]: ...

    def another(self, name: str) -> Engine:
        """A second stack in the same cloud, with the committed settings of that name."""
        ...

    @property
    def cloud(self) -> ControlPlane: ...


@dataclass
class Own:
    """The project's own engine; `None` takes a setting out."""

    stack: Stack

    def set(self, **settings: str | int | bool | None) -> None:
        self.stack.settings.update(settings)

    def preview(self) -> dict[str, str]:
        return {step.resource.name: step.op.verb for step in self.stack.plan()}

    def run(self, command: str) -> str:
        return self.stack.run(command)

    def refused(self, command: str) -> str:
        with pytest.raises(FAILURES) as caught:
            self.stack.run(command)
        return str(caught.value)

    def dependencies(self, name: str) -> Set[str]:
        found = next(r for r in self.stack.state.resources if r.name == name)
        return {_name(urn) for urn in found.dependencies}

    def another(self, name: str) -> Own:
        return Own(Stack(self.stack.azurite, name))

    @property
    def cloud(self) -> ControlPlane:
        return ControlPlane(self.stack.azurite)


@dataclass
class Real:
    """The Pulumi CLI, on a fresh stack with the committed settings of that name."""

    pulumi: Pulumi
    name: str

    def __post_init__(self) -> None:
        shutil.copy(ROOT / f"Pulumi.{self.name}.yaml", self.pulumi.folder)
        removed = ("stack", "rm", self.name, "--yes", "--force", "--preserve-config")
        self.pulumi.run(*removed, check=False)
        self.pulumi.run("stack", "init", self.name)

    def set(self, **settings: str | int | bool | None) -> None:
        for key, value in settings.items():
            if value is None:
                self.pulumi.run("config", "rm", "-s", self.name, key)
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                self.pulumi.run("config", "set", "-s", self.name, key, text)

    def preview(self) -> dict[str, str]:
        printed = self.pulumi.run("preview", "-s", self.name, "--json").stdout
        steps: list[dict[str, Any]] = json.loads(printed)["steps"]
        return {_name(s["urn"]): s["op"] for s in steps if s["op"] != "same"}

    def run(self, command: str) -> str:
        return self.pulumi.run(*self._arguments(command)).stdout

    def refused(self, command: str) -> str:
        done = self.pulumi.run(*self._arguments(command), check=False)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def dependencies(self, name: str) -> Set[str]:
        exported = json.loads(self.pulumi.run("stack", "export", "-s", self.name).stdout)
        resources = exported["deployment"]["resources"]
        found = next(r for r in resources if _name(r["urn"]) == name)
        return {_name(urn) for urn in found["dependencies"]}

    def another(self, name: str) -> Real:
        return Real(self.pulumi, name)

    def _arguments(self, command: str) -> list[str]:
        unasked = [] if command == "preview" else ["--yes", "--skip-preview"]
        return [command, "-s", self.name, *unasked]

    @property
    def cloud(self) -> ControlPlane:
        return ControlPlane(self.pulumi.azurite)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
