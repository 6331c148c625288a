"""azure-native:privatedns:PrivateZone and VirtualNetworkLink."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import GROUP, check_reference, made_up_guid
from localazure.provider.control_plane_resource import GlobalResource
from localazure.provider.records import records_of
from localazure.provider.rules import FLAG, REFERENCE, TAGS, TEXT, Object, Text
from localazure.values import Props

ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{{privateZoneName}}"
NETWORK = "Microsoft.Network/virtualNetworks"
# 2 to 34 labels of 1 to 63 letters, digits, '_' and inner hyphens.
LABEL = r"[A-Za-z0-9_]([\w-]{0,61}\w)?"


class PrivateZone(GlobalResource):
    token: ClassVar[str] = "azure-native:privatedns:PrivateZone"
    arm_type: ClassVar[str] = "Microsoft.Network/privateDnsZones"
    id_format: ClassVar[str] = ZONE
    name_input: ClassVar[str] = "privateZoneName"
    autonamed: ClassVar[bool] = True
    shape: ClassVar[Object] = Object(
        {
            "location": TEXT,
            "privateZoneName": Text(
                pattern=rf"{LABEL}(\.{LABEL}){{1,33}}", rule="a domain name of 2 to 34 labels"
            ),
            "resourceGroupName": TEXT,
            "tags": TAGS,
        },
        required=("resourceGroupName",),
        needed=("location",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("location", "privateZoneName", "resourceGroupName")
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "etag",
        "internalId",
        "maxNumberOfRecordSets",
        "maxNumberOfVirtualNetworkLinks",
        "maxNumberOfVirtualNetworkLinksWithRegistration",
        "numberOfRecordSets",
        "numberOfVirtualNetworkLinks",
        "numberOfVirtualNetworkLinksWithRegistration",
        "provisioningState",
    )
    invalid: ClassVar[str] = "BadRequest"

    def validate_delete(self, content: Record, record: Record) -> None:
        links = records_of(content, VirtualNetworkLink.arm_type, record["id"])
        if links:
            raise ArmError(
                409,
                "CannotDeleteResource",
                "Cannot delete resource while nested resources exist. Some existing nested "
                f"resource IDs include: '{links[0]['id'].rpartition('/providers/')[2]}'. Please "
                "delete all nested resources before deleting this resource.",
            )

    def answers(self, content: Record, record: Record) -> Props:
        links = records_of(content, VirtualNetworkLink.arm_type, record["id"])
        return {
            "etag": made_up_guid("etag", record["id"]),
            "internalId": made_up_guid("zone", record["id"]),
            "maxNumberOfRecordSets": 25000,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfRecordSets": 1,
            "numberOfVirtualNetworkLinks": len(links),
            "numberOfVirtualNetworkLinksWithRegistration": sum(
                bool(link["inputs"].get("registrationEnabled")) for link in links
            ),
            "provisioningState": "Succeeded",
        }


class VirtualNetworkLink(GlobalResource):
    token: ClassVar[str] = "azure-native:privatedns:VirtualNetworkLink"
    arm_type: ClassVar[str] = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
    id_format: ClassVar[str] = f"{ZONE}/virtualNetworkLinks/{{virtualNetworkLinkName}}"
    name_input: ClassVar[str] = "virtualNetworkLinkName"
    shape: ClassVar[Object] = Object(
        {
            "location": TEXT,
            "privateZoneName": TEXT,
            "registrationEnabled": FLAG,
            "resolutionPolicy": Text(("Default", "NxDomainRedirect")),
            "resourceGroupName": TEXT,
            "tags": TAGS,
            "virtualNetwork": REFERENCE,
            "virtualNetworkLinkName": Text(
                pattern=r"[A-Za-z0-9]([\w.-]{0,78}\w)?",
                rule="1 to 80 letters, digits, '_', '.' and '-', the last none of '.' and '-'",
            ),
        },
        required=("privateZoneName", "resourceGroupName"),
        needed=("location", "registrationEnabled", "virtualNetwork"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = (
        "location",
        "privateZoneName",
        "resourceGroupName",
        "virtualNetwork.id",
        "virtualNetworkLinkName",
    )
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "etag",
        "provisioningState",
        "virtualNetworkLinkState",
    )
    invalid: ClassVar[str] = "BadRequest"

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        network = inputs["virtualNetwork"].get("id")
        check_reference("properties.virtualNetwork.id", network, NETWORK)
        zone = resource_id.rpartition("/virtualNetworkLinks/")[0]
        for other in records_of(content, self.arm_type, zone):
            same = other["inputs"]["virtualNetwork"]["id"].lower() == str(network).lower()
            if same and other["id"].lower() != resource_id.lower():
                raise ArmError(
                    409,
                    "Conflict",
                    f"Virtual network '{network}' is linked to zone '{zone.rpartition('/')[2]}' "
                    f"already, by '{other['id'].rpartition('/')[2]}'.",
                )

    def answers(self, content: Record, record: Record) -> Props:
        return {
            "etag": made_up_guid("etag", record["id"]),
            "provisioningState": "Succeeded",
            "virtualNetworkLinkState": "Completed",
        }
