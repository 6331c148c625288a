"""azure-native:network:PrivateEndpoint and PrivateDnsZoneGroup."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.provider.arm import GROUP, check_reference, made_up_guid, type_of
from localazure.provider.control_plane_resource import ControlPlaneResource
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
# "Private-link resource": the parts of a storage account that have addresses of their own.
PARTS = ("blob", "dfs", "file", "queue", "table", "web")
STORAGE_PARTS = frozenset(PARTS) | {f"{part}_secondary" for part in PARTS if part != "file"}
MOST_ZONES = 5
CONNECTIONS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
_MESSAGE = Limit(pattern=r"(?s).{0,140}", rule="at most 140 characters")


class PrivateEndpoint(ControlPlaneResource):
    token = "azure-native:network:PrivateEndpoint"
    id_format = ENDPOINT
    limits: ClassVar[Limits] = {
        "privateEndpointName": NAME,
        **{f"{key}[].requestMessage": _MESSAGE for key in CONNECTIONS},
    }
    needed = (
        "location",
        "subnet",
        *(f"{key}[].name" for key in CONNECTIONS),
        *(f"{key}[].privateLinkServiceId" for key in CONNECTIONS),
    )
    immutable = ("customNetworkInterfaceName", "location", "subnet.id")
    invalid = "InvalidRequestFormat"

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        check_reference("properties.subnet.id", inputs["subnet"].get("id"), SUBNET)
        connections = [
            (f"properties.{key}[{index}]", connection)
            for key in CONNECTIONS
            for index, connection in enumerate(inputs.get(key) or [])
        ]
        if len(connections) != 1:
            raise self.bad_request(
                f"A private endpoint has one private link service connection, and "
                f"'{self.names(resource_id)['privateEndpointName']}' has {len(connections)}."
            )
        for path, connection in connections:
            self._refuse_connection(content, resource_id, path, connection)

    def _refuse_connection(
        self, content: Record, resource_id: str, path: str, connection: Props
    ) -> None:
        target = connection["privateLinkServiceId"]
        kind = type_of(target)
        # Any service that can be linked to: only that it is an id can be said.
        check_reference(f"{path}.privateLinkServiceId", target, kind)
        if exists(content, target) is False:
            raise self.bad_request(
                f"Resource {target} referenced by resource {resource_id} was not found. Please "
                "make sure that the referenced resource exists, and that both resources are in the "
                "same region.",
                "InvalidResourceReference",
            )
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
            "etag": f'W/"{made_up_guid("etag", record["id"])}"',
            "networkInterfaces": [{"id": f"{network}/networkInterfaces/{nic}"}],
            "provisioningState": "Succeeded",
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

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        endpoint = resource_id.rpartition("/privateDnsZoneGroups/")[0]
        others = [
            other["id"].rpartition("/")[2]
            for other in records_of(content, self.arm_type, endpoint)
            if other["id"].lower() != resource_id.lower()
        ]
        if others:
            raise self.bad_request(
                f"Private endpoint '{endpoint.rpartition('/')[2]}' has the DNS zone group "
                f"'{others[0]}' already, and there can be one.",
            )
        for index, config in enumerate(inputs["privateDnsZoneConfigs"]):
            path = f"properties.privateDnsZoneConfigs[{index}].privateDnsZoneId"
            check_reference(path, config["privateDnsZoneId"], ZONE)
            if exists(content, config["privateDnsZoneId"]) is False:
                raise self.bad_request(
                    f"Resource {config['privateDnsZoneId']} referenced by resource {resource_id} "
                    "was not found.",
                    "InvalidResourceReference",
                )

    def answers(self, content: Record, record: Record) -> Props:
        return {
            "etag": f'W/"{made_up_guid("etag", record["id"])}"',
            "provisioningState": "Succeeded",
        }
