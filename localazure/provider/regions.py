"""Azure's regions: which have availability zones, and which a paired region.

Source: "List of Azure regions" in Azure's reliability documentation (September 2025).
"""

from __future__ import annotations

from localazure.errors import ArmError

_ZONES_AND_PAIR = frozenset(
    """
    australiaeast brazilsouth canadacentral centralindia centralus eastasia eastus eastus2
    francecentral germanywestcentral japaneast japanwest koreacentral northeurope norwayeast
    southafricanorth southcentralus southeastasia swedencentral switzerlandnorth uaenorth uksouth
    westeurope westus2 westus3
    """.split()  # noqa: SIM905
)
_ZONES_ONLY = frozenset(
    """
    austriaeast belgiumcentral chilecentral denmarkeast indonesiacentral israelcentral italynorth
    malaysiawest mexicocentral newzealandnorth polandcentral qatarcentral spaincentral
    """.split()  # noqa: SIM905
)
_PAIR_ONLY = frozenset(
    """
    australiacentral australiacentral2 australiasoutheast brazilsoutheast canadaeast francesouth
    germanynorth jioindiacentral jioindiawest koreasouth northcentralus norwaywest southafricawest
    southindia swedensouth switzerlandwest uaecentral ukwest westcentralus westindia westus
    """.split()  # noqa: SIM905
)
WITH_ZONES = _ZONES_AND_PAIR | _ZONES_ONLY
WITH_PAIR = _ZONES_AND_PAIR | _PAIR_ONLY
# "Secure your Origin with Private Link in Azure Front Door Premium", region availability.
WITH_FRONT_DOOR_PRIVATE_LINK = frozenset(
    """
    australiaeast brazilsouth canadacentral centralindia centralus eastasia eastus eastus2
    francecentral germanywestcentral japaneast koreacentral northeurope norwayeast southafricanorth
    southcentralus southeastasia swedencentral uaenorth uksouth westeurope westus2 westus3
    """.split()  # noqa: SIM905
)


def region(name: str) -> str:
    """The programmatic name: `West Europe` is `westeurope`."""
    return name.replace(" ", "").lower()


def check_region(name: str) -> None:
    if region(name) not in WITH_ZONES | WITH_PAIR:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{name}' is not available. "
            "For example 'westeurope' is a valid location.",
        )
