"""azure-native:network and privatedns: a private endpoint, its DNS zone and the record in it."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import GROUP, check_reference, made_up_guid, type_of
from localazure.provider.control_plane_resource import ControlPlaneResource, GlobalResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import exists, records_of
from localazure.values import Props

SUBNET = "Microsoft.Network/virtualNetworks/subnets"
ZONE = "Microsoft.Network/privateDnsZones"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/{{privateEndpointName}}"
NAME = Limit(
    pattern=r"[A-Za-z0-9]([\w.-]{0,62}\w)?",
    rule="1 to 64 letters, digits, '_', '.' and '-', the last none of '.' and '-'",
)
# "Private-link resource": the sub-resources of a storage account.
PARTS = ("blob", "dfs", "file", "queue", "table", "web")
STORAGE_PARTS = frozenset(PARTS) | {f"{part}_secondary" for part in PARTS if part != "file"}
MOST_ZONES = 5
CONNECTIONS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
PRIVATE_ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{{privateZoneName}}"
NETWORK = "Microsoft.Network/virtualNetworks"
# 2 to 34 labels of 1 to 63 letters, digits, '_' and inner hyphens.
LABEL = r"[A-Za-z0-9_]([\w-]{0,61}\w)?"
_MESSAGE = Limit(pattern=r"(?s).{0,140}", rule="at most 140 characters")


class PrivateEndpoint(ControlPlaneResource):
    token = "azure-native:network:PrivateEndpoint"
    id_format = ENDPOINT
    limits: ClassVar[Limits] = {
        "privateEndpointName": NAME,
        **{f"{key}[].requestMessage": _MESSAGE for key in CONNECTIONS},
    }
    needed = (
        "subnet",
        *(f"{key}[].name" for key in CONNECTIONS),
        *(f"{key}[].privateLinkServiceId" for key in CONNECTIONS),
    )
    immutable = ("customNetworkInterfaceName", "subnet.id")
    invalid = "InvalidRequestFormat"

    def validate(self, write: Write) -> None:
        check_reference("properties.subnet.id", write.inputs["subnet"].get("id"), SUBNET)
        connections = [
            (f"properties.{key}[{index}]", connection)
            for key in CONNECTIONS
            for index, connection in enumerate(write.inputs.get(key) or [])
        ]
        if len(connections) != 1:
            raise self.bad_request(
                f"A private endpoint has one private link service connection, and "
                f"'{write.inputs['privateEndpointName']}' has {len(connections)}."
            )
        for path, connection in connections:
            self._refuse_connection(write, path, connection)

    def _refuse_connection(self, write: Write, path: str, connection: Props) -> None:
        target = connection["privateLinkServiceId"]
        kind = type_of(target)
        # Many services can be linked to, so the id's type is not checked.
        check_reference(f"{path}.privateLinkServiceId", target, kind)
        _refuse_unknown(write, target)
        if kind.lower() != "microsoft.storage/storageaccounts":
            return
        asked = connection.get("groupIds") or []
        if len(asked) != 1 or asked[0] not in STORAGE_PARTS:
            raise self.bad_request(
                f"'{path}.groupIds' cannot be {asked}: one of {', '.join(sorted(STORAGE_PARTS))}."
            )

    def answers(self, content: Record, record: Record) -> Props:
        network, _, name = record["id"].rpartition("/privateEndpoints/")
        nic = record["inputs"].get("customNetworkInterfaceName") or (
            f"{name}.nic.{made_up_guid('nic', record['id'])}"
        )
        return {
            "etag": _etag(record),
            "networkInterfaces": [{"id": f"{network}/networkInterfaces/{nic}"}],
        }


class PrivateDnsZoneGroup(ControlPlaneResource):
    """The DNS records of an endpoint's addresses in private zones."""

    token = "azure-native:network:PrivateDnsZoneGroup"
    id_format = f"{ENDPOINT}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}"
    limits: ClassVar[Limits] = {
        "privateDnsZoneConfigs": Limit(least=1, most=MOST_ZONES),
        "privateDnsZoneGroupName": NAME,
    }
    needed = (
        "privateDnsZoneConfigs",
        "privateDnsZoneConfigs[].name",
        "privateDnsZoneConfigs[].privateDnsZoneId",
    )
    invalid = "InvalidRequestFormat"

    def validate(self, write: Write) -> None:
        for other in self.siblings(write):
            raise self.bad_request(
                f"Private endpoint '{other['privateEndpointName']}' has the DNS zone group "
                f"'{other['privateDnsZoneGroupName']}' already, and there can be one.",
            )
        for index, config in enumerate(write.inputs["privateDnsZoneConfigs"]):
            path = f"properties.privateDnsZoneConfigs[{index}].privateDnsZoneId"
            check_reference(path, config["privateDnsZoneId"], ZONE)
            _refuse_unknown(write, config["privateDnsZoneId"])

    def answers(self, content: Record, record: Record) -> Props:
        return {"etag": _etag(record)}


def _etag(record: Record) -> str:
    return f'W/"{made_up_guid("etag", record["id"])}"'


def _refuse_unknown(write: Write, reference: str) -> None:
    if exists(write.content, reference) is False:
        raise ArmError(
            400,
            "InvalidResourceReference",
            f"Resource {reference} referenced by resource {write.resource_id} was not found. "
            "Please make sure that the referenced resource exists, and that both resources are in "
            "the same region.",
        )


class PrivateZone(GlobalResource):
    token = "azure-native:privatedns:PrivateZone"
    id_format = PRIVATE_ZONE
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
    id_format = f"{PRIVATE_ZONE}/virtualNetworkLinks/{{virtualNetworkLinkName}}"
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
