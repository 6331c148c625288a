"""Access to the account: roles for identities, and where logs go."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import authorization, monitor

# "Azure built-in roles", Storage. Signing for others needs the delegator's role as well.
DATA_ROLES = {
    "contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
    "delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",  # Storage Blob Delegator
}
# "Azure built-in roles", Security.
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"  # Key Vault Secrets User
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"  # Storage Blob Data Reader
# "Supported categories for Microsoft.Storage/storageAccounts/blobServices".
CATEGORIES = ("StorageRead", "StorageWrite", "StorageDelete")


def grant_data(
    name: str,
    principal: pulumi.Input[str],
    number: int,
    account: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Let a principal (`TYPE:OBJECT_ID`) read, write and sign, in the account of that id.

    The assignments are named after the object id. If that is another resource's output, they are
    named after the principal's `number` in the list, since a name must be known in advance.
    """
    parts = pulumi.Output.from_input(principal).apply(lambda text: text.partition(":"))
    kind, object_id = parts[0], parts[2]
    label = principal.partition(":")[2] if isinstance(principal, str) else f"principal{number}"
    return [
        grant(f"{name}-{part}-{label}", role, kind, object_id, account, opts)
        for part, role in DATA_ROLES.items()
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
        # Without it Azure looks the identity up, which fails for one that was just created.
        principal_type=kind,
        role_definition_id=scope.apply(lambda id_: role_id(id_, role)),
        scope=scope,
        opts=opts,
    )


def role_id(resource_id: str, role: str) -> str:
    """The role's full id, as Azure returns it: within the subscription of the resource."""
    subscription = resource_id.split("/")[2]
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def send_logs(
    name: str,
    resource: pulumi.Input[str],
    workspace: pulumi.Input[str],
    categories: Sequence[str],
    metrics: str,
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Send logs of these categories and a category of metrics to `workspace`, an id."""
    return monitor.DiagnosticSetting(
        name,
        resource_uri=resource,
        workspace_id=workspace,
        logs=[{"category": category, "enabled": True} for category in categories],
        metrics=[{"category": metrics, "enabled": True}],
        opts=opts,
    )
