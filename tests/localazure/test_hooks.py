"""Hooks that the program has before updates, and resources that it only reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localazure.control_plane import ControlPlane
from localazure.engine.failure import ProgramFailed, StepFailed
from tests.localazure.bench import ACCOUNT, ACCOUNT_ID, GROUP, GROUP_ID, Bench, summary
from tests.localazure.conftest import Desk

READ = f"""
group = resources.ResourceGroup.get("group", "{GROUP_ID}")
"""


@pytest.fixture
def bench(desk: Desk, tmp_path: Path) -> Bench:
    return Bench(desk.azurite, tmp_path)


def hooked(options: str, *, kind: str = "before_update", sku: str = "Standard_GRS") -> str:
    return f"""
def ask(args):
    print(args.old_inputs["sku"]["name"], args.new_inputs["sku"]["name"], args.name, args.id)
    if config.get("objects"):
        raise ValueError("not today")

hook = pulumi.ResourceHook("ask", ask, pulumi.ResourceHookOptions({options}))
account = storage.StorageAccount(
    "store", account_name="benchstore", resource_group_name=group.name, location="westeurope",
    kind="StorageV2", sku=storage.SkuArgs(name="{sku}"), allow_blob_public_access=True,
    opts=Options(hooks=pulumi.ResourceHookBinding({kind}=[hook])),
)
"""


def sku(bench: Bench) -> str:
    content: dict[str, Any] = ControlPlane(bench.azurite).load()
    return str(content["accounts"]["benchstore"]["properties"]["sku"]["name"])


def test_a_hook_sees_both_inputs_before_an_update_and_only_then(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.program(GROUP, hooked("", sku="Standard_LRS"))
    bench.run("up")
    bench.run("up")
    assert capsys.readouterr().out == ""
    bench.program(GROUP, hooked(""))
    bench.run("preview")
    assert capsys.readouterr().out == ""  # not asked for in previews
    bench.run("up")
    asked = f"Standard_LRS Standard_GRS store {ACCOUNT_ID}\n"
    assert capsys.readouterr().out == asked


@pytest.mark.parametrize("command", ["preview", "up"])
def test_what_a_hook_objects_to_is_not_done(bench: Bench, command: str) -> None:
    bench.program(GROUP, ACCOUNT)
    bench.run("up")
    bench.program(GROUP, hooked("on_dry_run=True"))
    bench.settings["objects"] = "yes"
    with pytest.raises(StepFailed) as refused:
        bench.run(command)
    assert 'before hook "ask" failed: not today' in str(refused.value)
    assert sku(bench) == "Standard_LRS"


def test_a_hook_whose_errors_are_ignored_stops_nothing(bench: Bench) -> None:
    bench.program(GROUP, ACCOUNT)
    bench.run("up")
    bench.program(GROUP, hooked("ignore_errors=True"))
    bench.settings["objects"] = "yes"
    bench.run("up")
    assert sku(bench) == "Standard_GRS"


def test_other_kinds_of_hooks_are_refused_by_name(bench: Bench) -> None:
    bench.program(GROUP, hooked("", kind="before_create"))
    with pytest.raises(ProgramFailed, match="before_create hooks"):
        bench.run("up")


def test_what_is_only_read_is_shown_once_and_survives_everything(bench: Bench) -> None:
    bench.program(READ, ACCOUNT)
    with pytest.raises(StepFailed, match=f"{GROUP_ID} does not exist"):
        bench.run("preview")
    inputs = {"resourceGroupName": "Group", "location": "westeurope"}
    bench.provider.create("azure-native:resources:ResourceGroup", inputs)
    assert "> 1 to read" in summary(bench.run("preview"))
    bench.run("up")
    assert bench.resource("group").external
    assert "read" not in summary(bench.run("up"))
    assert "3 unchanged" in summary(bench.run("refresh"))
    bench.run("destroy")
    assert list(ControlPlane(bench.azurite).load()["groups"]) == ["group"]
    assert not bench.state.resources


def test_what_the_stack_made_and_then_only_reads_is_let_go_of(bench: Bench) -> None:
    bench.program(GROUP, ACCOUNT)
    bench.run("up")
    bench.program(READ, ACCOUNT)
    assert "- 1" not in summary(bench.run("preview"))
    bench.run("up")
    bench.run("destroy")
    assert list(ControlPlane(bench.azurite).load()["groups"]) == ["group"]


def test_what_was_only_read_is_not_made_by_declaring_it(bench: Bench) -> None:
    inputs = {"resourceGroupName": "Group", "location": "westeurope"}
    bench.provider.create("azure-native:resources:ResourceGroup", inputs)
    bench.program(READ, ACCOUNT)
    bench.run("up")
    bench.program(GROUP, ACCOUNT)
    with pytest.raises(StepFailed, match="cannot create already existing resource"):
        bench.run("up")


def test_a_state_of_an_earlier_version_is_read(bench: Bench) -> None:
    bench.program(GROUP, ACCOUNT)
    bench.run("up")
    content = json.loads(bench.state.file.read_text())
    for resource in content["resources"]:
        del resource["external"]
    bench.state.file.write_text(json.dumps(content))
    assert "3 unchanged" in summary(bench.run("up"))
