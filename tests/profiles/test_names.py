"""A deployed stack outlives a new name of its project, on the project's own engine."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from localazure.azurite import Azurite
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.failure import ProgramFailed
from localazure.engine.project import Project, load_project
from localazure.engine.state import State
from localazure.engine.steps import Op
from tests.conftest import ROOT

FILES = ("Pulumi.yaml", "Pulumi.prod.yaml", "__main__.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the program and its profile `prod`."""
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "infra", copy / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    return copy


def rename(folder: Path, name: str) -> Project:
    file = folder / "Pulumi.yaml"
    first, _, rest = file.read_text().partition("\n")
    assert first.startswith("name: ")
    file.write_text(f"name: {name}\n{rest}")
    return load_project(folder, "prod")


def test_after_a_rename_only_the_tag_of_the_project_changes(folder: Path, empty: Azurite) -> None:
    before = load_project(folder, "prod")
    Engine(before, empty, Display(io.StringIO())).up(yes=True)
    count = len(State(empty.state_dir, "prod").resources)

    project = rename(folder, "shop")
    planned = Engine(project, empty, Display(io.StringIO())).plan()
    changed = [step for step in planned.steps if step.op is not Op.SAME]
    assert {step.op for step in changed} == {Op.UPDATE}
    for step in changed:
        assert step.resource.inputs["tags"]["project"] == "shop"
    assert planned.failure == ""

    Engine(project, empty, Display(io.StringIO())).up(yes=True)
    state = State(empty.state_dir, "prod")
    assert len(state.resources) == count
    assert before.name not in json.dumps([r.urn.split("::")[1] for r in state.resources])
    assert state.resources[0].name == "shop-prod"
    again = Engine(project, empty, Display(io.StringIO())).plan()
    assert {step.op for step in again.steps} == {Op.SAME}
    open_to_deletion = {**project.config, "shop:protect": "false"}
    project = replace(project, config=open_to_deletion)
    Engine(project, empty, Display(io.StringIO())).up(yes=True)
    Engine(project, empty, Display(io.StringIO())).destroy(yes=True)
    assert State(empty.state_dir, "prod").resources == []


def test_settings_under_the_former_name_are_refused_and_not_dropped(
    folder: Path, empty: Azurite
) -> None:
    file = folder / "Pulumi.prod.yaml"
    file.write_text(file.read_text().replace("  protect:", "  former:protect:"))
    with pytest.raises(ProgramFailed, match=r"former:protect: this project is called 'shop'"):
        Engine(rename(folder, "shop"), empty, Display(io.StringIO())).preview()


def test_a_key_of_an_unknown_namespace_is_refused_and_a_providers_is_not(
    folder: Path, empty: Azurite
) -> None:
    project = load_project(folder, "prod")
    provider = {"azure-native:location": "northeurope", "pulumi:tags": "{}"}
    Engine(
        replace(project, config={**project.config, **provider}), empty, Display(io.StringIO())
    ).preview()
    unknown = {**project.config, "shpo:protcet": "true", f"{project.name}:sku": "gold"}
    with pytest.raises(ProgramFailed) as caught:
        Engine(replace(project, config=unknown), empty, Display(io.StringIO())).preview()
    assert "did you mean protect?" in str(caught.value)
    assert "sku is 'gold'" in str(caught.value)
