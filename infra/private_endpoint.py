"""A private endpoint of the account in a virtual network, with the DNS name that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_azure_native import network, privatedns

from .part import Part
from .rules import PRIVATE_ZONE as ZONE

if TYPE_CHECKING:  # which imports this module
    from .storage import DjangoBlobStorage


class PrivateBlobEndpoint(Part):
    """Endpoint, DNS zone, the zone's link to the network, and the record that joins them.

    The owner of an existing zone, such as a hub network's, links it to its networks: then only the
    record is created in it.
    """

    def __init__(self, name: str, owner: DjangoBlobStorage) -> None:
        super().__init__("network:PrivateBlobEndpoint", name, owner)
        config, subnet = self._config, self._config.private_endpoint_subnet
        endpoint = network.PrivateEndpoint(
            name,
            resource_group_name=self._group,
            location=config.location,
            subnet=network.SubnetArgs(id=subnet),
            private_link_service_connections=[
                {
                    "name": "blob",
                    "private_link_service_id": owner.account.id,
                    "group_ids": ["blob"],
                }
            ],
            tags=self._tags,
            opts=self._child,
        )
        zone_id = config.private_dns_zone_id
        if zone_id == "":
            zone_id = self._declare_zone(subnet)
        network.PrivateDnsZoneGroup(
            f"{name}-record",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self._group,
            private_dns_zone_configs=[{"name": "blob", "private_dns_zone_id": zone_id}],
            opts=self._child,
        )
        self.register_outputs({"endpointId": endpoint.id})

    def _declare_zone(self, subnet: pulumi.Input[str]) -> pulumi.Output[str]:
        zone = privatedns.PrivateZone(
            f"{self._name}-zone",
            private_zone_name=ZONE,
            resource_group_name=self._group,
            location="global",
            tags=self._tags,
            opts=self._child,
        )
        privatedns.VirtualNetworkLink(
            f"{self._name}-link",
            private_zone_name=zone.name,
            resource_group_name=self._group,
            location="global",
            registration_enabled=False,
            virtual_network={"id": pulumi.Output.from_input(subnet).apply(network_of)},
            tags=self._tags,
            opts=self._child,
        )
        return zone.id


def network_of(subnet: str) -> str:
    """The id of the virtual network that a subnet's id is in."""
    return subnet.rpartition("/subnets/")[0]
