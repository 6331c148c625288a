"""A private address of the account in a network of the user's, with the name that leads to it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import network, privatedns

from .config import StackConfig
from .rules import PRIVATE_ZONE as ZONE


class PrivateBlobEndpoint(pulumi.ComponentResource):
    """Endpoint, DNS zone, the zone's link to the network, and the record that joins them.

    A zone of the user's own, such as a hub network's, is linked to its networks by its owner: then
    the record is all that is made in it.
    """

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        account: pulumi.Output[str],
        group: pulumi.Output[str],
        tags: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("django-azure-blob:network:PrivateBlobEndpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, protect=config.protect or None)
        subnet = config.private_endpoint_subnet
        endpoint = network.PrivateEndpoint(
            name,
            resource_group_name=group,
            location=config.location,
            subnet=network.SubnetArgs(id=subnet),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name="blob", private_link_service_id=account, group_ids=["blob"]
                )
            ],
            tags=tags,
            opts=child,
        )
        self.resources: list[pulumi.Resource] = [endpoint]
        zone_id: pulumi.Input[str] = config.private_dns_zone_id
        if zone_id == "":
            zone = privatedns.PrivateZone(
                f"{name}-zone",
                private_zone_name=ZONE,
                resource_group_name=group,
                location="global",
                tags=tags,
                opts=child,
            )
            link = privatedns.VirtualNetworkLink(
                f"{name}-link",
                private_zone_name=zone.name,
                resource_group_name=group,
                location="global",
                registration_enabled=False,
                virtual_network=privatedns.SubResourceArgs(
                    id=pulumi.Output.from_input(subnet).apply(network_of)
                ),
                tags=tags,
                opts=child,
            )
            self.resources += [zone, link]
            zone_id = zone.id
        record = network.PrivateDnsZoneGroup(
            f"{name}-record",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=group,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name="blob", private_dns_zone_id=zone_id)
            ],
            opts=child,
        )
        self.resources.append(record)
        self.register_outputs({"endpointId": endpoint.id})


def network_of(subnet: str) -> str:
    """The id of the virtual network that a subnet's id is in."""
    return subnet.rpartition("/subnets/")[0]
