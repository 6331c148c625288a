"""The networks that can reach the account."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.declared import UNKNOWN, Resource, items, text
from policy.rule import ADVISORY, cis, every_account_has, expects, of_each, of_stack
from policy.tokens import ACCOUNT, PRIVATE_ENDPOINT


def default_action(resource: Resource) -> Iterable[str]:
    """A closed account does not need its firewall."""
    if resource.at("publicNetworkAccess") in ("Disabled", UNKNOWN):
        return
    value = resource.at("networkRuleSet.defaultAction")
    if value not in ("Deny", UNKNOWN):
        yield f"networkRuleSet.defaultAction is {text(value)}, not 'Deny'"


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
        validate=of_stack(
            every_account_has(
                PRIVATE_ENDPOINT, _leads_to, "no private endpoint leads to this account"
            )
        ),
    ),
)
