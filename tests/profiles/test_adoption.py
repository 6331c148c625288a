"""An account made by hand comes under the stack without losing a byte."""

from __future__ import annotations

from typing import Any

import pytest

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.failure import ProgramFailed, StepFailed
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
from localazure.provider.management_policy import ManagementPolicy
from localazure.provider.resource_group import ResourceGroup
from localazure.provider.storage_account import StorageAccount
from tests.profiles.conftest import Stack

GROUP, ACCOUNT = "DemoDjangoBlob", "djangoaccountstorage"
WHERE = {"resourceGroupName": GROUP, "accountName": ACCOUNT}
CORS = {
    "allowedOrigins": ["https://old.example"],
    "allowedMethods": ["GET", "PUT"],
    "allowedHeaders": ["*"],
    "exposedHeaders": ["*"],
    "maxAgeInSeconds": 200,
}
PRINCIPAL = "ServicePrincipal:11111111-2222-3333-4444-555555555555"
ADOPTED = {
    "accountName": ACCOUNT,
    "adopt": True,
    "protect": True,
}


@pytest.fixture
def by_hand(empty: Azurite) -> ControlPlane:
    """What the tutorial's steps leave: the defaults of the portal, and blobs in both containers."""
    cloud = ControlPlane(empty)
    ResourceGroup(cloud).create({"resourceGroupName": GROUP, "location": "westeurope"})
    StorageAccount(cloud).create(
        {
            **WHERE,
            "location": "westeurope",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "allowBlobPublicAccess": True,  # and TLS 1.0, as without a minimumTlsVersion
        }
    )
    BlobServiceProperties(cloud).create(
        {**WHERE, "blobServicesName": "default", "cors": {"corsRules": [CORS]}}
    )
    for container in ("static", "media"):
        inputs = {**WHERE, "containerName": container, "publicAccess": "Container"}
        BlobContainer(cloud).create(inputs)
    client = cloud.blobs(ACCOUNT)._client
    for container in ("static", "media"):
        client.get_blob_client(container, "a.txt").upload_blob(b"a byte that counts")
    return cloud


def etags(cloud: ControlPlane) -> dict[str, str]:
    client = cloud.blobs(ACCOUNT)._client
    return {
        container: client.get_blob_client(container, "a.txt").get_blob_properties().etag
        for container in ("static", "media")
    }


def operations(stack: Stack, **settings: Any) -> dict[str, str]:
    return {s.resource.name: s.op.verb for s in stack.plan(**settings) if s.resource.custom}


IMPORTED = ("site-group", "django", "site-blobs", "site-static", "site-media")


def test_the_preview_imports_what_is_there_and_creates_what_is_missing(
    by_hand: ControlPlane,
) -> None:
    stack = Stack(by_hand.azurite, "dev", ADOPTED)
    planned = {**dict.fromkeys(IMPORTED, "import"), "site-quarantine": "create"}
    assert operations(stack) == planned
    printed = stack.run("preview")
    assert "origins https://old.example; methods GET, PUT" in printed
    assert "http://127.0.0.1:8000" in printed  # what the stack will set instead


def test_up_takes_over_and_leaves_everything_as_it_is(by_hand: ControlPlane) -> None:
    stack, before, blobs = Stack(by_hand.azurite, "dev", ADOPTED), by_hand.load(), etags(by_hand)
    stack.run("up")
    after = by_hand.load()
    assert after["accounts"][ACCOUNT]["containers"].pop("quarantine") == "None"
    assert after == before
    assert etags(by_hand) == blobs
    assert by_hand.blobs(ACCOUNT).cors() == [CORS]
    assert stack.outputs["AZURE_ACCOUNT_NAME"] == ACCOUNT
    assert operations(stack) == {}


def test_then_the_stack_brings_it_in_line_without_replacing_anything(by_hand: ControlPlane) -> None:
    stack, blobs = Stack(by_hand.azurite, "dev", ADOPTED), etags(by_hand)
    stack.run("up")
    stack.settings = {**ADOPTED, "adopt": False}
    planned = operations(stack)
    assert set(planned.values()) == {"update", "create"}
    assert planned["django"] == "update"
    created = [name for name, verb in planned.items() if verb == "create"]
    assert created == ["site-lifecycle"]
    stack.run("up")
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "None"
    assert etags(by_hand) == blobs
    assert by_hand.load()["accounts"][ACCOUNT]["properties"]["minimumTlsVersion"] == "TLS1_2"
    assert by_hand.blobs(ACCOUNT).cors()[0]["allowedOrigins"] != ["https://old.example"]
    assert operations(stack) == {}


def test_a_quarantine_that_the_account_has_already_is_taken_over_and_closed(
    by_hand: ControlPlane,
) -> None:
    opened = {**WHERE, "containerName": "quarantine", "publicAccess": "Blob"}
    BlobContainer(by_hand).create(opened)
    client = by_hand.blobs(ACCOUNT)._client.get_blob_client("quarantine", "uploads/a")
    client.upload_blob(b"not looked at yet")
    stack = Stack(by_hand.azurite, "dev", ADOPTED)
    assert operations(stack)["site-quarantine"] == "import"
    stack.run("up")
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "Blob"
    assert operations(stack) == {}
    stack.settings = {**ADOPTED, "adopt": False}
    assert operations(stack)["site-quarantine"] == "update"
    stack.run("up")
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "None"
    assert client.download_blob().readall() == b"not looked at yet"


def test_an_account_of_the_stack_can_have_adopt_on_again_and_nothing_moves(
    by_hand: ControlPlane,
) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "protect": False})
    for adopt in (True, False, True):
        stack.settings["adopt"] = adopt
        planned = operations(stack)
        stack.run("up")
    assert planned == {}
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "None"


def test_adopt_on_again_takes_nothing_away_that_guards_the_account(by_hand: ControlPlane) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "protect": False})
    stack.run("up")
    stack.settings |= {"adopt": False, "lock": True}
    stack.run("up")
    stack.settings["adopt"] = True
    assert operations(stack) == {}


def test_a_missing_container_for_static_files_is_no_more_public_than_the_account(
    by_hand: ControlPlane,
) -> None:
    with by_hand.change() as content:
        content["accounts"][ACCOUNT]["properties"]["allowBlobPublicAccess"] = False
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "staticContainer": "assets"})
    stack.run("up")
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["assets"] == "None"
    stack.settings = {**stack.settings, "adopt": False}
    with pytest.raises(StepFailed, match="allowBlobPublicAccess: from false to true"):
        stack.plan()


def test_lifecycle_rules_of_the_account_are_named_and_taken_over(by_hand: ControlPlane) -> None:
    delete = {"daysAfterModificationGreaterThan": 400}
    rule = {
        "name": "spring-cleaning",
        "type": "Lifecycle",
        "definition": {
            "actions": {"baseBlob": {"delete": delete}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["logs/"]},
        },
    }
    policy = {**WHERE, "managementPolicyName": "default", "policy": {"rules": [rule]}}
    ManagementPolicy(by_hand).create(policy)
    stack = Stack(by_hand.azurite, "dev", ADOPTED)
    assert operations(stack)["site-lifecycle"] == "import"
    stack.run("up")
    assert "has these lifecycle rules now: spring-cleaning" in stack.printed
    (record,) = by_hand.load()["recorded"].values()
    assert record["inputs"]["policy"]["rules"] == [rule]


def test_what_the_account_has_is_printed_as_commands_that_keep_it_as_it_is(
    by_hand: ControlPlane,
) -> None:
    with by_hand.change() as content:
        content["accounts"][ACCOUNT]["properties"] |= {
            "sku": {"name": "Standard_RAGRS"},
            "minimumTlsVersion": "TLS1_2",
            "allowSharedKeyAccess": False,
            "tags": {"costCenter": "4711", "project": "legacy"},
            "keyPolicy": {"keyExpirationPeriodInDays": 30},
            "sasPolicy": {"expirationAction": "Log", "sasExpirationPeriod": "0.01:00:00"},
            "networkRuleSet": {
                "bypass": "None",
                "defaultAction": "Deny",
                "ipRules": [{"action": "Allow", "iPAddressOrRange": "203.0.113.7"}],
                "virtualNetworkRules": [],
            },
        }
    service = {
        **WHERE,
        "blobServicesName": "default",
        "cors": {"corsRules": [CORS]},
        "isVersioningEnabled": True,
        "changeFeed": {"enabled": True},
        "deleteRetentionPolicy": {"enabled": True, "days": 90},
        "containerDeleteRetentionPolicy": {"enabled": True, "days": 60},
        "restorePolicy": {"enabled": True, "days": 5},
    }
    BlobServiceProperties(by_hand).create(service)
    stack = Stack(by_hand.azurite, "dev", ADOPTED)
    stack.run("preview")
    commands = [
        line.strip() for line in stack.printed.splitlines() if line.strip().startswith("pulumi")
    ]
    assert commands == [
        "pulumi config set sku Standard_RAGRS  # the setting is Standard_LRS",
        "pulumi config set authMode identity  # the setting is key",
        "pulumi config set keyExpiryDays 30  # the setting is 90",
        "pulumi config set sasExpiryHours 1  # the setting is 24",
        "pulumi config set blobSoftDeleteDays 90  # the setting is 7",
        "pulumi config set containerSoftDeleteDays 60  # the setting is 7",
        "pulumi config set versioning true  # the setting is false",
        "pulumi config set restoreDays 5  # the setting is 0",
        "pulumi config set oldVersionDays 0  # the setting is 30",
        "pulumi config set networkAccess firewall  # the setting is open",
        "pulumi config set allowedIpRanges 203.0.113.7  # the setting is []",
        "pulumi config set trustedServices false  # the setting is true",
        "pulumi config set --path --type string tags.costCenter 4711",
        "pulumi config set --path --type string tags.project legacy",
    ]
    typed: dict[str, Any] = {
        line.split()[3]: line.split()[4] for line in commands if "--path" not in line
    }
    typed |= {"allowedIpRanges": ["203.0.113.7"]}
    typed |= {"tags": {"costCenter": "4711", "project": "legacy"}}
    stack.settings = {**ADOPTED, **typed, "quarantineDays": 0, "corsOrigins": None}
    stack.settings["dataPrincipals"] = [PRINCIPAL]
    stack.run("up")
    assert "differs from the settings" not in stack.printed
    stack.settings["adopt"] = False
    # Nothing of what was printed changes any more; the rest becomes stricter.
    changed = {
        (step.resource.name, change.path)
        for step in stack.plan()
        if step.op.verb == "update"
        for change in step.changes
        if change.kind == "update"
    }
    assert {(name, path) for name, path in changed if "cors" not in path} == {
        ("site-static", "publicAccess"),
        ("site-media", "publicAccess"),
    }
    stack.run("up")


def test_what_cannot_be_changed_is_refused_with_the_setting(by_hand: ControlPlane) -> None:
    wrong = {**ADOPTED, "location": "northeurope"}
    with pytest.raises(ProgramFailed) as refused:
        Stack(by_hand.azurite, "dev", wrong).plan()
    said = str(refused.value)
    assert "pulumi config set location westeurope" in said


def test_an_account_that_is_not_there_is_named(by_hand: ControlPlane) -> None:
    with pytest.raises(ProgramFailed) as refused:
        Stack(by_hand.azurite, "dev", {**ADOPTED, "accountName": "nobodysaccount"}).plan()
    assert "'nobodysaccount' in resource group 'DemoDjangoBlob'" in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_container_for_uploads_that_is_not_there_is_named(by_hand: ControlPlane) -> None:
    with pytest.raises(ProgramFailed, match="mediaContainer is 'uploads'") as refused:
        Stack(by_hand.azurite, "dev", {**ADOPTED, "mediaContainer": "uploads"}).plan()
    assert "az storage container create --name uploads" in str(refused.value)


def test_without_adopt_an_account_that_exists_is_not_taken_over(by_hand: ControlPlane) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "adopt": False})
    with pytest.raises(StepFailed, match="cannot create already existing resource"):
        stack.run("up")
