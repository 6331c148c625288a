"""The stand-in against what the real azure-native provider was recorded to produce."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from localazure.azurite import Azurite
from localazure.errors import ArmError
from localazure.provider.provider import Provider
from localazure.values import UNKNOWN
from tests.localazure.conftest import empty_control_plane

LIST_KEYS = "azure-native:storage:listStorageAccountKeys"
GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
SERVICE = "azure-native:storage:BlobServiceProperties"
CONTAINER = "azure-native:storage:BlobContainer"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
STORAGE = f"{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts"
RULE = {
    "allowedOrigins": ["https://www.contoso.com"],
    "allowedMethods": ["GET"],
    "allowedHeaders": ["x-ms-meta-data*"],
    "exposedHeaders": ["x-ms-meta-*"],
    "maxAgeInSeconds": 100,
}


@pytest.fixture
def provider(desk_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "30")
    empty_control_plane(desk_azurite)
    yield Provider(desk_azurite)


def made_group(provider: Provider, name: str = "rg1") -> None:
    provider.create(GROUP, {"resourceGroupName": name, "location": "westus2"})


def account_inputs(**changed: Any) -> dict[str, Any]:
    return {
        "accountName": "store1",
        "resourceGroupName": "rg1",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "allowBlobPublicAccess": True,
        **changed,
    }


def made_account(provider: Provider, **changed: Any) -> None:
    made_group(provider)
    provider.create(ACCOUNT, account_inputs(**changed))


def container_inputs(**changed: Any) -> dict[str, Any]:
    return {
        "accountName": "store1",
        "resourceGroupName": "rg1",
        "containerName": "assets",
        "publicAccess": "Blob",
        **changed,
    }


def test_a_missing_name_becomes_the_logical_name_and_eight_hex_digits(provider: Provider) -> None:
    inputs, failures = provider.check(GROUP, "Rg", {}, {"location": "westus2"}, b"seed")
    assert failures == []
    assert re.fullmatch(r"Rg[0-9a-f]{8}", inputs["resourceGroupName"])
    assert inputs["__createBeforeDelete"] is True


def test_a_generated_name_stays_while_the_resource_lives(provider: Provider) -> None:
    first, _ = provider.check(GROUP, "rg", {}, {"location": "westus2"}, b"seed")
    again, _ = provider.check(GROUP, "rg", first, {"location": "westus2"}, b"another")
    assert again == first


def test_a_given_name_is_kept_and_is_not_created_before_it_is_deleted(provider: Provider) -> None:
    inputs, _ = provider.check(
        GROUP, "rg", {}, {"location": "westus2", "resourceGroupName": "mine"}, b"seed"
    )
    assert inputs == {"location": "westus2", "resourceGroupName": "mine"}


def test_an_account_takes_its_location_from_its_group(provider: Provider) -> None:
    made_group(provider)
    inputs, failures = provider.check(ACCOUNT, "store", {}, account_inputs(), b"seed")
    assert failures == []
    assert inputs["location"] == "westus2"


def test_the_providers_own_location_comes_before_the_groups(provider: Provider) -> None:
    made_group(provider)
    provider.configure({"location": "northeurope"})
    inputs, _ = provider.check(ACCOUNT, "store", {}, account_inputs(), b"seed")
    assert inputs["location"] == "northeurope"


def test_missing_and_unknown_properties_are_named_all_at_once(provider: Provider) -> None:
    _, failures = provider.check(ACCOUNT, "store", {}, {"nmae": "x"}, b"seed")
    assert {failure.property for failure in failures} == {
        "nmae",
        "resourceGroupName",
        "sku",
        "kind",
    }


def test_a_groups_outputs_and_id_are_as_recorded(provider: Provider) -> None:
    live = provider.create(GROUP, {"resourceGroupName": "rg1", "location": "westus2"})
    assert live.id == f"{SUBSCRIPTION}/resourceGroups/rg1"
    assert live.outputs == {
        "location": "westus2",
        "name": "rg1",
        "properties": {"provisioningState": "Succeeded"},
        "type": "Microsoft.Resources/resourceGroups",
    }


def test_an_accounts_outputs_and_id_are_as_recorded(provider: Provider) -> None:
    made_group(provider)
    live = provider.create(ACCOUNT, account_inputs())
    assert live.id == f"{STORAGE}/store1"
    outputs = live.outputs
    assert set(outputs) == {
        "accessTier",
        "allowBlobPublicAccess",
        "allowCrossTenantReplication",
        "creationTime",
        "enableHttpsTrafficOnly",
        "encryption",
        "keyCreationTime",
        "kind",
        "location",
        "minimumTlsVersion",
        "name",
        "networkRuleSet",
        "primaryEndpoints",
        "primaryLocation",
        "privateEndpointConnections",
        "provisioningState",
        "sku",
        "statusOfPrimary",
        "tags",
        "type",
    }
    assert outputs["minimumTlsVersion"] == "TLS1_0"
    assert outputs["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    assert outputs["type"] == "Microsoft.Storage/storageAccounts"
    assert outputs["primaryEndpoints"]["blob"].endswith("/store1/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", outputs["creationTime"])


def test_a_containers_outputs_and_id_are_as_recorded(provider: Provider) -> None:
    made_account(provider)
    live = provider.create(CONTAINER, container_inputs())
    assert live.id == f"{STORAGE}/store1/blobServices/default/containers/assets"
    assert set(live.outputs) == {
        "defaultEncryptionScope",
        "deleted",
        "denyEncryptionScopeOverride",
        "etag",
        "hasImmutabilityPolicy",
        "hasLegalHold",
        "lastModifiedTime",
        "leaseState",
        "leaseStatus",
        "legalHold",
        "name",
        "publicAccess",
        "remainingRetentionDays",
        "type",
    }
    assert live.outputs["publicAccess"] == "Blob"
    assert live.outputs["type"] == "Microsoft.Storage/storageAccounts/blobServices/containers"


def test_the_blob_services_rules_come_back_as_they_were_set(provider: Provider) -> None:
    made_account(provider)
    inputs = {
        "accountName": "store1",
        "resourceGroupName": "rg1",
        "blobServicesName": "default",
        "cors": {"corsRules": [RULE]},
        "isVersioningEnabled": True,
    }
    live = provider.create(SERVICE, inputs)
    assert live.id == f"{STORAGE}/store1/blobServices/default"
    assert live.outputs["cors"] == {"corsRules": [RULE]}
    assert live.outputs["isVersioningEnabled"] is True
    provider.delete(SERVICE, live.id)
    found = provider.read(SERVICE, live.id, inputs)
    assert found is not None  # the singleton stays, empty
    assert found[0].outputs["cors"] == {"corsRules": []}
    assert "isVersioningEnabled" not in found[0].outputs


def test_keys_are_two_and_full_and_are_not_marked_secret(provider: Provider) -> None:
    made_account(provider)
    keys = provider.invoke(LIST_KEYS, {"accountName": "store1", "resourceGroupName": "rg1"})["keys"]
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    assert {key["permissions"] for key in keys} == {"Full"}
    assert all(isinstance(key["value"], str) and len(key["value"]) == 88 for key in keys)


def test_a_preview_promises_the_inputs_and_leaves_the_rest_unknown(provider: Provider) -> None:
    live = provider.create(ACCOUNT, account_inputs(), preview=True)
    assert live.outputs["kind"] == "StorageV2"
    assert live.outputs["primaryEndpoints"] is UNKNOWN
    assert provider.read(ACCOUNT, f"{STORAGE}/store1", {}) is None


@pytest.mark.parametrize("key", ["accountName", "resourceGroupName", "location"])
def test_a_changed_name_group_or_location_replaces_an_account(provider: Provider, key: str) -> None:
    old = account_inputs(location="westus2")
    diff = provider.diff(ACCOUNT, old, {**old, key: "changed"})
    assert diff.replaces == (key,)
    assert diff.delete_first  # a name that was given cannot stand twice


def test_a_generated_name_is_created_before_the_old_one_goes(provider: Provider) -> None:
    old = {**account_inputs(location="westus2"), "__createBeforeDelete": True}
    assert not provider.diff(ACCOUNT, old, {**old, "location": "northeurope"}).delete_first


def test_a_changed_switch_is_an_update(provider: Provider) -> None:
    diff = provider.diff(ACCOUNT, account_inputs(), account_inputs(allowBlobPublicAccess=False))
    assert (diff.changes, diff.replaces) == ({"allowBlobPublicAccess": "update"}, ())


def test_an_unknown_value_counts_as_changed(provider: Provider) -> None:
    diff = provider.diff(CONTAINER, container_inputs(), container_inputs(accountName=UNKNOWN))
    assert diff.replaces == ("accountName",)


def test_properties_that_the_program_never_set_are_no_drift(provider: Provider) -> None:
    made_account(provider)
    found = provider.read(ACCOUNT, f"{STORAGE}/store1", account_inputs())
    assert found is not None
    assert found[1] == account_inputs()


def refusal(provider: Provider, token: str, inputs: dict[str, Any]) -> tuple[int, str]:
    with pytest.raises(ArmError) as caught:
        provider.create(token, inputs)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("name", ["ab", "a" * 25, "Store", "my-store", "my_store", "störe", ""])
def test_a_bad_account_name_is_refused_with_azures_code(provider: Provider, name: str) -> None:
    made_group(provider)
    expected = (400, "AccountNameInvalid")
    assert refusal(provider, ACCOUNT, account_inputs(accountName=name)) == expected


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Assets", "a--b", "-ab", "ab-", "a.b", "a b"])
def test_a_bad_container_name_is_refused_with_azures_code(provider: Provider, name: str) -> None:
    made_account(provider)
    expected = (400, "InvalidResourceName")
    assert refusal(provider, CONTAINER, container_inputs(containerName=name)) == expected


@pytest.mark.parametrize("name", ["rg.", "r g", "r/g", "r" * 91])
def test_a_bad_group_name_is_refused(provider: Provider, name: str) -> None:
    inputs = {"resourceGroupName": name, "location": "westus2"}
    assert refusal(provider, GROUP, inputs) == (400, "InvalidParameter")


def test_a_region_that_is_none_is_refused(provider: Provider) -> None:
    inputs = {"resourceGroupName": "rg1", "location": "westeurop"}
    assert refusal(provider, GROUP, inputs) == (400, "LocationNotAvailableForResourceType")


def test_an_account_without_its_group_is_refused(provider: Provider) -> None:
    assert refusal(provider, ACCOUNT, account_inputs()) == (404, "ResourceGroupNotFound")


def test_an_account_name_taken_in_another_group_is_refused(provider: Provider) -> None:
    made_account(provider)
    made_group(provider, "rg2")
    expected = (409, "StorageAccountAlreadyTaken")
    assert refusal(provider, ACCOUNT, account_inputs(resourceGroupName="rg2")) == expected


def test_tls_1_3_is_refused_although_the_sdk_offers_it(provider: Provider) -> None:
    made_group(provider)
    expected = (400, "InvalidValuesForRequestParameters")
    assert refusal(provider, ACCOUNT, account_inputs(minimumTlsVersion="TLS1_3")) == expected


@pytest.mark.parametrize("switch", [False, None])
def test_a_public_container_on_a_closed_account_is_refused(
    provider: Provider, switch: bool | None
) -> None:
    made_account(provider, allowBlobPublicAccess=switch)
    assert refusal(provider, CONTAINER, container_inputs()) == (409, "PublicAccessNotPermitted")


def test_a_container_that_was_just_deleted_is_refused(provider: Provider) -> None:
    made_account(provider)
    live = provider.create(CONTAINER, container_inputs())
    provider.delete(CONTAINER, live.id)
    assert refusal(provider, CONTAINER, container_inputs()) == (409, "ContainerBeingDeleted")


def test_a_sixth_rule_and_a_rule_with_a_missing_field_are_refused(provider: Provider) -> None:
    made_account(provider)
    service = {
        "accountName": "store1",
        "resourceGroupName": "rg1",
        "blobServicesName": "default",
        "cors": {"corsRules": [RULE] * 6},
    }
    assert refusal(provider, SERVICE, service) == (400, "InvalidXmlDocument")
    for field in RULE:
        partial = {key: value for key, value in RULE.items() if key != field}
        service["cors"] = {"corsRules": [partial]}
        assert refusal(provider, SERVICE, service) == (400, "InvalidXmlNodeValue")


def test_what_exists_already_is_not_created_again(provider: Provider) -> None:
    made_account(provider)
    provider.create(CONTAINER, container_inputs())
    assert refusal(provider, CONTAINER, container_inputs()) == (409, "ResourceExists")
    assert refusal(provider, ACCOUNT, account_inputs()) == (409, "ResourceExists")


def test_deleting_what_is_gone_is_no_error(provider: Provider) -> None:
    made_account(provider)
    provider.delete(CONTAINER, f"{STORAGE}/store1/blobServices/default/containers/never")
    provider.delete(ACCOUNT, f"{STORAGE}/never")
    provider.delete(ACCOUNT, f"{STORAGE}/store1")
    assert provider.read(ACCOUNT, f"{STORAGE}/store1", {}) is None


def test_a_throw_away_cloud_has_the_group_that_somebody_else_made(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = f"{SUBSCRIPTION}/resourceGroups/Theirs"
    assert provider.read(GROUP, group, {}) is None
    monkeypatch.setenv("LOCALAZURE_GROUPS", "any")
    found = provider.read(GROUP, group, {})
    assert found is not None
    assert found[0].outputs["name"] == "Theirs"
    monkeypatch.delenv("LOCALAZURE_GROUPS")
    assert provider.read(GROUP, group, {}) is not None


def test_an_account_without_lifecycle_rules_has_azures_code_for_it(provider: Provider) -> None:
    with pytest.raises(ArmError) as caught:
        provider.invoke(
            "azure-native:storage:getManagementPolicy",
            {
                "accountName": "a",
                "resourceGroupName": "g",
                "managementPolicyName": "default",
            },
        )
    assert (caught.value.status, caught.value.code) == (404, "ManagementPolicyNotFound")
