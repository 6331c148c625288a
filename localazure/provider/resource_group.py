"""azure-native:resources:ResourceGroup."""

from __future__ import annotations

import os
from typing import ClassVar

from localazure.errors import ArmError
from localazure.provider.arm import GROUP, group_id
from localazure.provider.properties import Failure, Limit, Limits
from localazure.provider.records import forget, held_in_group
from localazure.provider.regions import check_region, region
from localazure.provider.resource import Live, ResourceType
from localazure.values import Props


class ResourceGroup(ResourceType):
    token = "azure-native:resources:ResourceGroup"
    id_format = GROUP
    limits: ClassVar[Limits] = {
        "resourceGroupName": Limit(
            # "Naming rules and restrictions for Azure resources"
            pattern=r"[\w.()-]{0,89}[\w()-]",
            rule="1 to 90 letters, digits, '_', '-', '(', ')' and '.', and no '.' at the end",
        )
    }
    invalid = "InvalidParameter"

    def check(
        self, logical_name: str, old: Props, new: Props, seed: bytes
    ) -> tuple[Props, list[Failure]]:
        checked, failures = super().check(logical_name, old, new, seed)
        if checked.get("location") is None:
            failures.append(
                Failure("location", "missing: set it on the resource, or 'azure-native:location'")
            )
        return checked, failures

    def create(self, inputs: Props) -> Live:
        name = inputs["resourceGroupName"]
        self.refuse_values(inputs)
        check_region(inputs["location"])
        with self.control_plane.change() as content:
            if name.lower() in content["groups"]:
                raise already_exists(group_id(name))
            content["groups"][name.lower()] = _record(name, inputs)
        return self._live(name, inputs)

    def read(self, resource_id: str) -> Live | None:
        name = self.names(resource_id)["resourceGroupName"]
        found = self.control_plane.load()["groups"].get(name.lower())
        if found is None and os.environ.get("LOCALAZURE_GROUPS") == "any":
            # A temporary control plane, for a preview of a stack in an existing group.
            with self.control_plane.change() as content:
                found = content["groups"][name.lower()] = _record(name, {"location": "westeurope"})
        return self._live(found["name"], found) if found else None

    def update(self, resource_id: str, inputs: Props) -> Live:
        name = self.names(resource_id)["resourceGroupName"]
        with self.control_plane.change() as content:
            content["groups"][name.lower()] = _record(name, inputs)
        return self._live(name, inputs)

    def delete(self, resource_id: str) -> None:
        name = self.names(resource_id)["resourceGroupName"].lower()
        held = held_in_group(self.control_plane.load(), name)
        if held:
            # azure-native deletes a group with everything in it. Losing another stack's data
            # without a warning is not worth imitating.
            message = f"Resource group '{name}' still holds {', '.join(held)}."
            raise ArmError(409, "ResourceGroupNotEmpty", message)
        with self.control_plane.change() as content:
            content["groups"].pop(name, None)
            forget(content, group_id(name))

    def _live(self, name: str, inputs: Props) -> Live:
        outputs: Props = {
            "name": name,
            "type": self.arm_type,
            "location": region(inputs["location"]),
            "properties": {"provisioningState": "Succeeded"},
        }
        if inputs.get("tags"):
            outputs["tags"] = inputs["tags"]
        return Live(group_id(name), outputs)


def _record(name: str, inputs: Props) -> Props:
    return {"name": name, "location": inputs["location"], "tags": inputs.get("tags")}


def already_exists(resource_id: str) -> ArmError:
    """azure-native never adopts an existing resource in a create."""
    return ArmError(
        409, "ResourceExists", f"cannot create already existing resource '{resource_id}'"
    )
