"""azure-native:managedidentity:UserAssignedIdentity."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import TENANT
from localazure.provider.arm import GROUP, made_up_guid
from localazure.provider.control_plane_resource import ControlPlaneResource
from localazure.provider.properties import Limit, Limits
from localazure.values import Props

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


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
