"""Which addresses and subnets an account's firewall takes."""

from __future__ import annotations

import ipaddress

from localazure.errors import ArmError
from localazure.provider.arm import check_reference
from localazure.values import Props

SUBNET = "Microsoft.Network/virtualNetworks/subnets"
# "Grant access from an internet IP range": neither of these, nor ranges of one or two addresses.
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
LONGEST_PREFIX = 30


def refuse_network_rules(rules: Props) -> None:
    bypass = [part.strip() for part in (rules.get("bypass") or "").split(",")]
    if "None" in bypass and len(bypass) > 1:
        raise invalid(f"'networkRuleSet.bypass' cannot be '{rules['bypass']}': None stands alone")
    for index, rule in enumerate(rules.get("ipRules") or []):
        reason = _refused_range(rule["iPAddressOrRange"])
        if reason:
            raise invalid(
                f"networkAcls.ipRule[*].value. '{rule['iPAddressOrRange']}' in "
                f"'networkRuleSet.ipRules[{index}]': {reason}"
            )
    for index, rule in enumerate(rules.get("virtualNetworkRules") or []):
        path = f"properties.networkAcls.virtualNetworkRules[{index}].id"
        check_reference(path, rule["virtualNetworkResourceId"], SUBNET)


def _refused_range(text: str) -> str:
    """Why an address or a range is none for the firewall; "" if it is one."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return "an IPv4 address, or a range of them like 203.0.113.0/24, is needed"
    if "/" in text and network.prefixlen > LONGEST_PREFIX:
        return "ranges of /31 and /32 are not supported: name each address without a prefix"
    if any(network.overlaps(private) for private in PRIVATE):
        return "addresses of private networks (RFC 1918) cannot be told apart from outside"
    return ""


def invalid(detail: str) -> ArmError:
    return ArmError(
        400,
        "InvalidValuesForRequestParameters",
        f"Values for request parameters are invalid: {detail}.",
    )
