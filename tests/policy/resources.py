"""Resources as the rules see them, each in good order until a test changes it."""

from __future__ import annotations

from typing import Any

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
