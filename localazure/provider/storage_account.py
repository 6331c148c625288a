"""azure-native:storage:StorageAccount, and the keys that Azure lists for it."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import ControlPlane, Record, new_key, now
from localazure.errors import ArmError
from localazure.provider.account_rules import IMMUTABLE, LIMITS, NEEDED, refuse, refuse_change
from localazure.provider.arm import GROUP, account_id, id_part, with_principal
from localazure.provider.properties import Limits
from localazure.provider.records import forget, group_not_found, not_found, refuse_locked
from localazure.provider.regions import region
from localazure.provider.resource import Live, ResourceType, declared, value_at
from localazure.provider.resource_group import already_exists
from localazure.values import Props

ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"

# What accounts answer that cannot choose a tier.
_ACCESS_TIERS: dict[str, Props] = {"BlockBlobStorage": {"accessTier": "Premium"}, "Storage": {}}


class StorageAccount(ResourceType):
    token = "azure-native:storage:StorageAccount"
    id_format = ACCOUNT
    limits: ClassVar[Limits] = LIMITS
    needed = NEEDED
    immutable = IMMUTABLE
    invalid = "InvalidValuesForRequestParameters"

    def create(self, inputs: Props) -> Live:
        name, group = inputs["accountName"], inputs["resourceGroupName"]
        self.refuse_values(inputs)
        self.control_plane.start()  # an account that cannot be served is not stored
        with self.control_plane.change() as content:
            found_group = content["groups"].get(group.lower())
            if found_group is None:
                raise group_not_found(group)
            location = inputs.get("location") or found_group["location"]
            refuse(inputs, location, None)
            if name in content["accounts"]:
                if content["accounts"][name]["group"].lower() == group.lower():
                    raise already_exists(account_id(group, name))
                message = f"The storage account named {name} is already taken."
                raise ArmError(409, "StorageAccountAlreadyTaken", message)
            moment = now()
            content["accounts"][name] = {
                "group": found_group["name"],
                "keys": {"key1": new_key(), "key2": new_key()},
                "created": moment,
                "keyCreated": {"key1": moment, "key2": moment},
                "properties": _stored(inputs, location),
                "containers": {},
                "deleted": {},
            }
        return self.existing(account_id(group, name))

    def read(self, resource_id: str) -> Live | None:
        names = self.names(resource_id)
        account = self.control_plane.account(names["accountName"])
        if account is None or account["group"].lower() != names["resourceGroupName"].lower():
            return None
        return self._live(names["accountName"], account)

    def update(self, resource_id: str, inputs: Props) -> Live:
        name = id_part(resource_id, "storageAccounts")
        self.refuse_values(inputs)
        with self.control_plane.change() as content:
            account = content["accounts"][name]
            before = account["properties"]
            refuse_change(before, inputs)
            refuse({**self.names(resource_id), **inputs}, before["location"], before)
            account["properties"] = _stored(inputs, before["location"])
        self._apply_public_access(name)
        return self.existing(resource_id)

    def delete(self, resource_id: str) -> None:
        name = id_part(resource_id, "storageAccounts")
        if self.control_plane.account(name) is None:
            return
        blobs = self.control_plane.blobs(name)
        for container in blobs.container_names():
            blobs.delete_container(container)
        blobs.set_cors([])
        with self.control_plane.change() as content:
            content["accounts"].pop(name, None)
            forget(content, resource_id)

    def keys(self, group: str, name: str) -> Props:
        """listStorageAccountKeys: `{keys: [{keyName, value, permissions, creationTime}]}`.

        Not marked secret, since azure-native does not do it either: the program must.
        """
        resource_id = account_id(group, name)
        account = account_of(self.control_plane, resource_id)
        # To Azure, listing keys is a write: the keys permit writes.
        refuse_locked(self.control_plane.load(), resource_id, "write")
        return {
            "keys": [
                {
                    "keyName": key,
                    "value": value,
                    "permissions": "Full",
                    "creationTime": account["keyCreated"][key],
                }
                for key, value in account["keys"].items()
            ]
        }

    def _apply_public_access(self, name: str) -> None:
        """Apply the account's switch, which overrides its containers' levels, to Azurite."""
        account = self.control_plane.account(name)
        if account and account["containers"]:
            blobs = self.control_plane.blobs(name)
            for container in account["containers"]:
                blobs.set_level(container, effective_level(account, container))

    def _live(self, name: str, account: Record) -> Live:
        stored = account["properties"]
        endpoint = self.control_plane.azurite.endpoint
        extras: Props = {}
        if stored.get("identity"):
            extras["identity"] = with_principal(stored["identity"], name)
        if stored["sku"]["name"] in ("Standard_RAGRS", "Standard_RAGZRS"):
            # "Azure Storage redundancy": the account's name with a suffix. Azurite serves it too.
            extras["secondaryEndpoints"] = {"blob": endpoint(f"{name}-secondary")}
        outputs: Props = {
            **_ACCESS_TIERS.get(stored["kind"], {"accessTier": "Hot"}),
            "allowBlobPublicAccess": False,
            "allowCrossTenantReplication": False,
            "enableHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_0",  # the service's answer if none was set
            "privateEndpointConnections": [],
            "provisioningState": "Succeeded",
            "statusOfPrimary": "available",
            "tags": {},
            **stored,
            **extras,
            "encryption": _encryption(account["created"], stored.get("encryption") or {}),
            "networkRuleSet": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
                **(stored.get("networkRuleSet") or {}),
            },
            "sku": {**stored["sku"], "tier": stored["sku"]["name"].split("_")[0]},
            "creationTime": account["created"],
            "keyCreationTime": account["keyCreated"],
            "name": name,
            "primaryEndpoints": {"blob": endpoint(name)},
            "primaryLocation": stored["location"],
            "type": self.arm_type,
        }
        return Live(account_id(account["group"], name), outputs)


def effective_level(account: Record, container: str) -> str:
    """A container's public access level: its own if the account allows any."""
    allowed = account["properties"].get("allowBlobPublicAccess") is True
    return str(account["containers"][container]) if allowed else "None"


def has_versions(account: Record) -> bool:
    """Whether blobs have versions, which immutability for the whole account enables, too."""
    return bool(
        account.get("blobService", {}).get("isVersioningEnabled")
        or value_at(account["properties"], "immutableStorageWithVersioning.enabled")
    )


def account_of(control_plane: ControlPlane, resource_id: str) -> Record:
    """The account that an id is, or is below. Raises Azure's answer if it does not exist."""
    group, name = id_part(resource_id, "resourceGroups"), id_part(resource_id, "storageAccounts")
    account = control_plane.account(name)
    if account is None or account["group"].lower() != group.lower():
        raise not_found(account_id(group, name))
    return account


def _stored(inputs: Props, location: str) -> Props:
    left_out = ("accountName", "resourceGroupName")
    stored = {key: value for key, value in declared(inputs).items() if key not in left_out}
    return {**stored, "location": region(location)}


def _encryption(created: str, given: Props) -> Props:
    """The encryption that was declared, and that of blobs and files, which is always on."""
    asked = given.get("services") or {}
    services = {
        service: {
            "enabled": True,
            "keyType": "Account",
            "lastEnabledTime": created,
            **(asked.get(service) or {}),
        }
        for service in dict.fromkeys(["blob", "file", *asked])
    }
    return {"keySource": "Microsoft.Storage", **given, "services": services}
