"""What counts as lower protection, property by property."""

from __future__ import annotations

from typing import Any

import pytest

from infra.lowering import ACCOUNT, CONTAINER, LIFECYCLE, SERVICE, lowerings
from localazure.values import UNKNOWN

CONTAINERS = {"static": "staticAccess", "media": "mediaAccess"}


def kept(days: int) -> dict[str, Any]:
    return {"enabled": days > 0, "days": days or None}


def policy(days: int, *, part: str = "version", prefix: str = "media/") -> dict[str, Any]:
    when = {"daysAfterCreationGreaterThan": days}
    definition = {"actions": {part: {"delete": when}}, "filters": {"prefixMatch": [prefix]}}
    return {"policy": {"rules": [{"enabled": True, "definition": definition}]}}


LOWER = [
    (ACCOUNT, {"sku": {"name": "Standard_GRS"}}, {"sku": {"name": "Standard_LRS"}},
     "sku Standard_GRS"),
    (ACCOUNT, {"allowBlobPublicAccess": False}, {"allowBlobPublicAccess": True},
     "mediaAccess private"),
    (ACCOUNT, {"allowSharedKeyAccess": False}, {"allowSharedKeyAccess": True}, "authMode identity"),
    (ACCOUNT, {"publicNetworkAccess": "Disabled"}, {"publicNetworkAccess": "Enabled"},
     "networkAccess closed"),
    (ACCOUNT, {"networkRuleSet": {"defaultAction": "Deny"}},
     {"networkRuleSet": {"defaultAction": "Allow"}}, "networkAccess firewall"),
    (ACCOUNT, {"networkRuleSet": {"defaultAction": "Deny"}}, {}, "networkAccess firewall"),
    (ACCOUNT, {"enableHttpsTrafficOnly": True}, {"enableHttpsTrafficOnly": False}, "no setting"),
    (ACCOUNT, {"minimumTlsVersion": "TLS1_2"}, {"minimumTlsVersion": "TLS1_0"}, "no setting"),
    (ACCOUNT, {"minimumTlsVersion": "TLS1_2"}, {}, "no setting"),
    (ACCOUNT, {"encryption": {"keySource": "Microsoft.Keyvault"}},
     {"encryption": {"keySource": "Microsoft.Storage"}}, "no setting"),
    (SERVICE, {"deleteRetentionPolicy": kept(30)}, {"deleteRetentionPolicy": kept(7)},
     "blobSoftDeleteDays 30"),
    (SERVICE, {"deleteRetentionPolicy": kept(30)}, {"deleteRetentionPolicy": kept(0)},
     "blobSoftDeleteDays 30"),
    (SERVICE, {"containerDeleteRetentionPolicy": kept(30)}, {}, "containerSoftDeleteDays 30"),
    (SERVICE, {"restorePolicy": kept(6)}, {"restorePolicy": kept(0)}, "restoreDays 6"),
    (SERVICE, {"isVersioningEnabled": True}, {"isVersioningEnabled": False}, "versioning true"),
    (CONTAINER, {"publicAccess": "None"}, {"containerName": "media", "publicAccess": "Blob"},
     "mediaAccess private"),
    (CONTAINER, {"publicAccess": "Blob"}, {"containerName": "static", "publicAccess": "Container"},
     "staticAccess private"),
    (CONTAINER, {}, {"containerName": "other", "publicAccess": "Blob"}, "no setting"),
    (LIFECYCLE, policy(90), policy(30), "oldVersionDays 90"),
    (LIFECYCLE, policy(7, part="baseBlob", prefix="quarantine/"),
     policy(1, part="baseBlob", prefix="quarantine/"), "quarantineDays 7"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "old", "new", "keep"), LOWER)
def test_what_is_lower_is_named_with_the_command_that_keeps_it(
    type_: str, old: dict[str, Any], new: dict[str, Any], keep: str
) -> None:
    (found,) = lowerings(type_, old, new, CONTAINERS)
    assert keep in found.keep
    assert str(found) == f"{found.what}: from {found.old} to {found.new}. To keep it: {found.keep}"


@pytest.mark.parametrize(("type_", "old", "new", "keep"), LOWER)
def test_the_way_back_is_not_lower(
    type_: str, old: dict[str, Any], new: dict[str, Any], keep: str
) -> None:
    assert lowerings(type_, new, old, CONTAINERS) == []
    assert lowerings(type_, old, old, CONTAINERS) == []


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        (ACCOUNT, {"sku": {"name": "Standard_GRS"}}, {"sku": UNKNOWN}),
        # An account older than this property has no value, and allowed public access.
        (ACCOUNT, {}, {"allowBlobPublicAccess": True}),
        (SERVICE, {"deleteRetentionPolicy": kept(30)}, {"deleteRetentionPolicy": UNKNOWN}),
        (LIFECYCLE, policy(90), policy(30, prefix="static/")),
        (LIFECYCLE, {"policy": UNKNOWN}, policy(1)),
        ("azure-native:resources:ResourceGroup", {"location": "a"}, {"location": "b"}),
    ],
)
def test_what_cannot_be_known_is_not_judged(
    type_: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert lowerings(type_, old, new, CONTAINERS) == []
