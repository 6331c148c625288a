"""The Pulumi CLI is the engine where it is on PATH; a stack stays with the one that deployed it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import engine
from scripts.console import Problem
from tests.scripts.conftest import script


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of an empty machine, with nothing on PATH."""
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()
    return tmp_path / "home"


def put_pulumi_on_path(home: Path) -> None:
    script(home.parent / "programs" / "pulumi", "#!/bin/sh\n")


def write_state(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))


def local_state(home: Path, *resources: str) -> None:
    write_state(home / "stacks" / "local.json", {"resources": resources})


def pulumi_state(home: Path, *resources: str) -> None:
    file = home / "pulumi" / "backend" / ".pulumi" / "stacks" / "django-azure-blob" / "local.json"
    write_state(file, {"checkpoint": {"latest": {"resources": resources}}})


def choose() -> engine.Engine:
    return engine.choose("local", engine.engine_environment())


def test_without_pulumi_it_is_localazure(home: Path) -> None:
    assert (choose().name, choose().why) == ("localazure", "there is no pulumi on PATH")


def test_with_pulumi_it_is_pulumi(home: Path) -> None:
    put_pulumi_on_path(home)
    assert choose().name == "pulumi"
    assert "is on PATH" in choose().why


def test_a_stack_stays_with_localazure_after_pulumi_came(home: Path) -> None:
    local_state(home, "a resource")
    put_pulumi_on_path(home)
    assert choose().name == "localazure"
    assert "make down" in choose().why


def test_a_destroyed_stack_is_free_to_change_engines(home: Path) -> None:
    local_state(home)
    put_pulumi_on_path(home)
    assert choose().name == "pulumi"


def test_a_stack_of_a_pulumi_that_is_gone_is_refused(home: Path) -> None:
    pulumi_state(home, "a resource")
    with pytest.raises(Problem, match=r"was deployed with the Pulumi CLI.*put it back on PATH"):
        choose()


def test_a_stack_without_settings_is_refused_with_the_ones_there_are(home: Path) -> None:
    with pytest.raises(Problem, match=r"no stack 'nosuch'.*dev, local.*cp Pulumi\.local\.yaml"):
        engine.choose("nosuch", {})


def test_nothing_is_deployed_on_an_empty_machine(home: Path) -> None:
    assert engine.deployed("local", engine.engine_environment()) is None


def test_pulumis_settings_stay_in_the_state_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "the user's own login")
    put_pulumi_on_path(home)
    environment = engine.engine_environment()
    assert "PULUMI_ACCESS_TOKEN" not in environment
    engine.PulumiEngine("local", environment, "")
    assert (home / "pulumi" / "passphrase").stat().st_mode & 0o777 == 0o600
    assert (home / "pulumi").stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700


def test_the_asked_port_reaches_azurite_and_none_leaves_its_own(home: Path) -> None:
    assert engine.engine_environment(10001)["LOCALAZURE_BLOB_PORT"] == "10001"
    assert "LOCALAZURE_BLOB_PORT" not in engine.engine_environment()
