"""azure-native:cdn: AFDOriginGroup and AFDOrigin, the servers behind Front Door."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar

from localazure.control_plane import Record
from localazure.provider.arm import check_reference, type_of
from localazure.provider.control_plane_resource import Write
from localazure.provider.front_door import (
    ABSOLUTE_PATH,
    HOST,
    PROFILE,
    ROUTES,
    STANDARD,
    FrontDoorResource,
    name_limit,
    profile_of,
)
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import records_of, refuse_missing
from localazure.provider.regions import WITH_FRONT_DOOR_PRIVATE_LINK, region
from localazure.values import Props

ORIGIN_GROUP = f"{PROFILE}/originGroups/{{originGroupName}}"
_SAMPLES, _PORT = Limit(low=0, high=255), Limit(low=1, high=65535)


class AFDOriginGroup(FrontDoorResource):
    token = "azure-native:cdn:AFDOriginGroup"
    id_format = ORIGIN_GROUP
    limits: ClassVar[Limits] = {
        "healthProbeSettings.probeIntervalInSeconds": Limit(low=1, high=255),
        "healthProbeSettings.probePath": ABSOLUTE_PATH,
        "loadBalancingSettings.additionalLatencyInMilliseconds": Limit(low=0, high=1000),
        "loadBalancingSettings.sampleSize": _SAMPLES,
        "loadBalancingSettings.successfulSamplesRequired": _SAMPLES,
        "originGroupName": name_limit(90),
        "trafficRestorationTimeToHealedOrNewEndpointsInMinutes": Limit(low=0, high=50),
    }
    needed = ("authentication.scope", "authentication.type", "loadBalancingSettings")
    route_input = "originGroup"
    defaults: ClassVar[Props] = {"sessionAffinityState": "Disabled"}

    def validate(self, write: Write) -> None:
        balancing = write.inputs["loadBalancingSettings"]
        wanted, of = balancing.get("successfulSamplesRequired"), balancing.get("sampleSize")
        if wanted is not None and of is not None and wanted > of:
            raise self.bad_request(
                f"'loadBalancingSettings.successfulSamplesRequired' cannot be {wanted}: at most "
                f"sampleSize, which is {of}"
            )
        signed = write.inputs.get("authentication")
        if signed is None:
            return
        wanted_identity = signed["type"].removesuffix("Identity")
        identity = (self.profile(write).get("identity") or {}).get("type", "None")
        if wanted_identity not in identity.split(","):
            raise self.bad_request(
                f"'authentication.type' is {signed['type']}, and the profile's identity is "
                f"'{identity}': give it one of type {wanted_identity}."
            )
        if wanted_identity == "UserAssigned" and not signed.get("userAssignedIdentity"):
            raise self.bad_request("'authentication.userAssignedIdentity' is missing.")


class AFDOrigin(FrontDoorResource):
    token = "azure-native:cdn:AFDOrigin"
    id_format = f"{ORIGIN_GROUP}/origins/{{originName}}"
    limits: ClassVar[Limits] = {
        "httpPort": _PORT,
        "httpsPort": _PORT,
        "originName": name_limit(90),
        "priority": Limit(low=1, high=5),
        "sharedPrivateLinkResource.requestMessage": Limit(
            pattern=r"(?s).{1,140}", rule="a text of 1 to 140 characters"
        ),
        "weight": Limit(low=1, high=1000),
    }
    needed = (
        "hostName",
        "sharedPrivateLinkResource.privateLink",
        "sharedPrivateLinkResource.privateLinkLocation",
        "sharedPrivateLinkResource.requestMessage",
    )
    defaults: ClassVar[Props] = {
        "enabledState": "Enabled",
        "enforceCertificateNameCheck": True,
        "httpPort": 80,
        "httpsPort": 443,
        "priority": 1,
        "weight": 1000,
    }

    def validate(self, write: Write) -> None:
        # An account's blob endpoint is a host in Azure, but an address with a path in Azurite.
        azurite, inputs = self.control_plane.azurite, write.inputs
        here = {azurite.endpoint(name)[len("http://") : -1] for name in write.content["accounts"]}
        for key in ("hostName", "originHostHeader"):
            if inputs.get(key) and inputs[key] not in here and not _is_host(inputs[key]):
                raise self.bad_request(
                    f"'{key}' cannot be '{inputs[key]}': a host name or an IP address, without "
                    "scheme, port and path."
                )
        if inputs.get("sharedPrivateLinkResource"):
            self._refuse_private_link(write)
        self._refuse_mixture(write)
        if inputs.get("enabledState") == "Disabled":
            self._refuse_last(write.content, write.resource_id)

    def validate_delete(self, content: Record, record: Record) -> None:
        self._refuse_last(content, record["id"])

    def _refuse_private_link(self, write: Write) -> None:
        link = write.inputs["sharedPrivateLinkResource"]
        if self.profile(write)["sku"]["name"] == STANDARD:
            raise self.bad_request(
                "'sharedPrivateLinkResource': private link is not supported by profiles of sku "
                f"{STANDARD}."
            )
        if write.inputs.get("enforceCertificateNameCheck") is False:
            raise self.bad_request("'enforceCertificateNameCheck' must be true with private link.")
        if region(link["privateLinkLocation"]) not in WITH_FRONT_DOOR_PRIVATE_LINK:
            # The message is the service's own (MicrosoftDocs/azure-docs#89239).
            raise self.bad_request(
                f'The location of the Private Link "{link["privateLinkLocation"]}" is invalid or '
                "not supported"
            )
        target = link["privateLink"].get("id") or ""
        path = "properties.sharedPrivateLinkResource.privateLink.id"
        check_reference(path, target, type_of(target))
        refuse_missing(write.content, target)
        is_account = type_of(target).lower() == "microsoft.storage/storageaccounts"
        if is_account and not link.get("groupId"):
            raise self.bad_request("'sharedPrivateLinkResource.groupId' is missing: blob or web.")

    def _refuse_mixture(self, write: Write) -> None:
        private = bool(write.inputs.get("sharedPrivateLinkResource"))
        for other in self.siblings(write):
            if bool(other.get("sharedPrivateLinkResource")) != private:
                raise self.bad_request(
                    "Origins with and without private link cannot be in one origin group: "
                    f"'{other['originName']}' is there already."
                )

    def _refuse_last(self, content: Record, resource_id: str) -> None:
        group = resource_id.rpartition("/origins/")[0]
        routes = records_of(content, ROUTES, profile_of(group))
        routed = {route["inputs"]["originGroup"]["id"].lower() for route in routes}
        if group.lower() in routed and not enabled_origins(content, group, but=resource_id):
            raise self.bad_request(
                "Cannot disable or delete the last origin when the origin group is still "
                "associated with a route or a rule. Please disassociate the origin group and try "
                "again."
            )


def enabled_origins(content: Record, group: str, but: str = "") -> list[Record]:
    """The enabled origins of a group."""
    return [
        origin
        for origin in records_of(content, AFDOrigin.arm_type, group)
        if origin["id"].lower() != but.lower()
        and origin["inputs"].get("enabledState") != "Disabled"
    ]


def _is_host(text: str) -> bool:
    if re.fullmatch(HOST, text):
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
