"""Azure Resource Manager's rules that no single type owns: names, ids, regions."""

from __future__ import annotations

import hashlib
import re

from localazure.cloud import SUBSCRIPTION
from localazure.errors import AzureError
from localazure.values import Props

# The regions of Azure's public cloud that offer storage accounts ("Azure regions list").
REGIONS = frozenset(
    [
        "australiacentral",
        "australiacentral2",
        "australiaeast",
        "australiasoutheast",
        "austriaeast",
        "belgiumcentral",
        "brazilsouth",
        "brazilsoutheast",
        "canadacentral",
        "canadaeast",
        "centralindia",
        "centralus",
        "chilecentral",
        "denmarkeast",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "francesouth",
        "germanynorth",
        "germanywestcentral",
        "indonesiacentral",
        "israelcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "jioindiacentral",
        "jioindiawest",
        "koreacentral",
        "koreasouth",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
        "northcentralus",
        "northeurope",
        "norwayeast",
        "norwaywest",
        "polandcentral",
        "qatarcentral",
        "southafricanorth",
        "southafricawest",
        "southcentralus",
        "southeastasia",
        "southindia",
        "spaincentral",
        "swedencentral",
        "swedensouth",
        "switzerlandnorth",
        "switzerlandwest",
        "uaecentral",
        "uaenorth",
        "uksouth",
        "ukwest",
        "westcentralus",
        "westeurope",
        "westindia",
        "westus",
        "westus2",
        "westus3",
    ]
)


def generated_name(logical_name: str, seed: bytes) -> str:
    """The logical name and eight hex digits of the engine's seed, as azure-native makes them.

    Neither lower-cased nor shortened: azure-native does not do that either.
    """
    return logical_name + hashlib.sha256(seed).hexdigest()[:8]


def region(name: str) -> str:
    """`West Europe` and `westeurope` are the same region."""
    return name.replace(" ", "").lower()


def check_region(name: str) -> None:
    if region(name) not in REGIONS:
        raise AzureError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{name}' is not available. "
            "For example 'westeurope' is a valid location.",
        )


def group_id(group: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"


def account_id(group: str, account: str) -> str:
    return f"{group_id(group)}/providers/Microsoft.Storage/storageAccounts/{account}"


def id_part(resource_id: str, segment: str) -> str:
    """The name that follows `segment` in an ARM id; the id's letters' case does not matter.

    Raises AzureError (400, InvalidResourceId) for an id without it.
    """
    found = re.search(rf"/{re.escape(segment)}/([^/]+)", resource_id, re.IGNORECASE)
    if not found:
        raise AzureError(400, "InvalidResourceId", f"'{resource_id}' names no {segment}.")
    return found[1]


def project(declared: Props, live: Props) -> Props:
    """The inputs that would declare `live`: the keys of `declared`, with the values found live.

    Keys that the program never set are left out, so that a service's defaults are no drift.
    """
    result: Props = {}
    for key, value in declared.items():
        if key not in live:
            result[key] = value
        elif isinstance(value, dict) and isinstance(live[key], dict):
            result[key] = project(value, live[key])
        else:
            result[key] = live[key]
    return result
