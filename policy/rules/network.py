"""Who can reach the account: networks, and the pages of other origins."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.declared import UNKNOWN, Resource, at, items, text
from policy.rule import ADVISORY, cis, every_account_has, expects, mcsb, of_each
from policy.tokens import ACCOUNT, PRIVATE_ENDPOINT, SERVICE

LOOPBACK = re.compile(r"http://((\*\.)?localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def default_action(resource: Resource) -> Iterable[str]:
    """A closed account does not need its firewall."""
    if resource.at("publicNetworkAccess") not in ("Disabled", UNKNOWN):
        yield from expects("networkRuleSet.defaultAction", "Deny")(resource)


def bypass(resource: Resource) -> Iterable[str]:
    """Only a firewall that denies needs exceptions."""
    if resource.at("networkRuleSet.defaultAction") != "Deny":
        return
    value = resource.at("networkRuleSet.bypass")
    # Several values are one string: "Logging, Metrics, AzureServices".
    if value is not UNKNOWN and "AzureServices" not in str(value):
        yield f"networkRuleSet.bypass is {text(value)}, without AzureServices"


def _leads_to(endpoint: Resource, account: Resource) -> bool:
    if endpoint.made_from("privateLinkServiceConnections", account):
        return True
    connections = items(endpoint.at("privateLinkServiceConnections"))
    account_id = account.at("id")
    return isinstance(account_id, str) and any(
        isinstance(each, dict) and each.get("privateLinkServiceId") == account_id
        for each in connections
    )


def any_origin(resource: Resource) -> Iterable[str]:
    if "*" in _origins(resource):
        yield "a CORS rule allows every origin ('*')"


def plain_http(resource: Resource) -> Iterable[str]:
    for origin in _origins(resource):
        if origin.startswith("http:") and not LOOPBACK.fullmatch(origin):
            yield f"a CORS rule allows {text(origin)}, whose pages anybody on the way can change"


def _origins(resource: Resource) -> list[str]:
    """The origins of all rules, each once."""
    rules = items(resource.at("cors.corsRules"))
    listed = (origin for rule in rules for origin in items(at(rule, "allowedOrigins")))
    return list(dict.fromkeys(origin for origin in listed if isinstance(origin, str)))


RULES = (
    ResourceValidationPolicy(
        name="no-public-network",
        **cis("10.3.2.2", "The account is not reachable from the internet"),
        remediation_steps=(
            "pulumi config set privateEndpointSubnet /subscriptions/…/subnets/NAME; "
            "pulumi config set frontDoor premium; pulumi config set networkAccess closed"
        ),
        validate=of_each(ACCOUNT, expects("publicNetworkAccess", "Disabled", "SecuredByPerimeter")),
    ),
    ResourceValidationPolicy(
        name="deny-by-default",
        **cis("10.3.2.3", "Only listed networks reach the account"),
        remediation_steps=(
            "pulumi config set networkAccess firewall; "
            "pulumi config set --path 'allowedIpRanges[0]' 203.0.113.0/24"
        ),
        validate=of_each(ACCOUNT, default_action),
    ),
    ResourceValidationPolicy(
        name="trusted-services",
        **cis(
            "10.3.5", "Azure's own services pass the firewall; without them backup and logging stop"
        ),
        enforcement_level=ADVISORY,
        remediation_steps="pulumi config set trustedServices true",
        validate=of_each(ACCOUNT, bypass),
    ),
    StackValidationPolicy(
        name="private-endpoint",
        **cis("10.3.2.1", "The account has a private endpoint in a network of its users"),
        remediation_steps="pulumi config set privateEndpointSubnet /subscriptions/…/subnets/NAME",
        validate=every_account_has(
            PRIVATE_ENDPOINT, _leads_to, "no private endpoint leads to this account"
        ),
    ),
    ResourceValidationPolicy(
        name="cors-named-origins",
        **mcsb("PV-2", "CORS names the origins whose pages may read and send"),
        remediation_steps=(
            "pulumi config set corsOrigins https://www.example.com; "
            "pulumi config rm corsAllowAnyOrigin"
        ),
        validate=of_each(SERVICE, any_origin),
    ),
    ResourceValidationPolicy(
        name="cors-https",
        **mcsb("DP-3", "CORS allows plain HTTP only for this machine"),
        remediation_steps="pulumi config set corsOrigins https://www.example.com",
        validate=of_each(SERVICE, plain_http),
    ),
)
