"""Resources as the rules see them, and what a policy reports of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policy import tokens
from policy.declared import Resource

ACCOUNT_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"
    "/providers/Microsoft.Storage/storageAccounts/a"
)
ROLES = "/subscriptions/00000000-0000-0000-0000-000000000001/providers"


def resource(
    type_: str,
    properties: dict[str, Any] | None = None,
    *,
    name: str = "x",
    stack: str = "prod",
    component: str = tokens.STORAGE,
    protect: bool = False,
    made_from: dict[str, list[Resource]] | None = None,
) -> Resource:
    qualified = f"{component}${type_}" if component else type_
    return Resource(
        type_,
        name,
        f"urn:pulumi:{stack}::django-azure-blob::{qualified}::{name}",
        {} if properties is None else properties,
        protect=protect,
        depends={
            path: frozenset(each.urn for each in sources)
            for path, sources in (made_from or {}).items()
        },
    )


def account(properties: dict[str, Any] | None = None, **about: Any) -> Resource:
    return resource(tokens.ACCOUNT, properties, **{"name": "django", **about})


def service(properties: dict[str, Any] | None = None, **about: Any) -> Resource:
    return resource(tokens.SERVICE, properties, **{"name": "site-blobs", **about})


def container(properties: dict[str, Any] | None = None, **about: Any) -> Resource:
    return resource(tokens.CONTAINER, properties, **about)


def lifecycle(prefixes: Any, *, enabled: bool = True, **actions: Any) -> Resource:
    rule = {
        "name": "r",
        "enabled": enabled,
        "definition": {"filters": {"prefixMatch": prefixes}, "actions": actions},
    }
    return resource(tokens.LIFECYCLE, {"policy": {"rules": [rule]}})


def violations(policy: Policy, resources: Sequence[Resource]) -> list[tuple[Resource, str]]:
    """What a policy reports, called as the pack calls it, each with the resource."""
    by_urn = {each.urn: each for each in resources}
    found: list[tuple[Resource, str]] = []

    def report(wrong: str, urn: str | None) -> None:
        found.append((by_urn[str(urn)], wrong))

    if isinstance(policy, ResourceValidationPolicy):
        for each in resources:
            policy.validate(
                ResourceValidationArgs(
                    each.type, each.props, each.urn, each.name, _options(each), None
                ),
                report,
            )
    else:
        assert isinstance(policy, StackValidationPolicy)
        policy.validate(StackValidationArgs([_of_stack(each) for each in resources]), report)
    return found


def _of_stack(given: Resource) -> PolicyResource:
    def named(urn: str) -> PolicyResource:
        return PolicyResource("", {}, urn, "", _options(given), None, None, [], {})

    sources = {path: [named(urn) for urn in urns] for path, urns in given.depends.items()}
    return PolicyResource(
        given.type, given.props, given.urn, given.name, _options(given), None, None, [], sources
    )


def _options(given: Resource) -> PolicyResourceOptions:
    return PolicyResourceOptions(given.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
