"""Settings that contradict each other are refused before anything is declared."""

from __future__ import annotations

import json

import pytest

from infra import rules
from infra.errors import ConfigError
from infra.reader import parse
from infra.settings import SETTINGS

PRINCIPAL = json.dumps([SETTINGS["dataPrincipals"].example])
SUBNET = rules.SUBNET_EXAMPLE
# Settings, the key that is refused, a part of the reason.
WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"mediaContainer": "static"}, "mediaContainer", "uploads need one of their own"),
    ({"quarantineContainer": "static"}, "quarantineContainer", "the static files' container"),
    ({"quarantineContainer": "media"}, "quarantineContainer", "the accepted uploads' container"),
    ({"mediaContainer": "quarantine"}, "quarantineContainer", "unchecked uploads"),
    ({"sku": "Standard_ZRS", "location": "westus"}, "sku", "westus has no availability zones"),
    ({"sku": "Standard_GZRS", "location": "ukwest"}, "sku", "ukwest has no availability zones"),
    ({"sku": "Standard_GRS", "location": "italynorth"}, "sku", "paired with no second region"),
    ({"sku": "Standard_GZRS", "location": "italynorth"}, "sku", "paired with no second region"),
    ({"sku": "Premium_LRS"}, "accountKind", "BlockBlobStorage requires Premium_LRS"),
    ({"accountKind": "BlockBlobStorage"}, "accountKind", "BlockBlobStorage requires Premium_LRS"),
    (
        {"accountKind": "Storage", "adopt": "true", "accountName": "old", "versioning": "true"},
        "versioning",
        "accounts of kind Storage do not support it",
    ),
    ({"accountKind": "Storage"}, "accountKind", "retired"),
    (
        {"accountKind": "BlockBlobStorage", "sku": "Premium_ZRS", "coolAfterDays": "90"},
        "coolAfterDays",
        "no cool tier",
    ),
    (
        {
            "accountKind": "BlockBlobStorage",
            "sku": "Premium_LRS",
            "restoreDays": "2",
            "versioning": "true",
        },
        "restoreDays",
        "do not support point-in-time restore",
    ),
    ({"restoreDays": "3"}, "restoreDays", "needs versioning"),
    ({"restoreDays": "7", "versioning": "true"}, "restoreDays", "less than blobSoftDeleteDays"),
    ({"authMode": "identity"}, "dataPrincipals", "only principals have access"),
    ({"allowedIpRanges": '["203.0.113.7"]'}, "allowedIpRanges", "no effect"),
    ({"allowedSubnets": f'["{SUBNET}"]'}, "allowedSubnets", "no effect"),
    ({"networkAccess": "firewall"}, "networkAccess", "nothing is admitted"),
    ({"networkAccess": "closed"}, "networkAccess", "only a private endpoint could reach"),
    (
        {
            "networkAccess": "closed",
            "privateEndpointSubnet": SUBNET,
            "mediaAccess": "public",
            "authMode": "identity",
            "dataPrincipals": PRINCIPAL,
        },
        "mediaAccess",
        "keeps visitors out",
    ),
    ({"customDomain": "static.example.com"}, "customDomain", "needs Front Door"),
    (
        {
            "frontDoor": "standard",
            "networkAccess": "firewall",
            "allowedIpRanges": '["203.0.113.7"]',
        },
        "frontDoor",
        "only premium has a private link",
    ),
    ({"staticAccess": "private"}, "staticAccess", "browsers cannot read it"),
    ({"privateDnsZoneId": rules.ZONE_EXAMPLE}, "privateDnsZoneId", "without a private endpoint"),
    (
        {
            "location": "italynorth",
            "frontDoor": "premium",
            "networkAccess": "closed",
            "privateEndpointSubnet": SUBNET,
        },
        "privateLinkLocation",
        "not in italynorth: name the nearest one",
    ),
    (
        {"frontDoor": "standard", "privateLinkLocation": "westeurope"},
        "privateLinkLocation",
        "no effect unless frontDoor is premium",
    ),
    (
        {
            "staticAccess": "private",
            "frontDoor": "premium",
            "networkAccess": "closed",
            "privateEndpointSubnet": SUBNET,
        },
        "staticAccess",
        "cannot sign in over its private link",
    ),
    ({"adopt": "true"}, "accountName", "requires its name"),
]


@pytest.mark.parametrize(("settings", "key", "reason"), WRONG)
def test_a_contradiction_is_refused_with_the_reason(
    settings: dict[str, str], key: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(settings)
    assert [problem.key.partition(":")[2] for problem in caught.value.problems] == [key]
    assert reason in str(caught.value)
    assert "    pulumi config set " in str(caught.value)


@pytest.mark.parametrize(("settings", "key", "reason"), WRONG)
def test_the_suggested_command_resolves_the_contradiction(
    settings: dict[str, str], key: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(settings)
    words = caught.value.problems[0].example.removeprefix("pulumi config set ").split(" ")
    path = words[-2].strip("'")
    name = path.removesuffix("[0]")
    resolved = {**settings, name: json.dumps([words[-1]]) if path != name else words[-1]}
    try:
        parse(resolved)
    except ConfigError as error:
        assert reason not in str(error)


def test_every_contradiction_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse({"authMode": "identity", "networkAccess": "closed", "mediaAccess": "public"})
    assert len(caught.value.problems) == 3


def test_settings_that_do_not_contradict_each_other_are_accepted() -> None:
    """The nearest combinations that are valid."""
    parse({"sku": "Standard_GZRS", "location": "westeurope"})
    parse({"restoreDays": "6", "versioning": "true"})
    parse({"authMode": "identity", "dataPrincipals": PRINCIPAL})
    parse({"dataPrincipals": PRINCIPAL})  # roles first, the switch later
    parse({"networkAccess": "firewall", "privateEndpointSubnet": SUBNET})
    parse({"networkAccess": "closed", "privateEndpointSubnet": SUBNET})
    parse(
        {
            "networkAccess": "closed",
            "privateEndpointSubnet": SUBNET,
            "mediaAccess": "public",
            "frontDoor": "premium",
        }
    )
    parse(
        {
            "location": "italynorth",
            "frontDoor": "premium",
            "networkAccess": "closed",
            "privateEndpointSubnet": SUBNET,
            "privateLinkLocation": "germanywestcentral",
        }
    )
    parse({"staticAccess": "private", "frontDoor": "standard"})
    parse({"adopt": "true", "accountName": "old", "accountKind": "Storage"})
