"""azure-native:storage:StorageAccount, and the keys that Azure lists for it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from localazure.cloud import Record, new_key, now
from localazure.errors import AzureError
from localazure.provider.arm import account_id, check_region, id_part, region
from localazure.provider.kinds import Kind, Live
from localazure.provider.resource_group import already_exists
from localazure.values import Props

NAME = re.compile(r"[a-z0-9]{3,24}")
SKUS = frozenset(
    [
        "Standard_LRS",
        "Standard_GRS",
        "Standard_RAGRS",
        "Standard_ZRS",
        "Standard_GZRS",
        "Standard_RAGZRS",
        "Premium_LRS",
        "Premium_ZRS",
        "StandardV2_LRS",
        "StandardV2_GRS",
        "StandardV2_ZRS",
        "StandardV2_GZRS",
    ]
)
KINDS = frozenset({"Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage"})


class StorageAccount(Kind):
    token: ClassVar[str] = "azure-native:storage:StorageAccount"
    arm_type: ClassVar[str] = "Microsoft.Storage/storageAccounts"
    name_input: ClassVar[str] = "accountName"
    autonamed: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("resourceGroupName", "sku", "kind")
    optional: ClassVar[tuple[str, ...]] = (
        "accessTier",
        "allowBlobPublicAccess",
        "allowCrossTenantReplication",
        "allowSharedKeyAccess",
        "allowedCopyScope",
        "azureFilesIdentityBasedAuthentication",
        "customDomain",
        "defaultToOAuthAuthentication",
        "dnsEndpointType",
        "enableExtendedGroups",
        "enableHttpsTrafficOnly",
        "enableNfsV3",
        "encryption",
        "extendedLocation",
        "identity",
        "immutableStorageWithVersioning",
        "isHnsEnabled",
        "isLocalUserEnabled",
        "isSftpEnabled",
        "keyPolicy",
        "largeFileSharesState",
        "location",
        "minimumTlsVersion",
        "networkRuleSet",
        "publicNetworkAccess",
        "routingPreference",
        "sasPolicy",
        "tags",
    )
    replaced_by: ClassVar[tuple[str, ...]] = (
        "accountName",
        "resourceGroupName",
        "location",
        "isHnsEnabled",
    )
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "creationTime",
        "keyCreationTime",
        "primaryEndpoints",
        "primaryLocation",
        "privateEndpointConnections",
        "provisioningState",
        "statusOfPrimary",
    )

    def resource_id(self, inputs: Props) -> str:
        return account_id(inputs["resourceGroupName"], inputs["accountName"])

    def create(self, inputs: Props) -> Live:
        name, group = inputs["accountName"], inputs["resourceGroupName"]
        _validate(inputs)
        with self.cloud.change() as content:
            found_group = content["groups"].get(group.lower())
            if found_group is None:
                raise group_not_found(group)
            if name in content["accounts"]:
                if content["accounts"][name]["group"].lower() == group.lower():
                    raise already_exists(account_id(group, name))
                raise AzureError(
                    409,
                    "StorageAccountAlreadyTaken",
                    f"The storage account named {name} is already taken.",
                )
            moment = now()
            content["accounts"][name] = {
                "group": found_group["name"],
                "keys": {"key1": new_key(), "key2": new_key()},
                "created": moment,
                "keyCreated": {"key1": moment, "key2": moment},
                "properties": _stored(inputs, inputs.get("location") or found_group["location"]),
                "containers": {},
                "deleted": {},
            }
        self.cloud.azurite.start()
        return self._live(name)

    def read(self, resource_id: str) -> Live | None:
        name = id_part(resource_id, "storageAccounts")
        return self._live(name) if self.cloud.account(name) else None

    def update(self, resource_id: str, inputs: Props) -> Live:
        name = id_part(resource_id, "storageAccounts")
        _validate(inputs)
        with self.cloud.change() as content:
            account = content["accounts"][name]
            account["properties"] = _stored(inputs, account["properties"]["location"])
        self._apply_public_access(name)
        return self._live(name)

    def delete(self, resource_id: str) -> None:
        name = id_part(resource_id, "storageAccounts")
        if self.cloud.account(name) is None:
            return
        blobs = self.cloud.blobs(name)
        for container in blobs.container_names():
            blobs.delete_container(container)
        blobs.set_cors([])
        with self.cloud.change() as content:
            content["accounts"].pop(name, None)

    def keys(self, group: str, name: str) -> Props:
        """listStorageAccountKeys: `{keys: [{keyName, value, permissions, creationTime}]}`.

        Not marked secret, as azure-native does not either: the program has to.
        """
        account = self.cloud.account(name)
        if account is None or account["group"].lower() != group.lower():
            raise account_not_found(group, name)
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
        """The account's switch overrides its containers' levels, in both directions."""
        account = self.cloud.account(name)
        if account and account["containers"]:
            blobs = self.cloud.blobs(name)
            for container in account["containers"]:
                blobs.set_level(container, effective_level(account, container))

    def _live(self, name: str) -> Live:
        account = self.cloud.account(name)
        if account is None:
            raise AzureError(404, "ResourceNotFound", f"The storage account {name} was not found.")
        stored = account["properties"]
        outputs: Props = {
            "accessTier": "Hot",
            "allowBlobPublicAccess": False,
            "allowCrossTenantReplication": False,
            "enableHttpsTrafficOnly": True,
            "encryption": _encryption(account["created"]),
            "minimumTlsVersion": "TLS1_0",  # what the service answers where nothing was asked for
            "networkRuleSet": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
            },
            "privateEndpointConnections": [],
            "provisioningState": "Succeeded",
            "statusOfPrimary": "available",
            "tags": {},
            **stored,
            "sku": {**stored["sku"], "tier": stored["sku"]["name"].split("_")[0]},
            "creationTime": account["created"],
            "keyCreationTime": account["keyCreated"],
            "name": name,
            "primaryEndpoints": {"blob": self.cloud.azurite.endpoint(name)},
            "primaryLocation": stored["location"],
            "type": self.arm_type,
        }
        return Live(account_id(account["group"], name), outputs)


def effective_level(account: Record, container: str) -> str:
    """The level at which a container can be read: its own, if the account allows any."""
    allowed = account["properties"].get("allowBlobPublicAccess") is True
    return str(account["containers"][container]) if allowed else "None"


def group_not_found(group: str) -> AzureError:
    return AzureError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def account_not_found(group: str, name: str) -> AzureError:
    return AzureError(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.Storage/storageAccounts/{name}' under resource group '{group}' "
        "was not found.",
    )


def _stored(inputs: Props, location: str) -> Props:
    left_out = {"accountName", "resourceGroupName"}
    stored: dict[str, Any] = {
        key: value
        for key, value in inputs.items()
        if key not in left_out and not key.startswith("__") and value is not None
    }
    return {**stored, "location": region(location)}


def _encryption(created: str) -> Props:
    service = {"enabled": True, "keyType": "Account", "lastEnabledTime": created}
    return {"keySource": "Microsoft.Storage", "services": {"blob": service, "file": dict(service)}}


def _validate(inputs: Props) -> None:
    name, sku, kind = inputs["accountName"], inputs["sku"].get("name"), inputs["kind"]
    if not NAME.fullmatch(name):
        raise AzureError(
            400,
            "AccountNameInvalid",
            f"{name} is not a valid storage account name. Storage account name must be between 3 "
            "and 24 characters in length and use numbers and lower-case letters only.",
        )
    if sku not in SKUS:
        raise AzureError(400, "InvalidValuesForRequestParameters", f"'sku.name' cannot be '{sku}'.")
    if kind not in KINDS:
        raise AzureError(400, "InvalidValuesForRequestParameters", f"'kind' cannot be '{kind}'.")
    if inputs.get("minimumTlsVersion") not in (None, "TLS1_0", "TLS1_1", "TLS1_2"):
        raise AzureError(
            400,
            "InvalidValuesForRequestParameters",
            f"'minimumTlsVersion' cannot be '{inputs['minimumTlsVersion']}': TLS1_0 to TLS1_2.",
        )
    if inputs.get("location") is not None:
        check_region(inputs["location"])
