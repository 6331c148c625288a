"""azure-native:authorization and managedidentity: roles, locks and identities.

`records.refuse_locked` applies the locks.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import ClassVar

from localazure.control_plane import TENANT, now
from localazure.errors import ArmError
from localazure.provider.arm import GROUP, made_up_guid
from localazure.provider.control_plane_resource import ControlPlaneResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import records_of
from localazure.values import Props

GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ROLE = rf"(?i:(/.+)?/providers/Microsoft\.Authorization/roleDefinitions/){GUID}"
LONGEST_NOTES = 512
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


class ManagementLockByScope(ControlPlaneResource):
    token = "azure-native:authorization:ManagementLockByScope"
    id_format = "{scope}/providers/Microsoft.Authorization/locks/{lockName}"
    limits: ClassVar[Limits] = {
        "lockName": Limit(
            # Not allowed: < > % & \ ? / and control characters.
            pattern=r"[^<>%&\\?/\x00-\x1f]{1,90}(?<![. ])",
            rule="1 to 90 characters, none of <>%&\\?/, and no '.' or space at the end",
        ),
        "notes": Limit(
            pattern=rf"(?s).{{0,{LONGEST_NOTES}}}", rule=f"at most {LONGEST_NOTES} characters"
        ),
    }
    invalid = "InvalidRequestContent"
    heeds_locks = False


class RoleAssignment(ControlPlaneResource):
    token = "azure-native:authorization:RoleAssignment"
    id_format = "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}"
    limits: ClassVar[Limits] = {
        "conditionVersion": Limit(values=("2.0",)),
        "principalId": Limit(
            pattern=GUID, rule="Principal ID must be a GUID", code="InvalidPrincipalId"
        ),
        "roleAssignmentName": Limit(
            pattern=GUID,
            rule="The role assignment ID must be a GUID",
            code="InvalidRoleAssignmentId",
        ),
        "roleDefinitionId": Limit(
            pattern=ROLE,
            rule="/subscriptions/…/providers/Microsoft.Authorization/roleDefinitions/GUID",
            code="InvalidRoleDefinitionId",
        ),
    }
    invalid = "InvalidRequestContent"
    immutable = ("roleDefinitionId", "principalId", "principalType")

    def generated(self, logical_name: str, seed: bytes) -> str:
        """A role assignment is named by a GUID."""
        return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))

    def validate(self, write: Write) -> None:
        inputs, before = write.inputs, write.before
        if inputs.get("condition") and not inputs.get("conditionVersion"):
            raise self.bad_request("'conditionVersion' is missing: a condition needs it")
        if before is not None and _identity(before) != _identity(inputs):
            raise self.bad_request(
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                "RoleAssignmentUpdateNotPermitted",
            )
        for other in records_of(write.content, self.arm_type) if before is None else ():
            if _identity(other["inputs"]) == _identity(inputs):
                name = other["id"].rpartition("/")[2].replace("-", "")
                raise ArmError(
                    409,
                    "RoleAssignmentExists",
                    "The role assignment already exists. The ID of the existing role assignment "
                    f"is {name}.",
                )

    def computed(self, resource_id: str, inputs: Props) -> Props:
        moment, user = now(), made_up_guid("user")
        return {
            "createdBy": user,
            "createdOn": moment,
            "principalType": "User",
            "updatedBy": user,
            "updatedOn": moment,
        }


def _identity(inputs: Props) -> tuple[str, ...]:
    """What makes two assignments the same."""
    role = inputs["roleDefinitionId"].rpartition("/")[2]
    return tuple(text.lower() for text in (inputs["scope"], role, inputs["principalId"]))


class UserAssignedIdentity(ControlPlaneResource):
    token = "azure-native:managedidentity:UserAssignedIdentity"
    id_format = f"{GROUP}/providers/{IDENTITY}/{{resourceName}}"
    limits: ClassVar[Limits] = {
        "resourceName": Limit(
            pattern=r"[A-Za-z0-9][\w-]{2,127}",
            rule="3 to 128 letters, digits, hyphens and underscores, the first a letter or digit",
        )
    }
    invalid = "InvalidRequestContent"

    def computed(self, resource_id: str, inputs: Props) -> Props:
        return principal(resource_id) | {"tenantId": TENANT}


def principal(identity: str) -> Props:
    """The object and the application of an identity, by its id."""
    return {
        "clientId": made_up_guid("client", identity),
        "principalId": made_up_guid("principal", identity),
    }
