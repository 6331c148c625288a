"""Queries about what exists, by id: a resource, what is below it, the locks that apply to it."""

from __future__ import annotations

from localazure.control_plane import SUBSCRIPTION, Record
from localazure.errors import ArmError
from localazure.provider.arm import group_id, id_part, type_of

LOCKS = "microsoft.authorization/locks"
# The types that the control plane stores; each `ControlPlaneResource` adds its own.
_GROUP = "microsoft.resources/resourcegroups"
_ACCOUNT = "microsoft.storage/storageaccounts"
_SERVICE = f"{_ACCOUNT}/blobservices"
_CONTAINER = f"{_SERVICE}/containers"
STORED_TYPES = {_GROUP, _ACCOUNT, _SERVICE, _CONTAINER}


def record_of(content: Record, resource_id: str) -> Record | None:
    found: Record | None = content.get("recorded", {}).get(resource_id.lower())
    return found


def records_below(content: Record, scope: str) -> list[Record]:
    """The records below `scope`: its children and extension resources."""
    start = f"{scope.lower()}/"
    recorded = content.get("recorded", {})
    return [record for key, record in recorded.items() if key.startswith(start)]


def records_of(content: Record, arm_type: str, below: str = "") -> list[Record]:
    """All records of a type, or those below an id."""
    found = records_below(content, below) if below else content.get("recorded", {}).values()
    return [record for record in found if record["type"].lower() == arm_type.lower()]


def forget(content: Record, resource_id: str) -> None:
    """Remove a record and everything below it."""
    low = resource_id.lower()
    recorded = content.get("recorded", {})
    for key in [key for key in recorded if key == low or key.startswith(f"{low}/")]:
        del recorded[key]


def exists(content: Record, resource_id: str) -> bool | None:
    """Whether it exists; None for types that are not stored, such as networks and workspaces."""
    kind, low = type_of(resource_id).lower(), resource_id.lower()
    if kind not in STORED_TYPES or not low.startswith(f"/subscriptions/{SUBSCRIPTION}"):
        return None
    if kind not in (_GROUP, _ACCOUNT, _SERVICE, _CONTAINER):
        return low in content.get("recorded", {})
    group = id_part(resource_id, "resourceGroups").lower()
    if kind == _GROUP:
        return group in content["groups"]
    account = content["accounts"].get(id_part(resource_id, "storageAccounts").lower())
    if account is None or account["group"].lower() != group:
        return False
    return kind != _CONTAINER or id_part(resource_id, "containers") in account["containers"]


def refuse_missing(content: Record, resource_id: str) -> None:
    """Raise Azure's answer to a reference to something that does not exist."""
    if exists(content, resource_id) is False:
        raise not_found(resource_id)


def not_found(resource_id: str) -> ArmError:
    tail = resource_id.rpartition("/providers/")[2]
    if type_of(resource_id) == "Microsoft.Resources/resourceGroups":
        return group_not_found(resource_id.rpartition("/")[2])
    group = id_part(resource_id, "resourceGroups")
    message = f"The Resource '{tail}' under resource group '{group}' was not found."
    return ArmError(404, "ResourceNotFound", message)


def group_not_found(group: str) -> ArmError:
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def refuse_locked(content: Record, resource_id: str, verb: str) -> None:
    """Raise Azure's refusal if a lock forbids `verb`, which is `write` or `delete`.

    A lock applies to its scope and everything below, and prevents the deletion of what is above.
    """
    low = resource_id.lower()
    locked = []
    for record in records_of(content, LOCKS):
        scope, level = record["inputs"]["scope"], record["inputs"]["level"]
        above = low == scope.lower() or low.startswith(f"{scope.lower()}/")
        below = scope.lower().startswith(f"{low}/")
        if level == "NotSpecified" or (verb == "write" and level != "ReadOnly"):
            continue
        if above or (below and verb == "delete"):
            locked.append(scope)
    if locked:
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{resource_id}' cannot perform {verb} operation because following scope(s) "
            f"are locked: '{','.join(locked)}'. Please remove the lock and try again.",
        )


def held_in_group(content: Record, group: str) -> list[str]:
    """The names of all resources directly in a group, not below another resource."""
    accounts = [n for n, a in content["accounts"].items() if a["group"].lower() == group.lower()]
    depth = group_id(group).count("/") + 4
    # Not the extension resources of the group itself.
    tops = [
        record["id"].rpartition("/")[2]
        for record in records_below(content, group_id(group))
        if record["id"].count("/") == depth
        and not {"scope", "resourceUri"} & record["inputs"].keys()
    ]
    return accounts + tops
