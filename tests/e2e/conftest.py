"""The real Pulumi CLI on a copy of the project's program, with a file backend and a passphrase."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localazure.azurite import Azurite
from tests.conftest import ROOT, free_port
from tests.localazure.conftest import empty_control_plane
from tests.profiles.conftest import emptied, profile_azurite

__all__ = ["profile_azurite"]

PROGRAM_FILES = (
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "Pulumi.dev.yaml",
    "Pulumi.prod.yaml",
    "__main__.py",
    "infra",
)


@dataclass
class Pulumi:
    """The project in a folder of its own; nothing of the user's Pulumi is touched."""

    folder: Path
    environment: dict[str, str]

    @property
    def azurite(self) -> Azurite:
        home = self.folder.parent / "localazure"
        return Azurite(home, int(self.environment["LOCALAZURE_BLOB_PORT"]))

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done


@pytest.fixture(scope="module")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulumi]:
    need_pulumi()
    folder = tmp_path_factory.mktemp("e2e")
    project = folder / "project"
    project.mkdir()
    for name in PROGRAM_FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    # The program runs in the virtual environment that runs these tests.
    (project / ".venv").symlink_to(ROOT / ".venv")
    environment = pulumi_environment(folder)
    pulumi = Pulumi(project, environment)
    pulumi.run("stack", "init", "local")
    yield pulumi
    pulumi.azurite.stop()


def need_pulumi() -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH: these tests drive the real engine")


def pulumi_environment(folder: Path) -> dict[str, str]:
    """A Pulumi of its own in the folder, and the stand-in for Azure beside it."""
    (folder / "passphrase").write_text("a passphrase for one test run")
    (folder / "backend").mkdir()
    home = folder / "localazure"
    home.mkdir()
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "PATH": os.pathsep.join([str(ROOT / "localazure" / "bin"), os.environ["PATH"]]),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "LOCALAZURE_HOME": str(home),
        "LOCALAZURE_CONTAINER_DELETE_SECONDS": "0",
        "LOCALAZURE_BLOB_PORT": str(free_port()),
        "NO_COLOR": "1",
    }


@pytest.fixture(params=["own", "pulumi"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stack `dev` under each engine, in an empty cloud; without the CLI the project's own alone."""
    from tests.e2e.engines import Own, Real
    from tests.profiles.conftest import Stack

    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    if request.param == "own":
        return Own(Stack(emptied(request.getfixturevalue("profile_azurite")), "dev"))
    pulumi: Pulumi = request.getfixturevalue("pulumi")
    empty_control_plane(pulumi.azurite)
    return Real(pulumi, "dev")
