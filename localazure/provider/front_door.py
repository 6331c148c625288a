"""azure-native:cdn: Front Door's Profile, AFDEndpoint and AFDCustomDomain."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from localazure.control_plane import TENANT, Record
from localazure.errors import ArmError
from localazure.provider.arm import GROUP, made_up_guid
from localazure.provider.control_plane_resource import ControlPlaneResource, GlobalResource
from localazure.provider.records import records_of
from localazure.provider.rules import (
    ENABLED,
    OPAQUE,
    TAGS,
    TEXT,
    Number,
    Object,
    Text,
)
from localazure.values import Props

PROFILE = f"{GROUP}/providers/Microsoft.Cdn/profiles/{{profileName}}"
NESTED = ("profileName", "resourceGroupName")
DEPLOYED = ("name", "type", "deploymentStatus", "provisioningState")
STANDARD, PREMIUM = "Standard_AzureFrontDoor", "Premium_AzureFrontDoor"
# Closed to new profiles, with the words that Azure closes them with.
CLASSIC = {
    "Standard_Microsoft": "Azure CDN from Microsoft (classic)",
    "Standard_Akamai": "Azure CDN from Akamai",
    "Standard_Verizon": "Azure CDN from Edgio",
    "Premium_Verizon": "Azure CDN from Edgio",
}
HOST = r"(?=.{1,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
ROUTES = "Microsoft.Cdn/profiles/afdEndpoints/routes"


def name_of(longest: int) -> Text:
    """Letters, digits and inner hyphens."""
    return Text(
        pattern=rf"(?=.{{1,{longest}}}\Z)[A-Za-z0-9]+(-+[A-Za-z0-9]+)*",
        rule=f"1 to {longest} letters, digits and hyphens, the first and the last no hyphen",
    )


class Profile(GlobalResource):
    token: ClassVar[str] = "azure-native:cdn:Profile"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles"
    id_format: ClassVar[str] = PROFILE
    name_input: ClassVar[str] = "profileName"
    autonamed: ClassVar[bool] = True
    shape: ClassVar[Object] = Object(
        {
            "identity": Object(
                {
                    "type": Text(
                        ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")
                    ),
                    "userAssignedIdentities": OPAQUE,
                },
                required=("type",),
            ),
            "location": TEXT,
            "logScrubbing": OPAQUE,
            "originResponseTimeoutSeconds": Number(16, 240),
            "profileName": name_of(90),
            "resourceGroupName": TEXT,
            "sku": Object({"name": Text((STANDARD, PREMIUM, *CLASSIC))}, needed=("name",)),
            "tags": TAGS,
        },
        required=("resourceGroupName", "sku"),
        needed=("location",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("location", "profileName", "resourceGroupName")
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "frontDoorId",
        "identity.principalId",
        "identity.tenantId",
        "kind",
        "provisioningState",
        "resourceState",
    )
    defaults: ClassVar[Props] = {"originResponseTimeoutSeconds": 60}
    invalid: ClassVar[str] = "BadRequest"

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        sku = inputs["sku"]["name"]
        if sku in CLASSIC:
            raise self.bad_request(f"{CLASSIC[sku]} no longer support new profile creation.")
        if before and before["sku"]["name"] == PREMIUM and sku == STANDARD:
            raise self.bad_request(f"A profile cannot go back from {PREMIUM} to {STANDARD}.")

    def answers(self, content: Record, record: Record) -> Props:
        identity = record["inputs"].get("identity")
        answers: Props = {
            "frontDoorId": made_up_guid("front door", record["id"]),
            "kind": "frontdoor",
            "provisioningState": "Succeeded",
            "resourceState": "Active",
        }
        if identity and "SystemAssigned" in identity["type"]:
            principal = made_up_guid("principal", record["id"])
            answers["identity"] = {**identity, "principalId": principal, "tenantId": TENANT}
        return answers


class FrontDoorResource(ControlPlaneResource):
    """What belongs to a profile, and is deployed to the edge."""

    computed: ClassVar[tuple[str, ...]] = DEPLOYED
    echoed: ClassVar[tuple[str, ...]] = ("profileName",)
    invalid: ClassVar[str] = "BadRequest"

    def profile(self, content: Record, resource_id: str) -> Record:
        """The inputs of the profile that it belongs to."""
        found: Record = content["recorded"][profile_of(resource_id).lower()]
        inputs: Record = found["inputs"]
        return inputs

    def siblings(self, content: Record, resource_id: str, below: str) -> list[Props]:
        """The inputs of the others of this type, below an id."""
        return [
            {**self.names(other["id"]), **other["inputs"]}
            for other in records_of(content, self.arm_type, below)
            if other["id"].lower() != resource_id.lower()
        ]

    def answers(self, content: Record, record: Record) -> Props:
        return {"deploymentStatus": "NotStarted", "provisioningState": "Succeeded"}


def profile_of(resource_id: str) -> str:
    """The id of the profile that an id is below."""
    return "/".join(resource_id.split("/")[:9])


class AFDEndpoint(FrontDoorResource, GlobalResource):
    token: ClassVar[str] = "azure-native:cdn:AFDEndpoint"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/afdEndpoints"
    id_format: ClassVar[str] = f"{PROFILE}/afdEndpoints/{{endpointName}}"
    name_input: ClassVar[str] = "endpointName"
    shape: ClassVar[Object] = Object(
        {
            "autoGeneratedDomainNameLabelScope": Text(
                ("TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "NoReuse")
            ),
            "enabledState": ENABLED,
            "endpointName": name_of(46),
            "location": TEXT,
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "tags": TAGS,
        },
        required=NESTED,
        needed=("location",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = (
        "autoGeneratedDomainNameLabelScope",
        "endpointName",
        "location",
        *NESTED,
    )
    computed: ClassVar[tuple[str, ...]] = (*DEPLOYED, "hostName")
    defaults: ClassVar[Props] = {
        "autoGeneratedDomainNameLabelScope": "TenantReuse",
        "enabledState": "Enabled",
    }

    def answers(self, content: Record, record: Record) -> Props:
        label = hashlib.sha256(record["id"].lower().encode()).hexdigest()[:16]
        host = f"{self.names(record['id'])['endpointName'].lower()}-{label}.z01.azurefd.net"
        return {**super().answers(content, record), "hostName": host}


def refuse_in_use(content: Record, record: Record, key: str) -> None:
    """Refuse to delete what a route refers to with its input `key`."""
    for route in records_of(content, ROUTES, profile_of(record["id"])):
        value = route["inputs"].get(key) or []
        references = value if isinstance(value, list) else [value]
        if any((one.get("id") or "").lower() == record["id"].lower() for one in references):
            raise ArmError(
                409,
                "Conflict",
                "This resource is still associated with a route. Please delete the association "
                f"with the route first before deleting this resource. Route: {route['id']}",
            )
