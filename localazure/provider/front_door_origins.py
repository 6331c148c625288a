"""azure-native:cdn: AFDOriginGroup and AFDOrigin, where Front Door fetches from."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar

from localazure.control_plane import Record
from localazure.provider.arm import check_reference, region, type_of
from localazure.provider.front_door import (
    DEPLOYED,
    HOST,
    NESTED,
    PROFILE,
    ROUTES,
    STANDARD,
    FrontDoorResource,
    name_of,
    profile_of,
    refuse_in_use,
)
from localazure.provider.records import records_of, refuse_missing
from localazure.provider.rules import ENABLED, FLAG, REFERENCE, TEXT, Number, Object, Text
from localazure.values import Props

# "Secure your Origin with Private Link in Azure Front Door Premium", region availability.
PRIVATE_LINK_REGIONS = frozenset(
    """
    australiaeast brazilsouth canadacentral centralindia centralus eastasia eastus eastus2
    francecentral germanywestcentral japaneast koreacentral northeurope norwayeast southafricanorth
    southcentralus southeastasia swedencentral uaenorth uksouth westeurope westus2 westus3
    """.split()  # noqa: SIM905
)
ORIGIN_GROUP = f"{PROFILE}/originGroups/{{originGroupName}}"


class AFDOriginGroup(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:AFDOriginGroup"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/originGroups"
    id_format: ClassVar[str] = ORIGIN_GROUP
    name_input: ClassVar[str] = "originGroupName"
    shape: ClassVar[Object] = Object(
        {
            "authentication": Object(
                {
                    "scope": TEXT,
                    "type": Text(("SystemAssignedIdentity", "UserAssignedIdentity")),
                    "userAssignedIdentity": REFERENCE,
                },
                needed=("scope", "type"),
            ),
            "healthProbeSettings": Object(
                {
                    "probeIntervalInSeconds": Number(1, 255),
                    "probePath": Text(pattern=r"/.*", rule="a path, which begins with '/'"),
                    "probeProtocol": Text(("NotSet", "Http", "Https")),
                    "probeRequestType": Text(("NotSet", "GET", "HEAD")),
                }
            ),
            "loadBalancingSettings": Object(
                {
                    "additionalLatencyInMilliseconds": Number(0, 1000),
                    "sampleSize": Number(0, 255),
                    "successfulSamplesRequired": Number(0, 255),
                }
            ),
            "originGroupName": name_of(90),
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "sessionAffinityState": ENABLED,
            "trafficRestorationTimeToHealedOrNewEndpointsInMinutes": Number(0, 50),
        },
        required=NESTED,
        needed=("loadBalancingSettings",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("originGroupName", *NESTED)
    defaults: ClassVar[Props] = {"sessionAffinityState": "Disabled"}

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        balancing = inputs["loadBalancingSettings"]
        wanted, of = balancing.get("successfulSamplesRequired"), balancing.get("sampleSize")
        if wanted is not None and of is not None and wanted > of:
            raise self.bad_request(
                f"'loadBalancingSettings.successfulSamplesRequired' cannot be {wanted}: at most "
                f"sampleSize, which is {of}"
            )
        signed = inputs.get("authentication")
        if signed is None:
            return
        wanted_identity = signed["type"].removesuffix("Identity")
        identity = (self.profile(content, resource_id).get("identity") or {}).get("type", "None")
        if wanted_identity not in identity.split(","):
            raise self.bad_request(
                f"'authentication.type' is {signed['type']}, and the profile's identity is "
                f"'{identity}': give it one of type {wanted_identity}."
            )
        if wanted_identity == "UserAssigned" and not signed.get("userAssignedIdentity"):
            raise self.bad_request("'authentication.userAssignedIdentity' is missing.")

    def validate_delete(self, content: Record, record: Record) -> None:
        refuse_in_use(content, record, "originGroup")


class AFDOrigin(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:AFDOrigin"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/originGroups/origins"
    id_format: ClassVar[str] = f"{ORIGIN_GROUP}/origins/{{originName}}"
    name_input: ClassVar[str] = "originName"
    shape: ClassVar[Object] = Object(
        {
            "azureOrigin": REFERENCE,
            "enabledState": ENABLED,
            "enforceCertificateNameCheck": FLAG,
            "hostName": TEXT,
            "httpPort": Number(1, 65535),
            "httpsPort": Number(1, 65535),
            "originGroupName": TEXT,
            "originHostHeader": TEXT,
            "originName": name_of(90),
            "priority": Number(1, 5),
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "sharedPrivateLinkResource": Object(
                {
                    "groupId": TEXT,
                    "privateLink": REFERENCE,
                    "privateLinkLocation": TEXT,
                    "requestMessage": Text(
                        pattern=r"(?s).{1,140}", rule="a text of 1 to 140 characters"
                    ),
                    "status": TEXT,
                },
                needed=("privateLink", "privateLinkLocation", "requestMessage"),
            ),
            "weight": Number(1, 1000),
        },
        required=("originGroupName", *NESTED),
        needed=("hostName",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("originGroupName", "originName", *NESTED)
    computed: ClassVar[tuple[str, ...]] = DEPLOYED
    echoed: ClassVar[tuple[str, ...]] = ("originGroupName",)
    defaults: ClassVar[Props] = {
        "enabledState": "Enabled",
        "enforceCertificateNameCheck": True,
        "httpPort": 80,
        "httpsPort": 443,
        "priority": 1,
        "weight": 1000,
    }

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        # In Azure an account's blob host is a host; here it is Azurite's address, and a path.
        azurite = self.control_plane.azurite
        here = {azurite.endpoint(name)[len("http://") : -1] for name in content["accounts"]}
        for key in ("hostName", "originHostHeader"):
            if inputs.get(key) and inputs[key] not in here and not _is_host(inputs[key]):
                raise self.bad_request(
                    f"'{key}' cannot be '{inputs[key]}': a host name or an IP address, without "
                    "scheme, port and path."
                )
        if inputs.get("sharedPrivateLinkResource"):
            self._refuse_private_link(content, resource_id, inputs)
        self._refuse_mixture(content, resource_id, inputs)
        if inputs.get("enabledState") == "Disabled":
            self._refuse_last(content, resource_id)

    def validate_delete(self, content: Record, record: Record) -> None:
        self._refuse_last(content, record["id"])

    def _refuse_private_link(self, content: Record, resource_id: str, inputs: Props) -> None:
        link = inputs["sharedPrivateLinkResource"]
        if self.profile(content, resource_id)["sku"]["name"] == STANDARD:
            raise self.bad_request(
                "'sharedPrivateLinkResource': private link is not supported by profiles of sku "
                f"{STANDARD}."
            )
        if inputs.get("enforceCertificateNameCheck") is False:
            raise self.bad_request(
                "'enforceCertificateNameCheck' has to be true where private link is used."
            )
        if region(link["privateLinkLocation"]) not in PRIVATE_LINK_REGIONS:
            # The message is the service's own (MicrosoftDocs/azure-docs#89239).
            raise self.bad_request(
                f'The location of the Private Link "{link["privateLinkLocation"]}" is invalid or '
                "not supported"
            )
        target = link["privateLink"].get("id") or ""
        path = "properties.sharedPrivateLinkResource.privateLink.id"
        check_reference(path, target, type_of(target))
        refuse_missing(content, target)
        if type_of(target).lower() == "microsoft.storage/storageaccounts" and not link.get(
            "groupId"
        ):
            raise self.bad_request("'sharedPrivateLinkResource.groupId' is missing: blob or web.")

    def _refuse_mixture(self, content: Record, resource_id: str, inputs: Props) -> None:
        private = bool(inputs.get("sharedPrivateLinkResource"))
        for other in self.siblings(content, resource_id, resource_id.rpartition("/origins/")[0]):
            if bool(other.get("sharedPrivateLinkResource")) != private:
                raise self.bad_request(
                    "Origins with and without private link cannot be in one origin group: "
                    f"'{other['originName']}' is there already."
                )

    def _refuse_last(self, content: Record, resource_id: str) -> None:
        group = resource_id.rpartition("/origins/")[0]
        if enabled_origins(content, group, but=resource_id) or not self._is_routed(content, group):
            return
        raise self.bad_request(
            "Cannot disable or delete the last origin when the origin group is still associated "
            "with a route or a rule. Please disassociate the origin group and try again."
        )

    def _is_routed(self, content: Record, group: str) -> bool:
        routes = records_of(content, ROUTES, profile_of(group))
        return any(r["inputs"]["originGroup"]["id"].lower() == group.lower() for r in routes)


def enabled_origins(content: Record, group: str, but: str = "") -> list[Record]:
    """The origins of a group that can be fetched from."""
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
