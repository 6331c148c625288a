"""What data go with a resource: the few types that hold any, in the words of a warning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localazure.engine.state import Resource

ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"


@dataclass(frozen=True)
class Holding:
    """`text` says what is in it, `name_input` holds its name; what is `inside` another type is told
    of with that one."""

    text: str
    name_input: str
    inside: str = ""


HOLDINGS = {
    ACCOUNT: Holding("every blob in account {}, soft-deleted ones too", "accountName"),
    CONTAINER: Holding("every blob in container {}", "containerName", inside=ACCOUNT),
}


def loss(resource: Resource, resources: Iterable[Resource], going: set[str]) -> str:
    """What would be gone with it; empty if it holds nothing, or stays behind when it leaves.

    `resources` are all of the state, `going` the URNs of those that go as well.
    """
    holding = HOLDINGS.get(resource.type)
    if holding is None or resource.retain_on_delete:
        return ""
    if any(urn in going and _type(urn) == holding.inside for urn in resource.dependencies):
        return ""
    inside = sorted(
        _name(other)
        for other in resources
        if resource.urn in other.dependencies
        and other.type in HOLDINGS
        and HOLDINGS[other.type].inside == resource.type
    )
    text = holding.text.format(_name(resource))
    label = "container" if len(inside) == 1 else "containers"
    return f"{text} ({label} {', '.join(inside)})" if inside else text


def _name(resource: Resource) -> str:
    known = resource.outputs.get("name") or resource.inputs.get(HOLDINGS[resource.type].name_input)
    return known if isinstance(known, str) else resource.name


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") >= 3 else ""
