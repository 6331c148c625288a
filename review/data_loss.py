"""What data is deleted with a resource, in the words of a warning."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"
VAULT = "azure-native:keyvault:Vault"


class Resource(Protocol):
    """A resource as it is in the state."""

    urn: str
    type: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    dependencies: list[str]
    retain_on_delete: bool

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Holder:
    """A type of resource that holds data: `text` describes the data, the input `name_input` has
    the resource's name, and `inside` is the type of resource that such a resource is part of."""

    text: str
    name_input: str
    inside: str = ""


HOLDERS = {
    ACCOUNT: Holder("every blob in account {}, soft-deleted ones too", "accountName"),
    CONTAINER: Holder("every blob in container {}", "containerName", inside=ACCOUNT),
    VAULT: Holder("every secret in key vault {}", "vaultName"),
}


def data_loss(resource: Resource, resources: Iterable[Resource], deleted: Collection[str]) -> str:
    """The data that is deleted with a resource. It is empty for a resource that holds none, that
    is retained, or whose account is deleted as well: the account's own loss includes it.

    `resources` are all resources in the state, `deleted` the URNs of those to be deleted.
    """
    holder = HOLDERS.get(resource.type)
    if holder is None or resource.retain_on_delete:
        return ""
    if any(urn in deleted and type_of(urn) == holder.inside for urn in resource.dependencies):
        return ""
    inside = sorted(
        _name(other)
        for other in resources
        if resource.urn in other.dependencies
        and other.type in HOLDERS
        and HOLDERS[other.type].inside == resource.type
    )
    text = holder.text.format(_name(resource))
    label = "container" if len(inside) == 1 else "containers"
    return f"{text} ({label} {', '.join(inside)})" if inside else text


def type_of(urn: str) -> str:
    """The type of the resource itself, without the components around it."""
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") >= 3 else ""


def _name(resource: Resource) -> str:
    holder = HOLDERS[resource.type]
    known = resource.outputs.get("name") or resource.inputs.get(holder.name_input)
    return known if isinstance(known, str) else resource.name
