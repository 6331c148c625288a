"""An account made by hand comes under the stack without losing a byte."""

from __future__ import annotations

from typing import Any

import pytest

from localazure.azurite import Azurite
from localazure.cloud import Cloud
from localazure.engine.failure import ProgramFailed, StepFailed
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
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
ADOPTED = {
    "accountName": ACCOUNT,
    "adopt": True,
    "protect": True,
}


@pytest.fixture
def by_hand(empty: Azurite) -> Cloud:
    """What the tutorial's steps leave: the defaults of the portal, and blobs in both containers."""
    cloud = Cloud(empty)
    ResourceGroup(cloud).create({"resourceGroupName": GROUP, "location": "westeurope"})
    StorageAccount(cloud).create(
        {
            **WHERE,
            "location": "westeurope",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "allowBlobPublicAccess": True,
            "minimumTlsVersion": "TLS1_0",
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


def etags(cloud: Cloud) -> dict[str, str]:
    client = cloud.blobs(ACCOUNT)._client
    return {
        container: client.get_blob_client(container, "a.txt").get_blob_properties().etag
        for container in ("static", "media")
    }


def operations(stack: Stack, **settings: Any) -> dict[str, str]:
    return {s.resource.name: s.op.verb for s in stack.plan(**settings) if s.resource.custom}


def test_the_preview_imports_and_does_nothing_else(by_hand: Cloud) -> None:
    stack = Stack(by_hand.azurite, "dev", ADOPTED)
    assert operations(stack) == dict.fromkeys(
        ("site-group", "django", "site-blobs", "site-static", "site-media"), "import"
    )
    printed = stack.run("preview")
    assert "origins https://old.example; methods GET, PUT" in printed
    assert "http://127.0.0.1:8000" in printed  # what the stack will set instead


def test_up_takes_over_and_leaves_everything_as_it_is(by_hand: Cloud) -> None:
    stack, before, blobs = Stack(by_hand.azurite, "dev", ADOPTED), by_hand.load(), etags(by_hand)
    stack.run("up")
    assert by_hand.load() == before
    assert etags(by_hand) == blobs
    assert by_hand.blobs(ACCOUNT).cors() == [CORS]
    assert stack.outputs["AZURE_ACCOUNT_NAME"] == ACCOUNT
    assert operations(stack) == {}


def test_then_the_stack_brings_it_in_line_without_replacing_anything(by_hand: Cloud) -> None:
    stack, blobs = Stack(by_hand.azurite, "dev", ADOPTED), etags(by_hand)
    stack.run("up")
    stack.settings = {**ADOPTED, "adopt": False}
    planned = operations(stack)
    assert set(planned.values()) == {"update", "create"}
    assert planned["django"] == "update"
    created = [name for name, verb in planned.items() if verb == "create"]
    assert created == ["site-quarantine", "site-lifecycle"]
    stack.run("up")
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "None"
    assert etags(by_hand) == blobs
    assert by_hand.load()["accounts"][ACCOUNT]["properties"]["minimumTlsVersion"] == "TLS1_2"
    assert by_hand.blobs(ACCOUNT).cors()[0]["allowedOrigins"] != ["https://old.example"]
    assert operations(stack) == {}


def test_a_quarantine_that_the_account_has_already_is_taken_over_and_closed(by_hand: Cloud) -> None:
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


def test_an_account_of_the_stack_can_have_adopt_on_again_and_nothing_moves(by_hand: Cloud) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "protect": False})
    for adopt in (True, False, True):
        stack.settings["adopt"] = adopt
        planned = operations(stack)
        stack.run("up")
    # Around it things come and go with the setting; the containers stay where they are.
    assert planned == {"site-lifecycle": "delete"}
    assert by_hand.load()["accounts"][ACCOUNT]["containers"]["quarantine"] == "None"


def test_the_site_knows_its_quarantine_from_the_first_step_on(by_hand: Cloud) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "quarantineContainer": "unchecked"})
    stack.run("up")
    assert stack.outputs["AZURE_QUARANTINE_CONTAINER"] == "unchecked"
    assert "unchecked" not in by_hand.load()["accounts"][ACCOUNT]["containers"]


def test_what_cannot_be_changed_is_refused_with_the_setting(by_hand: Cloud) -> None:
    wrong = {**ADOPTED, "location": "northeurope"}
    with pytest.raises(ProgramFailed) as refused:
        Stack(by_hand.azurite, "dev", wrong).plan()
    said = str(refused.value)
    assert "pulumi config set location westeurope" in said


def test_an_account_that_is_not_there_is_named(by_hand: Cloud) -> None:
    with pytest.raises(ProgramFailed) as refused:
        Stack(by_hand.azurite, "dev", {**ADOPTED, "accountName": "nobodysaccount"}).plan()
    assert "'nobodysaccount' in resource group 'DemoDjangoBlob'" in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_container_that_is_not_there_is_named(by_hand: Cloud) -> None:
    with pytest.raises(StepFailed, match="uploads"):
        Stack(by_hand.azurite, "dev", {**ADOPTED, "mediaContainer": "uploads"}).plan()


def test_without_adopt_an_account_that_exists_is_not_taken_over(by_hand: Cloud) -> None:
    stack = Stack(by_hand.azurite, "dev", {**ADOPTED, "adopt": False})
    with pytest.raises(StepFailed, match="cannot create already existing resource"):
        stack.run("up")
