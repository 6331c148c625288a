"""From where the account can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.declared import UNKNOWN, Resource, items, text
from policy.rule import Level, Rule, cis, expects
from policy.tokens import ACCOUNT, PRIVATE_ENDPOINT


def default_action(resource: Resource) -> Iterable[str]:
    """A closed account has no use for its firewall."""
    if resource.at("publicNetworkAccess") in ("Disabled", UNKNOWN):
        return
    value = resource.at("networkRuleSet.defaultAction")
    if value not in ("Deny", UNKNOWN):
        yield f"networkRuleSet.defaultAction is {text(value)}, not 'Deny'"


def bypass(resource: Resource) -> Iterable[str]:
    """Only a firewall that denies has something to let pass."""
    if resource.at("networkRuleSet.defaultAction") != "Deny":
        return
    value = resource.at("networkRuleSet.bypass")
    # Several are one text: "Logging, Metrics, AzureServices".
    if value is not UNKNOWN and "AzureServices" not in str(value):
        yield f"networkRuleSet.bypass is {text(value)}, without AzureServices"


def private_endpoint(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    endpoints = [each for each in resources if each.type == PRIVATE_ENDPOINT]
    for account in (each for each in resources if each.type == ACCOUNT):
        if not any(_leads_to(endpoint, account) for endpoint in endpoints):
            yield account, "no private endpoint leads to this account"


def _leads_to(endpoint: Resource, account: Resource) -> bool:
    if endpoint.made_from("privateLinkServiceConnections", account):
        return True
    connections = items(endpoint.at("privateLinkServiceConnections"))
    account_id = account.at("id")
    return isinstance(account_id, str) and any(
        isinstance(each, dict) and each.get("privateLinkServiceId") == account_id
        for each in connections
    )


RULES = (
    Rule(
        "no-public-network",
        cis("10.3.2.2"),
        Level.MANDATORY,
        "The account is not reached from the internet",
        "pulumi config set privateEndpointSubnet /subscriptions/…/subnets/NAME; "
        "pulumi config set frontDoor premium; pulumi config set networkAccess closed",
        types=(ACCOUNT,),
        check=expects("publicNetworkAccess", "Disabled", "SecuredByPerimeter"),
    ),
    Rule(
        "deny-by-default",
        cis("10.3.2.3"),
        Level.MANDATORY,
        "Only networks that are listed reach the account",
        "pulumi config set networkAccess firewall; "
        "pulumi config set --path 'allowedIpRanges[0]' 203.0.113.0/24",
        types=(ACCOUNT,),
        check=default_action,
    ),
    Rule(
        "trusted-services",
        cis("10.3.5"),
        Level.ADVISORY,
        "Azure's own services pass the firewall, or backup and logging stop",
        "pulumi config set trustedServices true",
        types=(ACCOUNT,),
        check=bypass,
    ),
    Rule(
        "private-endpoint",
        cis("10.3.2.1"),
        Level.MANDATORY,
        "The account has a private address in a network of its users",
        "pulumi config set privateEndpointSubnet /subscriptions/…/subnets/NAME",
        check_stack=private_endpoint,
    ),
)
