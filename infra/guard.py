"""Refuses updates, in previews as well, that Azure would refuse or that lower the protection of
existing resources.

The engine calls a hook before it updates a resource, with the inputs in the stack's state and the
program's new ones. So this covers generated names as well, and needs no look-up. It cannot judge
what changed in Azure since the last `pulumi up` or `pulumi refresh`, which the state does not have,
and `pulumi destroy`, which runs no program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from .config import DjangoBlobStorageArgs
from .lowering import ACCOUNT, lowerings
from .part import before_update
from .redundancy import refusal

SWITCH = "allowLowerProtection"
# "Upgrade to a general-purpose v2 storage account".
UPGRADES = (("Storage", "StorageV2"), ("BlobStorage", "StorageV2"))


def guard(name: str, config: DjangoBlobStorageArgs) -> pulumi.ResourceOptions:
    """Options for the resources of the component `name`."""
    containers = {config.static_container: "staticAccess", config.media_container: "mediaAccess"}

    def check(args: pulumi.ResourceHookArgs) -> None:
        old, new = args.old_inputs or {}, args.new_inputs or {}
        kind = str(args.type)
        if kind == ACCOUNT:
            refuse_impossible(old, new)
        found = lowerings(kind, old, new, containers)
        if not found:
            return
        listed = "\n".join(f"- {each}" for each in found)
        about = f"the protection of {args.name} ({kind.rpartition(':')[2]})"
        if config.allow_lower_protection:
            pulumi.log.warn(
                f"{SWITCH} is on, and {about} is lowered:\n{listed}\n"
                f"Afterwards: pulumi config set {SWITCH} false"
            )
            return
        raise pulumi.RunError(
            f"this would lower {about}; it was not changed.\n{listed}\n"
            f"To lower it all the same: pulumi config set {SWITCH} true"
        )

    return before_update(f"{name}-guard", check)


def refuse_impossible(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise RunError for a change of kind or redundancy that Azure does not support in place."""
    before, after = old.get("kind"), new.get("kind")
    known = isinstance(before, str) and isinstance(after, str)
    if known and before != after and (before, after) not in UPGRADES:
        raise pulumi.RunError(
            f"Azure does not change an account from kind {before} to {after}. A new one can have "
            "it: create a second stack and copy the blobs (docs/teardown.md).\n"
            f"To keep this account: pulumi config set accountKind {before}"
        )
    old_sku, new_sku = ((inputs.get("sku") or {}).get("name") for inputs in (old, new))
    if isinstance(old_sku, str) and isinstance(new_sku, str):
        account, group = (str(new.get(key)) for key in ("accountName", "resourceGroupName"))
        why = refusal(old_sku, new_sku, account, group)
        if why:
            raise pulumi.RunError(why)
