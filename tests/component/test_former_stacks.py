"""A stack that version 0.1.0 deployed, found again by the component: on the project's own engine.

`deployed.json` is what `pulumi stack export` gave for it, without secrets; its settings are
SETTINGS. tests/e2e/test_component.py does the same with the real engine.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.storage import FORMER_TYPE, TYPE
from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane, new_key
from localazure.engine.deployment import Deployment
from localazure.engine.program import run_program
from localazure.engine.project import load_project
from localazure.engine.state import Resource, State
from localazure.engine.steps import Listener, Op, Step
from localazure.provider.provider import Provider
from tests.component.conftest import DEPLOYED, SETTINGS
from tests.conftest import ROOT, free_port


def former_state(folder: Path) -> State:
    """The recorded state, as localazure would have it."""
    state = State(folder, "local")
    for given in json.loads(DEPLOYED.read_text())["deployment"]["resources"]:
        if given["type"].startswith("pulumi:providers:"):
            continue
        state.resources.append(
            Resource(
                urn=given["urn"],
                type=given["type"],
                custom=given["custom"],
                id=given.get("id", ""),
                inputs=given.get("inputs", {}),
                outputs=given.get("outputs", {}),
                parent=given.get("parent", ""),
                dependencies=given.get("dependencies", []),
                deleted_with=given.get("deletedWith", ""),
            )
        )
    return state


def planned(state: State, folder: Path) -> list[Step]:
    settings = {k: v if isinstance(v, str) else json.dumps(v) for k, v in SETTINGS.items()}
    local = load_project(ROOT, "local")
    config = {**local.config, **{f"{local.name}:{key}": text for key, text in settings.items()}}
    steps: list[Step] = []
    azurite = Azurite(folder, free_port())
    _record_account(ControlPlane(azurite))
    provider = Provider(azurite)
    deployment = Deployment(state, provider, Listener(steps.append, lambda _: None), preview=True)
    run_program(replace(local, config=config), deployment, preview=True)
    deployment.finish()
    return [step for step in steps if step.resource.custom or step.op is not Op.SAME]


def _record_account(cloud: ControlPlane) -> None:
    """The account as Azure has it, for the one function that the program calls."""
    (account,) = (
        given
        for given in json.loads(DEPLOYED.read_text())["deployment"]["resources"]
        if given["type"] == "azure-native:storage:StorageAccount"
    )
    content: dict[str, Any] = {
        "group": account["inputs"]["resourceGroupName"],
        "keys": {"key1": new_key(), "key2": new_key()},
        "created": "",
        "deleted": {},
        "keyCreated": {"key1": "", "key2": ""},
        "containers": {},
        "properties": account["inputs"],
    }
    with cloud.change() as everything:
        everything["groups"][content["group"].lower()] = {
            "name": content["group"],
            "location": account["inputs"]["location"],
        }
        everything["accounts"][account["inputs"]["accountName"]] = content


def test_a_stack_of_0_1_0_keeps_all_of_its_resources(tmp_path: Path) -> None:
    state = former_state(tmp_path)
    assert any(f"::{FORMER_TYPE}::" in resource.urn for resource in state.resources)
    steps = planned(state, tmp_path)
    assert {step.op for step in steps} <= {Op.SAME, Op.UPDATE}
    assert len(steps) == sum(resource.custom for resource in state.resources)
    urns = [r.urn for r in state.resources]
    assert not any(FORMER_TYPE in urn for urn in urns)
    assert any(f"::{TYPE}::" in urn for urn in urns)
    referred = {urn for r in state.resources for urn in (r.parent, r.deleted_with, *r.dependencies)}
    assert not any(FORMER_TYPE in urn for urn in referred)
