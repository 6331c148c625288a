"""Who may do what to the account: roles for identities."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization

# "Azure built-in roles", Storage. Signing for others takes the delegator's role beside the data's.
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"  # Storage Blob Data Contributor
DELEGATOR = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"  # Storage Blob Delegator
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"  # Storage Blob Data Reader


def grant_data(
    name: str,
    principal: pulumi.Input[str],
    number: int,
    account: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Let a principal (`TYPE:OBJECT_ID`) read, write and sign, in the account of that id.

    The assignments are named after the object id; where another resource gives it, after the
    principal's `number` in the list, as a resource's name has to be known beforehand.
    """
    parts = pulumi.Output.from_input(principal).apply(lambda text: text.partition(":"))
    kind, object_id = parts[0], parts[2]
    label = principal.partition(":")[2] if isinstance(principal, str) else f"principal{number}"
    return [
        grant(f"{name}-{role}-{label}", role_id, kind, object_id, account, opts)
        for role, role_id in (("contributor", CONTRIBUTOR), ("delegator", DELEGATOR))
    ]


def grant(
    name: str,
    role: str,
    kind: pulumi.Input[str],
    object_id: pulumi.Input[str],
    scope: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """One role for one principal within `scope`, the id of a resource."""
    return authorization.RoleAssignment(
        name,
        principal_id=object_id,
        # Spares a look-up that fails for an identity made a moment ago.
        principal_type=kind,
        role_definition_id=scope.apply(lambda id_: role_id(id_, role)),
        scope=scope,
        opts=opts,
    )


def role_id(resource_id: str, role: str) -> str:
    """The role's full id, as Azure gives it back: within the subscription of the resource."""
    subscription = resource_id.split("/")[2]
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
