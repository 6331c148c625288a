"""A resource's inputs become the request that Azure's REST reference shows, or are found wrong."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from tests.truth.paths import SUBSCRIPTION
from tests.truth.program import Declared
from tests.truth.requests import Request, request
from tests.truth.settings import ORIGINS, SUBNET

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/DemoDjangoBlob/providers"


def last(everything: list[Declared], token: str) -> Declared:
    return [one for one in everything if one.token == f"azure-native:{token}"][-1]


def sent(everything: list[Declared], token: str) -> Request:
    return last(everything, token).request


def altered(everything: list[Declared], token: str, path: str, value: Any) -> tuple[str, ...]:
    """The problems of a resource with one input changed; None takes it out."""
    one = last(everything, token)
    inputs = copy.deepcopy(one.inputs)
    *above, name = path.split(".")
    place: Any = inputs
    for part in above:
        place = place[int(part)] if part.isdigit() else place[part]
    if value is None:
        del place[name]
    else:
        place[name] = value
    return request(one.token, one.name, inputs).problems


def test_an_accounts_properties_have_the_names_of_the_rest_api(everything: list[Declared]) -> None:
    account = sent(everything, "storage:StorageAccount")
    assert re.fullmatch(
        rf"{GROUP}/Microsoft\.Storage/storageAccounts/django[0-9a-f]{{8}}", account.path
    )
    assert account.body.keys() == {"sku", "kind", "location", "tags", "properties"}
    properties = account.body["properties"]
    assert properties["supportsHttpsTrafficOnly"] is True
    assert properties["networkAcls"] == {
        "bypass": "AzureServices",
        "defaultAction": "Deny",
        "ipRules": [{"value": "203.0.113.0/24", "action": "Allow"}],
        "virtualNetworkRules": [{"id": SUBNET, "action": "Allow"}],
    }
    assert "accountName" not in properties
    assert "resourceGroupName" not in account.body


def test_names_in_the_path_are_not_in_the_body(everything: list[Declared]) -> None:
    container = sent(everything, "storage:BlobContainer")
    assert container.path.endswith("/blobServices/default/containers/quarantine")
    assert container.body == {"properties": {"publicAccess": "None"}}


def test_a_missing_name_is_generated_as_azure_native_does(everything: list[Declared]) -> None:
    assert re.fullmatch(r"site-door[0-9a-f]{8}", sent(everything, "cdn:Profile").name)
    assert re.fullmatch(r"site-door-endpoint[0-9a-f]{8}", sent(everything, "cdn:AFDEndpoint").name)
    assert sent(everything, "cdn:AFDOriginGroup").name == "site-door-origins"
    assert re.fullmatch(r"site-log[0-9a-f]{8}", sent(everything, "monitor:DiagnosticSetting").name)


def test_a_role_is_assigned_below_its_scope_by_a_guid(everything: list[Declared]) -> None:
    role = sent(everything, "authorization:RoleAssignment")
    assert re.search(
        r"/containers/static/providers/Microsoft\.Authorization/roleAssignments/[0-9a-f-]{36}$",
        role.path,
    )
    assert role.body.keys() == {"properties"}
    assert role.body["properties"].keys() == {"principalId", "principalType", "roleDefinitionId"}


def test_nested_objects_have_properties_of_their_own(everything: list[Declared]) -> None:
    endpoint = sent(everything, "network:PrivateEndpoint")
    (connection,) = endpoint.body["properties"]["privateLinkServiceConnections"]
    assert connection["name"] == "blob"
    assert connection["properties"]["groupIds"] == ["blob"]
    assert endpoint.body["properties"]["subnet"]["id"] == SUBNET


def test_an_action_is_checked_as_the_kind_that_its_name_says(everything: list[Declared]) -> None:
    rule = sent(everything, "cdn:Rule")
    assert [action["name"] for action in rule.body["properties"]["actions"]] == [
        "ModifyResponseHeader"
    ] * 2
    assert rule.body["properties"]["conditions"][0]["parameters"]["selector"] == "Origin"
    assert altered(everything, "cdn:Rule", "actions.0.name", "UrlRewrite") != ()
    (problem, *_) = altered(everything, "cdn:Rule", "actions.0.name", "SetCookie")
    assert problem.startswith("properties.actions[0].name is 'SetCookie': one of CacheExpiration")


def test_days_are_whole_numbers_as_azure_expects_them(everything: list[Declared]) -> None:
    service = sent(everything, "storage:BlobServiceProperties")
    assert repr(service.body["properties"]["restorePolicy"]) == "{'enabled': True, 'days': 6}"


def test_the_origins_stand_in_the_body_as_they_are_set(everything: list[Declared]) -> None:
    services = [one for one in everything if one.token.endswith(":BlobServiceProperties")]
    rules = services[1].request.body["properties"]["cors"]["corsRules"]
    assert [rule["allowedOrigins"] for rule in rules] == [ORIGINS, ORIGINS]


@pytest.mark.parametrize(
    ("token", "path", "value", "problem"),
    [
        (
            "storage:StorageAccount",
            "accountName",
            "Django",
            "account_name is 'Django': pattern ^[a-z0-9]+$",
        ),
        ("storage:StorageAccount", "accountName", "ab", "account_name is 'ab': min_length 3"),
        (
            "storage:StorageAccount",
            "enableHttpsTraffic",
            True,
            "enableHttpsTraffic is unknown to azure-native",
        ),
        (
            "storage:StorageAccount",
            "networkRuleSet.ipRules.0.ipAddressOrRange",
            "203.0.113.7",
            "networkRuleSet.ipRules[0].ipAddressOrRange is unknown to azure-native",
        ),
        (
            "storage:StorageAccount",
            "minimumTlsVersion",
            "TLS1_4",
            "properties.minimumTlsVersion is 'TLS1_4': one of TLS1_0, TLS1_1, TLS1_2, TLS1_3",
        ),
        ("storage:StorageAccount", "sku.name", None, "sku.name is missing: required"),
        ("storage:StorageAccount", "sku.tier", "Standard", "sku.tier is read-only"),
        (
            "storage:BlobServiceProperties",
            "blobServicesName",
            "first",
            "blob_services_name is 'first': always 'default'",
        ),
        (
            "storage:BlobServiceProperties",
            "deleteRetentionPolicy.days",
            366.0,
            "properties.deleteRetentionPolicy.days is 366: maximum 365",
        ),
        (
            "storage:BlobServiceProperties",
            "deleteRetentionPolicy.days",
            7.5,
            "properties.deleteRetentionPolicy.days is 7.5: int",
        ),
        (
            "storage:BlobServiceProperties",
            "restorePolicy.lastEnabledTime",
            "2026-01-01T00:00:00Z",
            "properties.restorePolicy.lastEnabledTime is read-only",
        ),
        (
            "storage:ManagementPolicy",
            "managementPolicyName",
            "second",
            "management_policy_name is 'second': one of default",
        ),
        (
            "storage:BlobContainer",
            "containerName",
            "ab",
            "container_name is 'ab': min_length 3",
        ),
        ("cdn:AFDOrigin", "profileName", None, "profile_name is missing: required"),
        ("cdn:RuleSet", "order", 1, "order is not sent: the request has no body"),
    ],
)
def test_a_fault_in_the_inputs_is_found(
    everything: list[Declared], token: str, path: str, value: Any, problem: str
) -> None:
    assert problem in altered(everything, token, path, value)
