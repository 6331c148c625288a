"""A committed stack of the real project on the stand-in: its settings, state, printed lines."""

from __future__ import annotations

import copy
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.commands import Engine
from localazure.engine.deployment import Deployment
from localazure.engine.display import Display
from localazure.engine.program import run_program
from localazure.engine.project import Project, load_project
from localazure.engine.state import State
from localazure.engine.steps import Listener, Op, Step
from localazure.provider.provider import Provider
from localazure.values import plain
from tests.conftest import ROOT, free_port
from tests.localazure.conftest import empty_control_plane


@dataclass
class Stack:
    """`settings` are changes of the committed ones, without namespace; None takes one out."""

    azurite: Azurite
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    printed: str = ""

    def project(self, **more: Any) -> Project:
        loaded = load_project(ROOT, self.name)
        config = dict(loaded.config)
        for key, value in {**self.settings, **more}.items():
            full = f"{loaded.name}:{key}"
            if value is None:
                config.pop(full, None)
            else:
                config[full] = value if isinstance(value, str) else json.dumps(value)
        return replace(loaded, config=config)

    def run(self, command: str, **more: Any) -> str:
        """Run one of the engine's commands unasked and return what it printed."""
        stream = io.StringIO()
        engine = Engine(self.project(**more), self.azurite, Display(stream))
        try:
            getattr(engine, command)(**({} if command == "preview" else {"yes": True}))
        finally:
            self.printed = stream.getvalue()
        return self.printed

    def plan(self, **more: Any) -> list[Step]:
        """The steps that `up` would take with these settings, those without a change left out."""
        trial = copy.deepcopy(self.state)
        steps: list[Step] = []
        deployment = Deployment(
            trial, Provider(self.azurite), Listener(steps.append, lambda _: None), preview=True
        )
        run_program(self.project(**more), deployment, preview=True)
        deployment.finish()
        return [step for step in steps if step.op is not Op.SAME]

    @property
    def state(self) -> State:
        return State(self.azurite.state_dir, self.name)

    @property
    def outputs(self) -> dict[str, str]:
        opened: dict[str, str] = plain(self.state.stack_outputs())
        return opened

    @property
    def cloud(self) -> dict[str, Any]:
        return ControlPlane(self.azurite).load()

    def files(self) -> Iterator[Path]:
        """Everything that a run leaves in the state folder, Azurite's own data apart."""
        for path in sorted(self.azurite.state_dir.rglob("*")):
            if path.is_file() and "azurite" not in path.relative_to(self.azurite.state_dir).parts:
                yield path


@pytest.fixture(scope="session")
def profile_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    running = Azurite(tmp_path_factory.mktemp("profiles"), free_port())
    running.start()
    yield running
    running.stop()


def emptied(azurite: Azurite) -> Azurite:
    """The same Azurite with an empty cloud and no stack."""
    empty_control_plane(azurite)
    shutil.rmtree(azurite.state_dir / "stacks", ignore_errors=True)
    return azurite


@pytest.fixture
def empty(profile_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Azurite:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    return emptied(profile_azurite)
