"""Azure's regions: which have availability zones, a paired region, and Front Door's private link.

Sources: "List of Azure regions" in Azure's reliability documentation (September 2025), and "Secure
your Origin with Private Link in Azure Front Door Premium", region availability.
"""

from __future__ import annotations

import json
from pathlib import Path

from localazure.errors import ArmError

_REGIONS: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("regions.json").read_text("utf-8")
)
WITH_ZONES = {name for name, has in _REGIONS.items() if "zones" in has}
WITH_PAIR = {name for name, has in _REGIONS.items() if "pair" in has}
WITH_FRONT_DOOR_PRIVATE_LINK = {name for name, has in _REGIONS.items() if "privateLink" in has}


def region(name: str) -> str:
    """The programmatic name: `West Europe` is `westeurope`."""
    return name.replace(" ", "").lower()


def check_region(name: str) -> None:
    if region(name) not in _REGIONS:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{name}' is not available. "
            "For example 'westeurope' is a valid location.",
        )
