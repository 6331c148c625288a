"""The account's keys: renewed, and shut out where the account allows none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from localazure import keys
from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.errors import ArmError, LocalAzureError
from localazure.provider.provider import Provider
from tests.conftest import free_port
from tests.localazure import declared as d
from tests.localazure.conftest import empty_control_plane

ASKED = {"accountName": "store1", "resourceGroupName": "rg1"}


@pytest.fixture
def control_plane(desk_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    yield empty_control_plane(desk_azurite)


@pytest.fixture
def provider(control_plane: ControlPlane) -> Provider:
    provider = Provider(control_plane.azurite)
    d.prepare(provider, d.CONTAINER)
    return provider


def listed(provider: Provider) -> dict[str, str]:
    """The keys as a program gets them."""
    answer = provider.invoke("azure-native:storage:listStorageAccountKeys", ASKED)["keys"]
    return {key["keyName"]: key["value"] for key in answer}


def opens(control_plane: ControlPlane, key: str) -> bool:
    client = BlobServiceClient(
        control_plane.azurite.endpoint("store1").rstrip("/"),
        credential={"account_name": "store1", "account_key": key},
        retry_total=0,
    )
    try:
        list(client.list_containers())
    except HttpResponseError as error:
        assert error.status_code == 403
        return False
    return True


@pytest.mark.parametrize("key", ["key1", "key2"])
def test_a_renewed_key_opens_and_the_old_one_no_more(
    control_plane: ControlPlane, provider: Provider, key: str
) -> None:
    before, born = listed(provider), keys.list_keys(control_plane, "store1")
    other = "key2" if key == "key1" else "key1"
    keys.renew(control_plane, "store1", key)
    after = listed(provider)
    assert after[key] != before[key]
    assert after[other] == before[other]
    assert [opens(control_plane, one) for one in (before[key], after[key], after[other])] == [
        False,
        True,
        True,
    ]
    changed = {now["keyName"] for now in keys.list_keys(control_plane, "store1") if now not in born}
    assert changed == {key}


def test_the_control_plane_works_with_either_key_renewed(
    control_plane: ControlPlane, provider: Provider
) -> None:
    d.make(provider, d.CONTAINER)
    for key in ("key1", "key2"):
        keys.renew(control_plane, "store1", key)
        assert control_plane.blobs("store1").container_names() == ["assets"]


def test_keys_are_listed_without_their_values(
    control_plane: ControlPlane, provider: Provider
) -> None:
    shown = keys.list_keys(control_plane, "store1")
    assert [set(key) for key in shown] == [{"keyName", "creationTime"}] * 2
    assert not set(listed(provider).values()) & {value for key in shown for value in key.values()}


def test_an_unknown_account_or_key_is_not_renewed(
    control_plane: ControlPlane, provider: Provider
) -> None:
    before = listed(provider)
    for account, key, status, code in (
        ("store1", "key3", 400, "InvalidValuesForRequestParameters"),
        ("store2", "key1", 404, "ResourceNotFound"),
    ):
        with pytest.raises(ArmError) as caught:
            keys.renew(control_plane, account, key)
        assert (caught.value.status, caught.value.code) == (status, code)
    with pytest.raises(ArmError, match="ResourceNotFound"):
        keys.list_keys(control_plane, "store2")
    d.make(provider, d.LOCK, level="ReadOnly")
    with pytest.raises(ArmError, match="ScopeLocked"):
        keys.renew(control_plane, "store1", "key1")
    assert {*before.values()} == {*control_plane.load()["accounts"]["store1"]["keys"].values()}


def test_an_account_without_shared_keys_lets_no_key_in(
    control_plane: ControlPlane, provider: Provider
) -> None:
    d.make(provider, d.CONTAINER)
    known = listed(provider)

    def allow(switch: bool | None) -> list[bool]:
        inputs = d.declared(d.ACCOUNT, allowSharedKeyAccess=switch)
        provider.update(d.native(d.ACCOUNT), d.STORE, {}, inputs)
        assert listed(provider) == known
        return [opens(control_plane, key) for key in known.values()]

    assert allow(False) == [False, False]
    assert control_plane.blobs("store1").container_names() == ["assets"]  # Azure itself goes in
    keys.renew(control_plane, "store1", "key1")
    known = listed(provider)
    assert allow(False) == [False, False]
    assert allow(True) == [True, True]
    assert "controlKey" not in control_plane.load()["accounts"]["store1"]
    assert allow(False) == [False, False]
    provider.delete(d.native(d.ACCOUNT), d.STORE)


def test_functions_answer_as_azures_do(provider: Provider) -> None:
    prefix = "azure-native:storage:"
    d.make(provider, d.SERVICE, isVersioningEnabled=True)
    account = provider.invoke(f"{prefix}getStorageAccount", ASKED)
    assert (account["id"], account["kind"], account["name"]) == (d.STORE, "StorageV2", "store1")
    service = provider.invoke(
        f"{prefix}getBlobServiceProperties", {**ASKED, "blobServicesName": "default"}
    )
    assert service["id"] == f"{d.STORE}/blobServices/default"
    assert service["isVersioningEnabled"] is True
    d.make(provider, d.CONTAINER)
    container = provider.invoke(f"{prefix}getBlobContainer", {**ASKED, "containerName": "assets"})
    assert container["id"] == f"{d.STORE}/blobServices/default/containers/assets"
    assert container["publicAccess"] == "None"
    client = provider.invoke("azure-native:authorization:getClientConfig", {})
    assert client["subscriptionId"] == d.SUBSCRIPTION.rpartition("/")[2]
    assert set(client) == {"clientId", "objectId", "subscriptionId", "tenantId"}


@pytest.mark.parametrize(
    ("token", "asked", "status", "code"),
    [
        ("getStorageAccount", {**ASKED, "accountName": "none"}, 404, "ResourceNotFound"),
        ("getStorageAccount", {**ASKED, "resourceGroupName": "rg2"}, 404, "ResourceNotFound"),
        ("getStorageAccount", {"accountName": "store1"}, 400, "InvalidArgument"),
        ("getBlobServiceProperties", {**ASKED, "accountName": "none", "blobServicesName": "x"}, 404,
         "ResourceNotFound"),
        ("getBlobServiceProperties", ASKED, 400, "InvalidArgument"),
        ("getBlobContainer", {**ASKED, "containerName": "none"}, 404, "ContainerNotFound"),
        ("getBlobContainer", {**ASKED, "accountName": "none", "containerName": "x"}, 404,
         "ResourceNotFound"),
        ("listStorageAccountKeys", {**ASKED, "resourceGroupName": "rg2"}, 404, "ResourceNotFound"),
        ("getStorageQueue", ASKED, 404, "UnknownFunction"),
    ],
)  # fmt: skip
def test_functions_refuse_as_azures_do(
    provider: Provider, token: str, asked: dict[str, Any], status: int, code: str
) -> None:
    with pytest.raises(ArmError) as caught:
        provider.invoke(f"azure-native:storage:{token}", asked)
    assert (caught.value.status, caught.value.code) == (status, code)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Azurite]:
    """An Azurite of one's own, to be killed."""
    azurite = Azurite(tmp_path, free_port())
    azurite.start()
    yield azurite
    azurite.stop()


@pytest.mark.parametrize("while_waiting", [False, True])
def test_an_azurite_that_dies_is_named_with_its_log(mortal: Azurite, while_waiting: bool) -> None:
    provider = Provider(mortal)
    d.prepare(provider, d.CONTAINER)
    blobs = ControlPlane(mortal).blobs("store1")
    pid = mortal.status().pid
    assert pid is not None
    killer = threading.Timer(0.5 if while_waiting else 0, os.kill, (pid, signal.SIGKILL))
    if while_waiting:
        os.kill(pid, signal.SIGSTOP)  # it has taken the request, and never answers
    killer.start()
    if not while_waiting:
        killer.join()
        time.sleep(0.1)
    with pytest.raises(LocalAzureError, match="stopped answering") as caught:
        blobs.container("assets")
    killer.join()
    assert str(mortal.log) in str(caught.value)
    live = d.make(provider, d.CONTAINER)  # the next command starts it again
    assert live.outputs["name"] == "assets"


def test_an_account_that_cannot_be_served_is_not_stored(mortal: Azurite, tmp_path: Path) -> None:
    blocked = Azurite(tmp_path / "other", mortal.port)
    blocked.state_dir.mkdir()
    provider = Provider(blocked)
    d.prepare(provider, d.ACCOUNT)
    with pytest.raises(LocalAzureError, match="taken"):
        d.make(provider, d.ACCOUNT)
    assert ControlPlane(blocked).load()["accounts"] == {}


def test_what_the_data_plane_refuses_has_azures_code(
    control_plane: ControlPlane, provider: Provider
) -> None:
    blobs = control_plane.blobs("store1")
    keys.renew(control_plane, "store1", "key1")  # behind its back
    with pytest.raises(ArmError) as caught:
        blobs.container_names()
    assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailure")
    assert "\n" not in caught.value.message
