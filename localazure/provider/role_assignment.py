"""azure-native:authorization:RoleAssignment."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import ClassVar

from localazure.control_plane import Record, now
from localazure.errors import ArmError
from localazure.provider.arm import made_up_guid
from localazure.provider.control_plane_resource import ControlPlaneResource
from localazure.provider.records import records_of
from localazure.provider.rules import TEXT, Object, Text
from localazure.values import Props

GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ROLE = rf"(?i:(/.+)?/providers/Microsoft\.Authorization/roleDefinitions/){GUID}"
# What makes two assignments the same, and cannot be changed in one.
IDENTIFYING = ("scope", "roleDefinitionId", "principalId")


class RoleAssignment(ControlPlaneResource):
    token: ClassVar[str] = "azure-native:authorization:RoleAssignment"
    arm_type: ClassVar[str] = "Microsoft.Authorization/roleAssignments"
    id_format: ClassVar[str] = (
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}"
    )
    name_input: ClassVar[str] = "roleAssignmentName"
    autonamed: ClassVar[bool] = True
    shape: ClassVar[Object] = Object(
        {
            "condition": TEXT,
            "conditionVersion": Text(("2.0",)),
            "delegatedManagedIdentityResourceId": TEXT,
            "description": TEXT,
            "principalId": TEXT,
            "principalType": Text(("User", "Group", "ServicePrincipal", "ForeignGroup", "Device")),
            "roleAssignmentName": TEXT,
            "roleDefinitionId": TEXT,
            "scope": TEXT,
        },
        required=("principalId", "roleDefinitionId", "scope"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = (*IDENTIFYING, "principalType", "roleAssignmentName")
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "createdBy",
        "createdOn",
        "updatedBy",
        "updatedOn",
    )
    echoed: ClassVar[tuple[str, ...]] = ("scope",)

    def generated(self, logical_name: str, seed: bytes) -> str:
        """A role assignment is named by a GUID."""
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        inputs = {**self.names(resource_id), **inputs}
        if not re.fullmatch(GUID, inputs["roleAssignmentName"]):
            raise self.bad_request(
                "The role assignment ID must be a GUID, and "
                f"'{inputs['roleAssignmentName']}' is none.",
                "InvalidRoleAssignmentId",
            )
        if not re.fullmatch(GUID, inputs["principalId"]):
            raise self.bad_request(
                f"The Principal ID '{inputs['principalId']}' is not valid. Principal ID must be a "
                "GUID.",
                "InvalidPrincipalId",
            )
        if not re.fullmatch(ROLE, inputs["roleDefinitionId"]):
            raise self.bad_request(
                f"The role definition ID '{inputs['roleDefinitionId']}' is not valid: "
                "/subscriptions/…/providers/Microsoft.Authorization/roleDefinitions/GUID.",
                "InvalidRoleDefinitionId",
            )
        if inputs.get("condition") and not inputs.get("conditionVersion"):
            raise self.bad_request("'conditionVersion' is missing: a condition needs it")
        if before is not None and _identity(before) != _identity(inputs):
            raise self.bad_request(
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                "RoleAssignmentUpdateNotPermitted",
            )
        for other in records_of(content, self.arm_type) if before is None else ():
            if _identity(other["inputs"]) == _identity(inputs):
                name = other["id"].rpartition("/")[2].replace("-", "")
                raise ArmError(
                    409,
                    "RoleAssignmentExists",
                    "The role assignment already exists. The ID of the existing role assignment "
                    f"is {name}.",
                )

    def born(self, resource_id: str, inputs: Props) -> Props:
        moment, who = now(), made_up_guid("user")
        return {
            "createdBy": who,
            "createdOn": moment,
            "principalType": "User",
            "updatedBy": who,
            "updatedOn": moment,
        }


def _identity(inputs: Props) -> tuple[str, ...]:
    role = inputs["roleDefinitionId"].rpartition("/")[2]
    return tuple(text.lower() for text in (inputs["scope"], role, inputs["principalId"]))
