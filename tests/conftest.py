"""What several rooms' tests stand on: an Azurite of their own, and the stack deployed to it."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localazure.azurite import Azurite
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.project import load_project
from localazure.engine.state import State
from localazure.values import plain

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azurite in a folder and on a port of its own, so that a running site is left in peace."""
    running = Azurite(tmp_path_factory.mktemp("azurite"), free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def azure_env(azurite: Azurite) -> dict[str, str]:
    """The stack's real program deployed as stack `local`; its outputs, secrets open."""
    project = load_project(ROOT, "local")
    Engine(project, azurite, Display(io.StringIO())).up(yes=True)
    outputs = plain(State(azurite.home, "local").stack_outputs())
    return {name: str(value) for name, value in outputs.items()}
