"""Taking over what exists, under both engines: an account that a stack left behind or that somebody
made by hand, a resource group of somebody else, and a hub network's DNS zone."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest

from infra import rules
from localazure.control_plane import ControlPlane
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
from localazure.provider.resource_group import ResourceGroup
from localazure.provider.storage_account import StorageAccount
from tests.e2e.engines import Engine

GROUP, ACCOUNT = "DemoDjangoBlob", "madebyhand"
WHERE = {"resourceGroupName": GROUP, "accountName": ACCOUNT}
# Bytes of every value, of different lengths.
UPLOADS = {
    f"2026/photo-{n}.jpg": bytes(itertools.islice(itertools.cycle(range(n, 256)), 40_000 + n))
    for n in range(3)
}


def digests(cloud: ControlPlane, account: str) -> dict[str, str]:
    container = cloud.blobs(account)._client.get_container_client("media")
    return {
        blob.name: hashlib.sha256(container.download_blob(blob.name).readall()).hexdigest()
        for blob in container.list_blobs()
    }


def upload(cloud: ControlPlane, account: str) -> dict[str, str]:
    container = cloud.blobs(account)._client.get_container_client("media")
    for name, content in UPLOADS.items():
        container.upload_blob(name, content)
    return digests(cloud, account)


def test_retained_media_are_adopted_again_byte_for_byte(engine: Engine) -> None:
    engine.run("up")
    (account,) = engine.cloud.load()["accounts"]
    media = upload(engine.cloud, account)
    assert len(media) == len(UPLOADS)
    engine.set(retainMedia=True)
    engine.run("up")
    engine.run("destroy")
    assert list(engine.cloud.load()["accounts"][account]["containers"]) == ["media"]

    engine.set(accountName=account, adopt=True)
    planned = engine.preview()
    imported = {name for name, operation in planned.items() if operation == "import"}
    assert imported == {"site-group", "django", "site-blobs", "site-media", "site-lifecycle"}
    created = {name for name, operation in planned.items() if operation == "create"}
    assert {"site-static", "site-quarantine"} <= created
    printed = engine.run("up")
    assert "differs from the settings" not in printed
    assert digests(engine.cloud, account) == media
    containers = engine.cloud.load()["accounts"][account]["containers"]
    assert containers == {"media": "Blob", "static": "Blob", "quarantine": "None"}

    engine.set(adopt=False)
    assert engine.preview() == {}
    engine.run("up")
    assert digests(engine.cloud, account) == media


@pytest.fixture
def by_hand(engine: Engine) -> Engine:
    """An account with zones, versions and 30 days of soft delete."""
    cloud = engine.cloud
    ResourceGroup(cloud).create({"resourceGroupName": GROUP, "location": "westeurope"})
    account: dict[str, Any] = {
        **WHERE,
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS"},
        "allowBlobPublicAccess": True,
        "minimumTlsVersion": "TLS1_2",
    }
    StorageAccount(cloud).create(account)
    kept = {"enabled": True, "days": 30}
    service = {
        "blobServicesName": "default",
        "cors": {"corsRules": []},
        "isVersioningEnabled": True,
        "deleteRetentionPolicy": kept,
        "containerDeleteRetentionPolicy": kept,
    }
    BlobServiceProperties(cloud).create({**WHERE, **service})
    for container in ("static", "media"):
        inputs = {**WHERE, "containerName": container, "publicAccess": "Blob"}
        BlobContainer(cloud).create(inputs)
    return engine


def protection(engine: Engine) -> tuple[Any, ...]:
    found = engine.cloud.load()["accounts"][ACCOUNT]
    service = found["blobService"]
    return (
        found["properties"]["sku"]["name"],
        service["isVersioningEnabled"],
        service["deleteRetentionPolicy"]["days"],
        service["containerDeleteRetentionPolicy"]["days"],
    )


def test_adopting_an_account_with_zones_and_versions_never_lowers_them(by_hand: Engine) -> None:
    engine, before = by_hand, protection(by_hand)
    media = upload(engine.cloud, ACCOUNT)
    engine.set(accountName=ACCOUNT, adopt=True)
    printed = engine.run("up")
    found: dict[str, str | int | bool | None] = {
        "sku": "Standard_ZRS",
        "blobSoftDeleteDays": 30,
        "containerSoftDeleteDays": 30,
        "versioning": "true",
        "oldVersionDays": 0,
    }
    for key, value in found.items():
        assert f"pulumi config set {key} {value}" in printed
    assert protection(engine) == before

    engine.set(adopt=False)
    for command in ("preview", "up"):
        said = engine.refused(command)
        assert "from Standard_ZRS to Standard_LRS by an update" in said
        assert "Traceback" not in said
    engine.set(sku="Standard_ZRS")
    said = engine.refused("up")
    assert "versioning: from on to off" in said
    assert "soft delete of containers: from 30 days to 7 days" in said
    assert protection(engine) == before

    engine.set(**found)
    engine.run("up")
    assert protection(engine) == before
    assert digests(engine.cloud, ACCOUNT) == media
    assert engine.preview() == {}


def group_of_somebody(engine: Engine) -> dict[str, Any]:
    made = {"resourceGroupName": GROUP, "location": "northeurope", "tags": {"owner": "platform"}}
    ResourceGroup(engine.cloud).create(made)
    found: dict[str, Any] = engine.cloud.load()["groups"]
    return found


def test_a_group_of_somebody_else_is_used_and_left_as_it_is(engine: Engine) -> None:
    engine.set(createResourceGroup=False)
    assert f"resourceGroups/{GROUP}" in engine.refused("preview")
    groups = group_of_somebody(engine)
    assert engine.preview()["site-group"] == "read"
    engine.run("up")
    (account,) = engine.cloud.load()["accounts"].values()
    assert account["group"] == GROUP
    assert engine.cloud.load()["groups"] == groups
    assert set(engine.preview()) <= {"site-group"}
    engine.run("refresh")
    engine.run("destroy")
    assert engine.cloud.load()["groups"] == groups
    assert engine.cloud.load()["accounts"] == {}


def test_a_group_that_the_stack_made_can_be_handed_over(engine: Engine) -> None:
    engine.run("up")
    engine.set(createResourceGroup=False)
    assert engine.preview() == {"site-group": "read"}
    engine.run("up")
    engine.run("destroy")
    assert list(engine.cloud.load()["groups"]) == [GROUP.lower()]
    assert engine.cloud.load()["accounts"] == {}


def test_two_stacks_live_in_one_group(engine: Engine) -> None:
    group_of_somebody(engine)
    settings: dict[str, str | int | bool | None] = {
        "createResourceGroup": False,
        "resourceGroupName": GROUP,
        "lock": True,
        "frontDoor": "standard",
        "privateEndpointSubnet": rules.SUBNET_EXAMPLE,
        "privateDnsZoneId": rules.ZONE_EXAMPLE,
    }
    engine.set(**settings)
    engine.run("up")
    second = engine.another("prod")
    second.set(protect=False, **settings)
    second.run("up")
    assert len(engine.cloud.load()["accounts"]) == 2
    for each in (engine, second):
        assert set(each.preview()) <= {"site-group"}
    engine.run("destroy")
    assert len(engine.cloud.load()["accounts"]) == 1
    assert set(second.preview()) <= {"site-group"}
    second.run("destroy")
    assert engine.cloud.load()["accounts"] == {}
    assert not engine.cloud.load().get("recorded")


def test_a_hub_networks_zone_gets_the_record_and_nothing_else(engine: Engine) -> None:
    engine.set(privateEndpointSubnet=rules.SUBNET_EXAMPLE)
    engine.run("up")
    engine.set(privateDnsZoneId=rules.ZONE_EXAMPLE)
    assert engine.preview() == {
        "site-private-record": "update",
        "site-private-link": "delete",
        "site-private-zone": "delete",
    }
    engine.run("up")
    recorded = engine.cloud.load()["recorded"].values()
    assert not [each for each in recorded if "privatednszones" in each["type"].lower()]
    (record,) = (each for each in recorded if each["type"].endswith("/privateDnsZoneGroups"))
    (config,) = record["inputs"]["privateDnsZoneConfigs"]
    assert config["privateDnsZoneId"] == rules.ZONE_EXAMPLE
