"""azure-native:privatedns:PrivateZone and VirtualNetworkLink."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import GROUP, check_reference, made_up_guid
from localazure.provider.control_plane_resource import GlobalResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import records_of
from localazure.values import Props

ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{{privateZoneName}}"
NETWORK = "Microsoft.Network/virtualNetworks"
# 2 to 34 labels of 1 to 63 letters, digits, '_' and inner hyphens.
LABEL = r"[A-Za-z0-9_]([\w-]{0,61}\w)?"


class PrivateZone(GlobalResource):
    token = "azure-native:privatedns:PrivateZone"
    id_format = ZONE
    limits: ClassVar[Limits] = {
        "privateZoneName": Limit(
            pattern=rf"{LABEL}(\.{LABEL}){{1,33}}", rule="a domain name of 2 to 34 labels"
        )
    }

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
        }


class VirtualNetworkLink(GlobalResource):
    token = "azure-native:privatedns:VirtualNetworkLink"
    id_format = f"{ZONE}/virtualNetworkLinks/{{virtualNetworkLinkName}}"
    limits: ClassVar[Limits] = {
        "virtualNetworkLinkName": Limit(
            pattern=r"[A-Za-z0-9]([\w.-]{0,78}\w)?",
            rule="1 to 80 letters, digits, '_', '.' and '-', the last none of '.' and '-'",
        )
    }
    needed = ("registrationEnabled", "virtualNetwork")
    immutable = ("virtualNetwork.id",)
    unique = "virtualNetwork.id"

    def validate(self, write: Write) -> None:
        network = write.inputs["virtualNetwork"].get("id")
        check_reference("properties.virtualNetwork.id", network, NETWORK)

    def answers(self, content: Record, record: Record) -> Props:
        return {
            "etag": made_up_guid("etag", record["id"]),
            "virtualNetworkLinkState": "Completed",
        }
