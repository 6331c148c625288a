"""azure-native:web: App Service's plan and web app, and what belongs to a web app."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import SUBSCRIPTION, Record
from localazure.errors import conflict
from localazure.provider.arm import GROUP, check_reference, id_part, refuse_identity
from localazure.provider.authorization import IDENTITY, principal
from localazure.provider.control_plane_resource import ControlPlaneResource, Write
from localazure.provider.private_network import SUBNET
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import record_of, records_of, refuse_missing
from localazure.values import UNKNOWN, Props

PLAN = "Microsoft.Web/serverfarms"
APP = "Microsoft.Web/sites"
_APP = f"{GROUP}/providers/{APP}/{{name}}"
# Sizes that offer neither "Always On" nor network integration ("Azure subscription and service
# limits", App Service).
SHARED = ("F1", "D1")
SIZES = (
    *SHARED,
    *("B1", "B2", "B3", "S1", "S2", "S3", "P1v2", "P2v2", "P3v2", "P0v3", "P1v3", "P2v3", "P3v3"),
    *("P1mv3", "P2mv3", "P3mv3", "P4mv3", "P5mv3", "P0v4", "P1v4", "P2v4", "P3v4"),
)
# `az webapp list-runtimes --os linux`.
RUNTIMES = ("PYTHON|3.10", "PYTHON|3.11", "PYTHON|3.12", "PYTHON|3.13", "PYTHON|3.14")


class AppServicePlan(ControlPlaneResource):
    token = "azure-native:web:AppServicePlan"
    id_format = f"{GROUP}/providers/{PLAN}/{{name}}"
    limits: ClassVar[Limits] = {
        "name": Limit(pattern=r"[\w-]{1,60}", rule="1 to 60 letters, digits and hyphens"),
        "sku.name": Limit(values=SIZES),
    }
    needed = ("sku", "sku.name")
    immutable = ("reserved",)

    def validate(self, write: Write) -> None:
        if write.inputs.get("reserved") and write.inputs["sku"]["name"] == "D1":
            raise conflict("The shared size D1 is for Windows only.")

    def validate_delete(self, content: Record, record: Record) -> None:
        for app in records_of(content, APP):
            if app["inputs"]["serverFarmId"].lower() == record["id"].lower():
                raise conflict(
                    "Server farm cannot be deleted because it has web app(s) "
                    f"{app['id'].rpartition('/')[2]} assigned to it."
                )

    def answers(self, content: Record, record: Record) -> Props:
        plan = record["id"].lower()
        apps = [app["inputs"]["serverFarmId"].lower() for app in records_of(content, APP)]
        return {
            "geoRegion": record["inputs"]["location"],
            "maximumNumberOfWorkers": 10,
            "numberOfSites": apps.count(plan),
            "numberOfWorkers": 1,
            "resourceGroup": id_part(record["id"], "resourceGroups"),
            "status": "Ready",
            "subscription": SUBSCRIPTION,
        }


class WebApp(ControlPlaneResource):
    token = "azure-native:web:WebApp"
    id_format = _APP
    limits: ClassVar[Limits] = {
        "name": Limit(
            pattern=r"(?=.{2,60}\Z)[A-Za-z0-9]+(-+[A-Za-z0-9]+)*",
            rule="2 to 60 letters, digits and hyphens, the first and the last no hyphen",
        ),
        "siteConfig.healthCheckPath": Limit(
            pattern="(/.*)?", rule="a path, which begins with '/', or nothing"
        ),
        "siteConfig.linuxFxVersion": Limit(values=RUNTIMES),
    }
    needed = ("serverFarmId",)

    def validate(self, write: Write) -> None:
        inputs = write.inputs
        config, identity = inputs.get("siteConfig") or {}, inputs.get("identity") or {}
        check_reference("properties.serverFarmId", inputs["serverFarmId"], PLAN)
        refuse_missing(write.content, inputs["serverFarmId"])
        plan = record_of(write.content, inputs["serverFarmId"])
        size = plan["inputs"]["sku"]["name"] if plan else ""
        if config.get("alwaysOn") and size in SHARED:
            raise conflict("AlwaysOn cannot be set for this site as the plan does not allow it.")
        refuse_identity(identity)
        assigned = identity.get("userAssignedIdentities") or []
        for one in assigned:
            check_reference("identity.userAssignedIdentities", one, IDENTITY)
            refuse_missing(write.content, one)
        reader = inputs.get("keyVaultReferenceIdentity")
        if reader not in (None, "SystemAssigned", *assigned):
            raise self.bad_request(
                f"KeyVaultReferenceIdentity '{reader}' is not assigned to the site."
            )
        subnet = inputs.get("virtualNetworkSubnetId")
        if subnet:
            check_reference("properties.virtualNetworkSubnetId", subnet, SUBNET)
            if size in SHARED:
                raise conflict(f"A plan of size {size} has no virtual network integration.")

    def previewed(self, inputs: Props, old: Props) -> Props:
        outputs = super().previewed(inputs, old)
        identity = outputs.get("identity")
        if isinstance(identity, dict) and identity.get("userAssignedIdentities"):
            # A list of ids in the inputs, an object with more about each in the outputs.
            outputs["identity"] = {**identity, "userAssignedIdentities": UNKNOWN}
        return outputs

    def answers(self, content: Record, record: Record) -> Props:
        host = f"{record['id'].rpartition('/')[2].lower()}.azurewebsites.net"
        plan = record_of(content, record["inputs"]["serverFarmId"])
        answers: Props = {
            "availabilityState": "Normal",
            "defaultHostName": host,
            "enabledHostNames": [host, host.replace(".", ".scm.", 1)],
            "hostNames": [host],
            "inProgressOperationId": "",
            "isDefaultContainer": False,
            "lastModifiedTimeUtc": "",
            "maxNumberOfWorkers": 0,
            "outboundIpAddresses": "203.0.113.20",
            "possibleOutboundIpAddresses": "203.0.113.20,203.0.113.21",
            "repositorySiteName": record["id"].rpartition("/")[2],
            "resourceGroup": id_part(record["id"], "resourceGroups"),
            "sku": plan["inputs"]["sku"]["name"] if plan else "",
            "slotSwapStatus": {},
            "state": "Running",
            "suspendedTill": "",
            "targetSwapSlot": "",
            "trafficManagerHostNames": [],
            "usageState": "Normal",
        }
        identity = record["inputs"].get("identity") or {}
        if identity.get("userAssignedIdentities"):
            named = {one: principal(one) for one in identity["userAssignedIdentities"]}
            answers["identity"] = {**identity, "userAssignedIdentities": named}
        return answers


# Parts of a web app, which exist as long as the app does; `name` is the app's.
class WebAppApplicationSettings(ControlPlaneResource):
    token = "azure-native:web:WebAppApplicationSettings"
    id_format = f"{_APP}/config/appsettings"

    def validate(self, write: Write) -> None:
        """ "Configure an App Service app": the names that Linux takes."""
        for name in write.inputs.get("properties") or {}:
            if not all(part.isalnum() and part.isascii() for part in name.split("_") if part):
                raise self.bad_request(
                    f"AppSetting with name '{name}' is not allowed: letters, digits and '_'."
                )


class WebAppFtpAllowed(ControlPlaneResource):
    token = "azure-native:web:WebAppFtpAllowed"
    id_format = f"{_APP}/basicPublishingCredentialsPolicies/ftp"


class WebAppScmAllowed(ControlPlaneResource):
    token = "azure-native:web:WebAppScmAllowed"
    id_format = f"{_APP}/basicPublishingCredentialsPolicies/scm"
