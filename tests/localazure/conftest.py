"""Fixtures: one stack of the sample program on a running Azurite."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.project import Project
from localazure.engine.state import State
from localazure.provider.arm import account_id
from localazure.provider.storage_account import StorageAccount
from localazure.values import plain
from tests.conftest import free_port

PROGRAM = Path(__file__).parent / "program"


@dataclass
class Desk:
    """`settings` are the sample program's; `printed` is the last command's text."""

    azurite: Azurite
    settings: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    def run(self, command: str, *, yes: bool | None = True, **settings: str) -> str:
        self.settings.update(settings)
        config = {f"sample:{key}": value for key, value in self.settings.items()}
        project = Project("sample", "desk", PROGRAM, PROGRAM / "__main__.py", config)
        stream = io.StringIO()
        engine = Engine(project, self.azurite, Display(stream))
        try:
            getattr(engine, command)(**({} if command == "preview" else {"yes": yes}))
        finally:
            self.printed = stream.getvalue()
        return self.printed

    @property
    def state(self) -> State:
        return State(self.azurite.state_dir, "desk")

    @property
    def outputs(self) -> dict[str, Any]:
        opened: dict[str, Any] = plain(self.state.stack_outputs())
        return opened

    @property
    def control_plane(self) -> dict[str, Any]:
        return ControlPlane(self.azurite).load()

    @property
    def account(self) -> str:
        return str(self.outputs["endpoint"].rstrip("/").rpartition("/")[2])

    def blobs(self) -> BlobServiceClient:
        account = self.account
        key = self.control_plane["accounts"][account]["keys"]["key1"]
        return BlobServiceClient(
            self.azurite.endpoint(account).rstrip("/"),
            credential={"account_name": account, "account_key": key},
        )

    def edit_state(self, change: Any) -> None:
        content = json.loads(self.state.file.read_text())
        change(content)
        self.state.file.write_text(json.dumps(content))


@pytest.fixture(scope="session")
def desk_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    running = Azurite(tmp_path_factory.mktemp("desk"), free_port())
    running.start()
    yield running
    running.stop()


def empty_control_plane(azurite: Azurite) -> ControlPlane:
    """The control plane of a running Azurite, without what earlier tests left."""
    control_plane = ControlPlane(azurite)
    for name, account in control_plane.load()["accounts"].items():
        StorageAccount(control_plane).delete(account_id(account["group"], name))
    with control_plane.change() as content:
        content["groups"] = {}
        content.pop("recorded", None)
    return control_plane


@pytest.fixture
def desk(desk_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An empty control plane and no stack, on one running Azurite."""
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    empty_control_plane(desk_azurite)
    shutil.rmtree(desk_azurite.state_dir / "stacks", ignore_errors=True)
    yield Desk(desk_azurite)
