"""What somebody made by hand comes under the stack as it is, or not at all."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from localazure.control_plane import ControlPlane
from localazure.engine.failure import StepFailed
from localazure.values import Secret
from tests.localazure.bench import ACCOUNT, ACCOUNT_ID, GROUP, GROUP_ID, Bench, summary
from tests.localazure.conftest import Desk

ADOPTED = f"""
    group = resources.ResourceGroup(
        "group", resource_group_name="Group", location="westeurope",
        opts=Options(import_="{GROUP_ID}"),
    )
"""


@pytest.fixture
def bench(desk: Desk, tmp_path: Path) -> Bench:
    """A group, an account and a container in it that no stack made."""
    made = Bench(desk.azurite, tmp_path)
    provider = made.provider
    provider.create(
        "azure-native:resources:ResourceGroup",
        {"resourceGroupName": "Group", "location": "westeurope"},
    )
    provider.create(
        "azure-native:storage:StorageAccount",
        {
            "accountName": "benchstore",
            "resourceGroupName": "Group",
            "location": "westeurope",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "allowBlobPublicAccess": True,
            "minimumTlsVersion": "TLS1_2",
        },
    )
    provider.create(
        "azure-native:storage:BlobContainer",
        {
            "accountName": "benchstore",
            "resourceGroupName": "Group",
            "containerName": "media",
            "publicAccess": "Blob",
        },
    )
    return made


def account(sku: str = "Standard_LRS", options: str = "") -> str:
    return f"""
account = storage.StorageAccount(
    "store", account_name="benchstore", resource_group_name=group.name, location="westeurope",
    kind="StorageV2", sku=storage.SkuArgs(name="{sku}"), allow_blob_public_access=True,
    opts=Options(import_="{ACCOUNT_ID}", {options}),
)
"""


def container(options: str) -> str:
    return f"""
storage.BlobContainer(
    "media", container_name="media", account_name=account.name, resource_group_name=group.name,
    public_access="None", opts=Options({options}),
)
"""


CONTAINER_ID = f"{ACCOUNT_ID}/blobServices/default/containers/media"


def control_plane(bench: Bench) -> dict[str, Any]:
    return copy.deepcopy(ControlPlane(bench.azurite).load())


def test_what_matches_is_imported_and_nothing_is_touched(bench: Bench) -> None:
    bench.program(ADOPTED)
    before = control_plane(bench)
    printed = bench.run("preview")
    assert " = " in printed
    assert summary(printed) == "+ 1 to create = 1 to import"
    assert not bench.state.file.exists()
    assert summary(bench.run("up")) == "+ 1 created = 1 imported"
    assert control_plane(bench) == before
    assert bench.resource("group").id == GROUP_ID
    assert summary(bench.run("up")) == "2 unchanged", "import_ may stay in the program"
    bench.program(GROUP)
    assert summary(bench.run("up")) == "2 unchanged", "and may go"


def test_with_all_differences_ignored_the_live_inputs_are_kept(bench: Bench) -> None:
    star = 'ignore_changes=["*"]'
    bench.program(
        ADOPTED,
        account("Standard_GRS", star),
        container(f'import_="{CONTAINER_ID}", {star}'),
    )
    before = control_plane(bench)
    assert summary(bench.run("up")) == "+ 1 created = 3 imported"
    assert control_plane(bench) == before
    kept = bench.resource("store").inputs
    assert kept["sku"] == {"name": "Standard_LRS"}
    assert kept["minimumTlsVersion"] == "TLS1_2", "which the program does not even name"
    assert bench.resource("media").inputs["publicAccess"] == "Blob"
    assert summary(bench.run("up")) == "4 unchanged"


def test_once_imported_the_differences_are_an_ordinary_update(bench: Bench) -> None:
    star = 'ignore_changes=["*"]'
    bench.program(ADOPTED, account("Standard_LRS", star))
    bench.run("up")
    bench.program(GROUP, ACCOUNT.replace("Standard_LRS", "Standard_GRS"))
    printed = bench.run("preview")
    assert '~ sku.name: "Standard_LRS" => "Standard_GRS"' in printed
    assert summary(printed) == "~ 1 to update 2 unchanged"


def test_a_difference_is_warned_of_in_the_preview_and_refused_by_up(bench: Bench) -> None:
    bench.program(ADOPTED, account("Standard_GRS"))
    before = control_plane(bench)
    printed = bench.run("preview")
    reason = "inputs to import do not match the existing resource: "
    assert f"warning (store): {reason}[" in printed
    assert "importing this resource will fail" in printed
    assert '~ sku.name: "Standard_LRS" => "Standard_GRS"' in printed
    with pytest.raises(StepFailed, match=r"store: inputs to import do not match .*\[.*sku.*\]"):
        bench.run("up")
    assert control_plane(bench) == before
    assert "store" not in {r.name for r in bench.state.resources}


def test_a_single_difference_can_be_ignored_by_its_path(bench: Bench) -> None:
    live = bench.provider.read("azure-native:storage:StorageAccount", ACCOUNT_ID, {})
    assert live is not None
    others = sorted(set(live[1]) - {"sku", "allowBlobPublicAccess", "kind", "location"})
    ignored = ", ".join(f'"{name}"' for name in others)
    bench.program(ADOPTED, account("Standard_GRS", f'ignore_changes=["sku.name", {ignored}]'))
    assert summary(bench.run("up")) == "+ 1 created = 2 imported"
    bench.program(ADOPTED, account("Standard_GRS", f"ignore_changes=[{ignored}]"))
    assert summary(bench.run("preview")) == "~ 1 to update 2 unchanged"


def test_what_is_not_there_is_named_with_what_to_do(bench: Bench) -> None:
    bench.program(
        ADOPTED,
        account(options='ignore_changes=["*"]'),
        container('import_="' + CONTAINER_ID.replace("media", "nothing") + '"'),
    )
    for command in ("preview", "up"):
        with pytest.raises(
            StepFailed, match=r"media: nothing to import: .*/nothing does not exist\. Correct"
        ):
            bench.run(command)


def test_another_id_than_the_stacks_own_is_refused(bench: Bench) -> None:
    bench.program(ADOPTED)
    bench.run("up")
    bench.program(ADOPTED.replace("/Group", "/Other"))
    with pytest.raises(StepFailed, match=r"in the stack as .*/Group, and 'import_' is .*Oth"):
        bench.run("up")


def test_an_ignored_secret_stays_one(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path, {"owner": "hunter2hunter2"})
    tagged = """
        resources.ResourceGroup(
            "group", resource_group_name="Group", location="westeurope",
            tags={{"owner": {owner}}}, opts=Options({options}),
        )
    """
    bench.program(tagged.format(owner='config.require_secret("owner")', options=""))
    bench.run("up")
    bench.program(tagged.format(owner='"nobody"', options='ignore_changes=["tags"]'))
    assert summary(bench.run("up")) == "2 unchanged"
    assert bench.resource("group").inputs["tags"] == Secret({"owner": "hunter2hunter2"})
    assert "hunter2" not in bench.state.file.read_text()
    bench.program(tagged.format(owner='"nobody"', options=""))
    assert "hunter2" not in bench.run("preview"), "nor when it becomes plain"
