"""Each setting changed by itself: the plan shows exactly that change, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra import rules
from infra.settings import SETTINGS
from localazure.azurite import Azurite
from localazure.engine.failure import StepFailed
from tests.profiles.conftest import Stack, emptied

PRINCIPAL = SETTINGS["dataPrincipals"].example
GUID = PRINCIPAL.partition(":")[2]
TAGGED = ("site-group", "djangoprod")
DOOR = {
    "site-door": "create",
    "site-door-endpoint": "create",
    "site-door-origins": "create",
    "site-door-origin": "create",
    "site-door-rules": "create",
    "site-door-rule-cors1": "create",
    "site-door-route": "create",
}
SITE = {
    "site-host": "create",
    "site-host-identity": "create",
    "site-host-plan": "create",
    "djangoprod-app": "create",
    "site-host-ftp": "create",
    "site-host-scm": "create",
    "site-host-contributor": "create",
    "site-host-delegator": "create",
    "site-host-secrets": "create",
    "kvdjangoprod": "create",
    "site-host-database-url": "create",
    "site-host-django-secret-key": "create",
    "site-host-azure-account-key": "create",
    "site-host-settings": "create",
    "site-blobs": [f"cors.corsRules[{rule}].allowedOrigins[1]" for rule in (0, 1)],
}
HOSTED = {
    "host": "appService",
    **{key: SETTINGS[key].example for key in ("databaseUrl", "secretKey")},
}
# Browsers do not reach the account any more, so none may send uploads to it.
NOT_REACHED = {"site-blobs": ["cors.corsRules[1]"]}
# The setting, its new value with what must come with it, and what is planned: a resource's name to
# its operation, or to the paths of the properties that an update changes.
CHANGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("location", {"location": "northeurope"}, {"REPLACED": "location"}),
    ("resourceGroupName", {"resourceGroupName": "Other"}, {"REPLACED": "resourceGroupName"}),
    ("createResourceGroup", {"createResourceGroup": False}, {"site-group": "read"}),
    ("accountName", {"accountName": "otheraccount"}, {"REPLACED": "accountName"}),
    ("accountNamePrefix", {"accountNamePrefix": "web"}, {"RENAMED": "web"}),
    (
        "accountKind",
        {
            "accountKind": "BlockBlobStorage",
            "sku": "Premium_ZRS",
            "coolAfterDays": 0,
        },
        {"REFUSED": "Azure does not change an account from kind StorageV2 to BlockBlobStorage"},
    ),
    ("sku", {"sku": "Standard_ZRS"}, {"djangoprod": ["sku.name"]}),
    (
        "staticContainer",
        {"staticContainer": "assets"},
        {
            "site-static": "replace",
            **{"site-lifecycle": ["policy.rules[1].definition.filters.prefixMatch[0]"]},
        },
    ),
    (
        "mediaContainer",
        {"mediaContainer": "uploads"},
        {
            "site-media": "replace",
            "site-lifecycle": [
                f"policy.rules[{n}].definition.filters.prefixMatch[{i}]"
                for n, i in ((1, 1), (2, 0))
            ],
        },
    ),
    (
        "quarantineContainer",
        {"quarantineContainer": "unchecked"},
        {
            "site-quarantine": "replace",
            "site-lifecycle": [
                f"policy.rules[{n}].definition.filters.prefixMatch[{i}]"
                for n, i in ((0, 0), (1, 2))
            ],
        },
    ),
    (
        "tags",
        {"tags": {"environment": "production", "team": "web"}},
        {name: ["tags.team"] for name in TAGGED},
    ),
    ("mediaAccess", {"mediaAccess": "public"}, {"site-media": ["publicAccess"]}),
    (
        "staticAccess",
        {"staticAccess": "private", "frontDoor": "standard"},
        {
            "djangoprod": ["allowBlobPublicAccess"],
            "site-static": ["publicAccess"],
            **DOOR,
            "site-door-rule-version": "create",
            "site-door-reads-static": "create",
        },
    ),
    (
        "authMode",
        {"authMode": "identity", "dataPrincipals": [PRINCIPAL]},
        {
            "djangoprod": ["allowSharedKeyAccess"],
            f"site-contributor-{GUID}": "create",
            f"site-delegator-{GUID}": "create",
        },
    ),
    (
        "dataPrincipals",
        {"dataPrincipals": [PRINCIPAL]},
        {f"site-contributor-{GUID}": "create", f"site-delegator-{GUID}": "create"},
    ),
    ("activeKey", {"activeKey": "key2"}, {}),
    (
        "keyExpiryDays",
        {"keyExpiryDays": 30},
        {"djangoprod": ["keyPolicy.keyExpirationPeriodInDays"]},
    ),
    ("sasExpiryHours", {"sasExpiryHours": 1}, {"djangoprod": ["sasPolicy.sasExpirationPeriod"]}),
    ("infrastructureEncryption", {"infrastructureEncryption": False}, {}),
    ("corsAllowAnyOrigin", {"corsAllowAnyOrigin": True}, {}),
    (
        "corsOrigins",
        {"corsOrigins": ["https://a.example"]},
        {"site-blobs": [f"cors.corsRules[{n}].allowedOrigins[0]" for n in (0, 1)]},
    ),
    (
        "corsMaxAgeSeconds",
        {"corsMaxAgeSeconds": 60},
        {"site-blobs": [f"cors.corsRules[{n}].maxAgeInSeconds" for n in (0, 1)]},
    ),
    ("directUpload", {"directUpload": False}, {"site-blobs": ["cors.corsRules[1]"]}),
    (
        "blobSoftDeleteDays",
        {"blobSoftDeleteDays": 14},
        {"site-blobs": ["deleteRetentionPolicy.days"]},
    ),
    (
        "containerSoftDeleteDays",
        {"containerSoftDeleteDays": 14},
        {"site-blobs": ["containerDeleteRetentionPolicy.days"]},
    ),
    (
        "versioning",
        {"versioning": False},
        {
            "site-blobs": ["isVersioningEnabled"],
            "site-lifecycle": [
                "policy.rules[0].definition.actions.version",
                "policy.rules[1].definition.actions.snapshot",
                "policy.rules[1].definition.actions.version",
                "policy.rules[1].definition.actions.baseBlob",
                "policy.rules[1].definition.filters.prefixMatch[0]",
                "policy.rules[1].definition.filters.prefixMatch[1]",
                "policy.rules[1].definition.filters.prefixMatch[2]",
                "policy.rules[1].name",
                "policy.rules[2]",
            ],
        },
    ),
    (
        "oldVersionDays",
        {"oldVersionDays": 60},
        {
            "site-lifecycle": [
                f"policy.rules[1].definition.actions.{part}.delete.daysAfterCreationGreaterThan"
                for part in ("snapshot", "version")
            ]
        },
    ),
    (
        "restoreDays",
        {"restoreDays": 20},
        {"site-blobs": ["changeFeed.enabled", "restorePolicy.days", "restorePolicy.enabled"]},
    ),
    (
        "quarantineDays",
        {"quarantineDays": 2},
        {
            "site-lifecycle": [
                "policy.rules[0].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan",
                "policy.rules[0].definition.actions.version.delete.daysAfterCreationGreaterThan",
            ]
        },
    ),
    (
        "coolAfterDays",
        {"coolAfterDays": 30},
        {
            "site-lifecycle": [
                "policy.rules[2].definition.actions.baseBlob.tierToCool.daysAfterModificationGreaterThan"
            ]
        },
    ),
    ("protect", {"protect": True}, {}),
    ("lock", {"lock": True}, {"site-lock": "create"}),
    ("retainMedia", {"retainMedia": True}, {}),
    ("allowLowerProtection", {"allowLowerProtection": True}, {}),
    (
        "networkAccess",
        {"networkAccess": "firewall", "allowedIpRanges": ["203.0.113.0/24"]},
        {
            "djangoprod": ["networkRuleSet.defaultAction", "networkRuleSet.ipRules[0]"],
            **NOT_REACHED,
        },
    ),
    (
        "allowedIpRanges",
        {"networkAccess": "firewall", "allowedIpRanges": ["203.0.113.7"]},
        {
            "djangoprod": ["networkRuleSet.defaultAction", "networkRuleSet.ipRules[0]"],
            **NOT_REACHED,
        },
    ),
    (
        "allowedSubnets",
        {"networkAccess": "firewall", "allowedSubnets": [rules.SUBNET_EXAMPLE]},
        {
            "djangoprod": ["networkRuleSet.defaultAction", "networkRuleSet.virtualNetworkRules[0]"],
            **NOT_REACHED,
        },
    ),
    ("trustedServices", {"trustedServices": False}, {"djangoprod": ["networkRuleSet.bypass"]}),
    (
        "privateEndpointSubnet",
        {"privateEndpointSubnet": rules.SUBNET_EXAMPLE},
        {
            "site-private": "create",
            "site-private-zone": "create",
            "site-private-link": "create",
            "site-private-record": "create",
        },
    ),
    (
        "privateDnsZoneId",
        {"privateEndpointSubnet": rules.SUBNET_EXAMPLE, "privateDnsZoneId": rules.ZONE_EXAMPLE},
        {"site-private": "create", "site-private-record": "create"},
    ),
    (
        "logAnalyticsWorkspace",
        {"logAnalyticsWorkspace": rules.WORKSPACE_EXAMPLE},
        {"site-log": "create"},
    ),
    ("frontDoor", {"frontDoor": "standard"}, DOOR),
    (
        "privateLinkLocation",
        {
            "frontDoor": "premium",
            "privateLinkLocation": "northeurope",
            "networkAccess": "firewall",
            "allowedIpRanges": ["203.0.113.7"],
        },
        {
            **DOOR,
            "djangoprod": ["networkRuleSet.defaultAction", "networkRuleSet.ipRules[0]"],
            **NOT_REACHED,
        },
    ),
    (
        "customDomain",
        {"frontDoor": "standard", "customDomain": "static.example.com"},
        {**DOOR, "site-door-domain": "create"},
    ),
    ("host", HOSTED, SITE),
    ("siteSize", {"siteSize": "P0v3"}, {}),
    ("siteHosts", {**HOSTED, "siteHosts": ["www.example.com"]}, SITE),
    ("siteSubnet", {**HOSTED, "siteSubnet": rules.SUBNET_EXAMPLE}, SITE),
    ("databaseUrl", {"databaseUrl": SETTINGS["databaseUrl"].example}, {}),
    ("secretKey", {"secretKey": SETTINGS["secretKey"].example}, {}),
]
# Those that lower what protects the data, and so need a second setting, with what is refused.
LOWERING = {
    "sku": "redundancy: from Standard_GZRS to Standard_ZRS",
    "mediaAccess": "public access to container media: from None to Blob",
    "blobSoftDeleteDays": "soft delete of blobs: from 30 days to 14 days",
    "containerSoftDeleteDays": "soft delete of containers: from 30 days to 14 days",
    "versioning": "versioning: from on to off",
}
ALLOWED = {"allowLowerProtection": True}


@pytest.fixture(scope="module")
def deployed(profile_azurite: Azurite) -> Iterator[Stack]:
    """The profile `prod` with nothing protected, so that every change can be planned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
        emptied(profile_azurite)
        stack = Stack(profile_azurite, "prod", {"protect": False, "lock": False})
        stack.run("up")
        yield stack
        stack.run("destroy")


@pytest.mark.parametrize(("key", "settings", "planned"), CHANGES, ids=[c[0] for c in CHANGES])
def test_the_plan_shows_exactly_the_change(
    deployed: Stack, key: str, settings: dict[str, Any], planned: dict[str, Any]
) -> None:
    if "REFUSED" in planned:
        with pytest.raises(StepFailed, match=planned["REFUSED"]):
            deployed.plan(**settings)
        return
    if key in LOWERING:
        with pytest.raises(StepFailed, match=LOWERING[key]):
            deployed.plan(**settings)
        settings = {**settings, **ALLOWED}
    steps = deployed.plan(**settings)
    found: dict[str, Any] = {}
    for step in steps:
        changed = sorted(change.path for change in step.changes)
        found.setdefault(step.resource.name, changed if step.op.verb == "update" else step.op.verb)
    components = {s.resource.name for s in steps if not s.resource.custom}
    found = {
        name: what
        for name, what in found.items()
        if name not in components or what != "create" or name in planned
    }
    if "REPLACED" in planned:
        # A new account, and everything that stands on it with it.
        assert found["djangoprod"] == "replace"
        (account,) = (s for s in steps if s.resource.name == "djangoprod")
        assert any(c.path.startswith(planned["REPLACED"]) for c in account.changes)
        assert {"site-static", "site-media", "site-quarantine", "site-blobs"} <= set(found)
    elif "RENAMED" in planned:
        assert (found["web"], found["djangoprod"]) == ("create", "delete")
    else:
        assert found == {
            name: sorted(what) if isinstance(what, list) else what for name, what in planned.items()
        }


def test_every_setting_is_changed_once_but_the_one_that_starts_a_stack() -> None:
    assert [key for key, _, _ in CHANGES] == [key for key in SETTINGS if key != "adopt"]


def test_the_other_key_is_another_output_and_no_resource(deployed: Stack) -> None:
    printed = deployed.run("preview", activeKey="key2")
    assert '~ AZURE_ACCOUNT_KEY: "[secret]" => "[secret]"' in printed
