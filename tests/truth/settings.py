"""The settings that the program is run with: the profiles, each setting, and combinations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from tests.conftest import ROOT

Settings = dict[str, Any]

_NETWORK = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/network/providers"
SUBNET = f"{_NETWORK}/Microsoft.Network/virtualNetworks/hub/subnets/web"
ZONE = f"{_NETWORK}/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
WORKSPACE = f"{_NETWORK}/Microsoft.OperationalInsights/workspaces/logs"
PRINCIPALS = [
    f"{kind}:11111111-2222-3333-4444-55555555555{number}"
    for number, kind in enumerate(("ServicePrincipal", "User", "Group"))
]
ORIGINS = ["https://www.example.com", "https://*.preview.example.com"]

HOSTED: Settings = {
    "host": "appService",
    "databaseUrl": "postgres://user:password@db.example.com:5432/site",
    "secretKey": "k" * 50,
}

PROFILES: dict[str, Settings] = {
    name: yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    for name in ("dev", "prod", "local")
}

# What switches each setting on, with what it cannot do without.
ALONE: dict[str, Settings] = {
    "location": {"location": "swedencentral"},
    "resourceGroupName": {"resourceGroupName": "Another"},
    "createResourceGroup": {"createResourceGroup": False},
    "accountName": {"accountName": "anaccount"},
    "accountNamePrefix": {"accountNamePrefix": "web"},
    "accountKind": {"accountKind": "BlockBlobStorage", "sku": "Premium_LRS"},
    "sku": {"sku": "Standard_RAGZRS"},
    "staticContainer": {"staticContainer": "assets"},
    "mediaContainer": {"mediaContainer": "uploads"},
    "quarantineContainer": {"quarantineContainer": "unchecked"},
    "tags": {"tags": {"team": "web"}},
    "mediaAccess": {"mediaAccess": "public"},
    "staticAccess": {"staticAccess": "private", "frontDoor": "standard"},
    "authMode": {"authMode": "identity", "dataPrincipals": PRINCIPALS[:1]},
    "dataPrincipals": {"dataPrincipals": PRINCIPALS},
    "activeKey": {"activeKey": "key2"},
    "keyExpiryDays": {"keyExpiryDays": 30},
    "sasExpiryHours": {"sasExpiryHours": 49},
    "infrastructureEncryption": {"infrastructureEncryption": False},
    "corsOrigins": {"corsOrigins": ORIGINS},
    "corsAllowAnyOrigin": {"corsAllowAnyOrigin": True, "corsOrigins": ["*"]},
    "corsMaxAgeSeconds": {"corsMaxAgeSeconds": 60, "corsOrigins": ORIGINS},
    "directUpload": {"directUpload": False, "corsOrigins": ORIGINS},
    "blobSoftDeleteDays": {"blobSoftDeleteDays": 14},
    "containerSoftDeleteDays": {"containerSoftDeleteDays": 14},
    "versioning": {"versioning": True},
    "oldVersionDays": {"oldVersionDays": 60, "versioning": True},
    "restoreDays": {"restoreDays": 6, "versioning": True},
    "quarantineDays": {"quarantineDays": 2},
    "coolAfterDays": {"coolAfterDays": 30},
    "protect": {"protect": True},
    "lock": {"lock": True},
    "retainMedia": {"retainMedia": True},
    "allowLowerProtection": {"allowLowerProtection": True},
    "networkAccess": {"networkAccess": "closed", "privateEndpointSubnet": SUBNET},
    "allowedIpRanges": {"networkAccess": "firewall", "allowedIpRanges": ["203.0.113.0/24"]},
    "allowedSubnets": {"networkAccess": "firewall", "allowedSubnets": [SUBNET]},
    "trustedServices": {"trustedServices": False},
    "privateEndpointSubnet": {"privateEndpointSubnet": SUBNET},
    "privateDnsZoneId": {"privateEndpointSubnet": SUBNET, "privateDnsZoneId": ZONE},
    "logAnalyticsWorkspace": {"logAnalyticsWorkspace": WORKSPACE},
    "frontDoor": {"frontDoor": "standard", "corsOrigins": ORIGINS},
    "privateLinkLocation": {
        "frontDoor": "premium",
        "location": "westus",
        "networkAccess": "firewall",
        "allowedIpRanges": ["203.0.113.7"],
        "privateLinkLocation": "westus2",
    },
    "customDomain": {"frontDoor": "standard", "customDomain": "static.example.com"},
    "host": HOSTED,
    "siteSize": {**HOSTED, "siteSize": "F1"},
    "siteHosts": {**HOSTED, "siteHosts": ["www.example.com"]},
    "siteSubnet": {**HOSTED, "siteSubnet": SUBNET},
    "databaseUrl": {**HOSTED, "authMode": "identity"},
    "secretKey": {**HOSTED, "secretKey": "!" * 500},
    "adopt": {"adopt": True, "accountName": "oldaccount"},
}
_DAYS_AND_HOURS = {
    "blobSoftDeleteDays": (1, 365),
    "containerSoftDeleteDays": (1, 365),
    "coolAfterDays": (1, 36500),
    "corsMaxAgeSeconds": (0, 86400),
    "keyExpiryDays": (1, 3650),
    "oldVersionDays": (1, 36500),
    "quarantineDays": (1, 36500),
    "sasExpiryHours": (1, 8760),
}
# The other values of the settings: each end of what they allow, and each choice.
LIMITS: dict[str, Settings] = {
    "shortest": {
        **{key: lowest for key, (lowest, _) in _DAYS_AND_HOURS.items()},
        "versioning": True,
        "corsOrigins": ["http://[::1]"],
        "resourceGroupName": "g",
        "accountName": "abc",
        "staticContainer": "abc",
        "tags": {"t": ""},
        "networkAccess": "firewall",
        "allowedIpRanges": ["1.1.1.1"],
    },
    "longest": {
        **{key: highest for key, (_, highest) in _DAYS_AND_HOURS.items()},
        "versioning": True,
        "restoreDays": 364,
        "resourceGroupName": "_A-group.(90)" + "x" * 77,
        "accountNamePrefix": "a1" * 8,
        "staticContainer": "s-1" * 21,
        "mediaContainer": "m" * 63,
        "quarantineContainer": "q-1" * 21,
        "tags": {f"{number:03}{'n' * 125}": "v" * 256 for number in range(48)},
        "frontDoor": "premium",
        "customDomain": f"{'a' * 63}.{'b' * 63}.{'c' * 63}.example.com",
        "lock": True,
        **HOSTED,
        "corsOrigins": [f"https://{'a' * 50}.site{number}.example.com" for number in range(60)],
        "siteHosts": ["www.example.com", "example.com", "shop.example.com"],
    },
    "off": dict.fromkeys((*_DAYS_AND_HOURS, "restoreDays"), 0),
    "smallest range": {"networkAccess": "firewall", "allowedIpRanges": ["203.0.113.0/30"]},
    "generated name": {"accountNamePrefix": "a"},
    "Storage": {"accountKind": "Storage", "adopt": True, "accountName": "oldaccount"},
    **{
        sku: {"sku": sku}
        for sku in ("Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Standard_GZRS")
    },
}

_ACCESS: dict[str, Settings] = {
    "key": {},
    "identity": {"authMode": "identity", "dataPrincipals": PRINCIPALS},
}
_PUBLIC: dict[str, Settings] = {
    "static": {},
    "both": {"mediaAccess": "public"},
    "neither": {"staticAccess": "private"},
}
_DELIVERY: dict[str, Settings] = {
    "direct": {},
    "standard": {"frontDoor": "standard"},
    "premium": {"frontDoor": "premium", "customDomain": "static.example.com"},
}
_NETWORKS: dict[str, Settings] = {
    "open": {},
    "firewall": {
        "networkAccess": "firewall",
        "allowedIpRanges": ["203.0.113.0/24"],
        "allowedSubnets": [SUBNET],
    },
    "closed": {"networkAccess": "closed", "privateEndpointSubnet": SUBNET},
    "hub": {
        "networkAccess": "closed",
        "privateEndpointSubnet": SUBNET,
        "privateDnsZoneId": ZONE,
        "trustedServices": False,
        "logAnalyticsWorkspace": WORKSPACE,
    },
}
_PROTECTION: dict[str, Settings] = {
    "default": {},
    "most": {
        "versioning": True,
        "restoreDays": 6,
        "coolAfterDays": 30,
        "lock": True,
        "protect": True,
    },
    "least": {"blobSoftDeleteDays": 0, "containerSoftDeleteDays": 0, "quarantineDays": 0},
}
_CORS: dict[str, Settings] = {
    "same-origin": {},
    "origins": {"corsOrigins": ORIGINS},
    "any-origin": {"corsOrigins": ["*"], "corsAllowAnyOrigin": True},
}
_DISKS: dict[str, Settings] = {
    "hdd": {},
    "ssd": {"accountKind": "BlockBlobStorage", "sku": "Premium_ZRS"},
}
_HOSTS: dict[str, Settings] = {
    "elsewhere": {},
    "hosted": {**HOSTED, "siteSubnet": SUBNET, "siteSize": "P1v3"},
}
CHOICES = (_ACCESS, _PUBLIC, _DELIVERY, _NETWORKS, _PROTECTION, _CORS, _DISKS, _HOSTS)
# Every two choices that the program accepts together are in one of these; `make endurance` runs
# every combination, and checks that.
TOGETHER = (
    "key static direct open default same-origin hdd elsewhere",
    "key static direct firewall default same-origin hdd hosted",
    "key static direct closed least origins hdd elsewhere",
    "key static direct hub most origins hdd hosted",
    "key static standard open least same-origin hdd elsewhere",
    "key both standard open most any-origin hdd hosted",
    "key both premium firewall least origins ssd elsewhere",
    "key both premium closed default same-origin ssd hosted",
    "key both premium hub default any-origin hdd elsewhere",
    "key neither standard open most same-origin hdd hosted",
    "key neither premium open least any-origin hdd hosted",
    "identity static direct firewall most origins hdd elsewhere",
    "identity static direct hub least same-origin ssd elsewhere",
    "identity static premium closed most any-origin hdd hosted",
    "identity both direct firewall default any-origin ssd elsewhere",
    "identity neither standard open default origins ssd hosted",
)


def together(choices: Iterable[str]) -> Settings:
    """The settings of one choice from each group of CHOICES."""
    merged: Settings = {}
    for group, choice in zip(CHOICES, choices, strict=True):
        merged |= group[choice]
    return merged


# Together these declare every type, with most of its properties.
EVERYTHING: tuple[Settings, ...] = (
    {
        **HOSTED,
        "logAnalyticsWorkspace": WORKSPACE,
        "siteSize": "P0v3",
        "siteSubnet": SUBNET,
        "siteHosts": ["www.example.com"],
    },
    {
        **PROFILES["prod"],
        "frontDoor": "standard",
        "staticAccess": "private",
        "customDomain": "static.example.com",
        "corsOrigins": ORIGINS,
    },
    {
        "networkAccess": "firewall",
        "allowedIpRanges": ["203.0.113.0/24"],
        "allowedSubnets": [SUBNET],
        "privateEndpointSubnet": SUBNET,
        "logAnalyticsWorkspace": WORKSPACE,
        "frontDoor": "premium",
        "versioning": True,
        "restoreDays": 6,
    },
)
