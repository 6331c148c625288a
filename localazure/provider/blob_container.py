"""azure-native:storage:BlobContainer."""

from __future__ import annotations

import time
from typing import ClassVar

from localazure.control_plane import Record, being_deleted
from localazure.errors import ArmError
from localazure.provider.arm import id_part
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import forget
from localazure.provider.resource import Live, ResourceType, value_at
from localazure.provider.resource_group import already_exists
from localazure.provider.storage_account import (
    ACCOUNT,
    account_of,
    effective_level,
    has_versions,
)
from localazure.values import Props

# Declared properties without an effect in Azurite.
SETTINGS = (
    "defaultEncryptionScope",
    "denyEncryptionScopeOverride",
    "enableNfsV3AllSquash",
    "enableNfsV3RootSquash",
    "immutableStorageWithVersioning",
    "metadata",
)
_DEFAULTS: Props = {
    "defaultEncryptionScope": "$account-encryption-key",
    "denyEncryptionScopeOverride": False,
}


class BlobContainer(ResourceType):
    token = "azure-native:storage:BlobContainer"
    id_format = f"{ACCOUNT}/blobServices/default/containers/{{containerName}}"
    limits: ClassVar[Limits] = {
        "containerName": Limit(
            # "Naming and Referencing Containers, Blobs, and Metadata"
            pattern=r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web",
            rule="3 to 63 lower-case letters, digits and single hyphens between them",
            code="InvalidResourceName",
        )
    }
    invalid = "InvalidValuesForRequestParameters"

    def create(self, inputs: Props) -> Live:
        name, container = inputs["accountName"], inputs["containerName"]
        level, resource_id = inputs.get("publicAccess") or "None", self.resource_id(inputs)
        account = account_of(self.control_plane, resource_id)
        self.refuse_values(inputs)
        _validate_level(account, level)
        _validate_settings(account, inputs)
        if being_deleted(account, container):
            message = "The specified container is being deleted. Try operation later."
            raise ArmError(409, "ContainerBeingDeleted", message)
        blobs = self.control_plane.blobs(name)
        if blobs.container(container) is not None:
            raise already_exists(resource_id)
        blobs.create_container(container, level)
        self._store(name, container, inputs)
        return self.existing(resource_id)

    def read(self, resource_id: str) -> Live | None:
        name, container = _names(resource_id)
        account = self.control_plane.account(name)
        if account is None:
            return None
        found = self.control_plane.blobs(name).container(container)
        if found is None:
            return None
        outputs: Props = {
            **_DEFAULTS,
            "deleted": False,
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "legalHold": {"hasLegalHold": False, "tags": []},
            "name": container,
            "remainingRetentionDays": 0,
            "type": self.arm_type,
            **_settings(account, container),
            **found,
        }
        # While the account forbids public access, a container keeps its declared level.
        declared = account["containers"].get(container)
        if declared and found["publicAccess"] == effective_level(account, container) == "None":
            outputs["publicAccess"] = declared
        names = {"resourceGroupName": account["group"], "accountName": name}
        return Live(self.resource_id({**names, "containerName": container}), outputs)

    def update(self, resource_id: str, inputs: Props) -> Live:
        name, container = _names(resource_id)
        account = account_of(self.control_plane, resource_id)
        level = inputs.get("publicAccess") or "None"
        self.refuse_values(inputs)
        _validate_level(account, level)
        _refuse_change(_settings(account, container), inputs)
        self.control_plane.blobs(name).set_level(container, level)
        self._store(name, container, inputs)
        return self.existing(resource_id)

    def delete(self, resource_id: str) -> None:
        name, container = _names(resource_id)
        account = self.control_plane.account(name)
        if account is None:
            return
        self.control_plane.blobs(name).delete_container(container)
        with self.control_plane.change() as content:
            content["accounts"][name]["containers"].pop(container, None)
            content["accounts"][name].get("containerSettings", {}).pop(container, None)
            content["accounts"][name]["deleted"][container] = time.time()
            forget(content, resource_id)

    def _store(self, name: str, container: str, inputs: Props) -> None:
        with self.control_plane.change() as content:
            account = content["accounts"][name]
            account["containers"][container] = inputs.get("publicAccess") or "None"
            account["deleted"].pop(container, None)
            settings = {key: inputs[key] for key in SETTINGS if inputs.get(key) is not None}
            if settings:
                account.setdefault("containerSettings", {})[container] = settings

    def not_found(self, resource_id: str) -> ArmError:
        account_of(self.control_plane, resource_id)
        return ArmError(404, "ContainerNotFound", "The specified container does not exist.")


def _names(resource_id: str) -> tuple[str, str]:
    """The account's and the container's name out of the container's id."""
    return id_part(resource_id, "storageAccounts"), id_part(resource_id, "containers")


def _validate_level(account: Record, level: str) -> None:
    if level != "None" and account["properties"].get("allowBlobPublicAccess") is not True:
        message = "Public access is not permitted on this storage account."
        raise ArmError(409, "PublicAccessNotPermitted", message)


def _settings(account: Record, container: str) -> Props:
    stored: Props = account.get("containerSettings", {}).get(container, {})
    return stored


def _validate_settings(account: Record, inputs: Props) -> None:
    """Encryption scopes: the answer in pulumi/pulumi-azure-nextgen#222. Immutable versions:
    "Version-level WORM policies for immutable blob data", version dependency."""
    if len([key for key in _DEFAULTS if inputs.get(key) is not None]) == 1:
        raise _operation_failure(
            "Container encryption policy missing header: x-ms-default-encryption-scope and "
            "x-ms-deny-encryption-scope-override are required."
        )
    if value_at(inputs, "immutableStorageWithVersioning.enabled") and not has_versions(account):
        raise ArmError(
            409,
            "FeatureNotSupportedForAccount",
            "Immutable storage with versioning is not supported for the account: enable blob "
            "versioning first.",
        )


def _refuse_change(stored: Props, inputs: Props) -> None:
    """What a container keeps for life: "Create and manage encryption scopes", and the API's
    reference on immutableStorageWithVersioning."""
    for path in (*_DEFAULTS, "immutableStorageWithVersioning.enabled"):
        wanted, default = value_at(inputs, path), _DEFAULTS.get(path, False)
        if wanted is not None and wanted != (value_at(stored, path) or default):
            raise _operation_failure(
                f"The property '{path.partition('.')[0]}' cannot be changed after the container "
                "was created."
            )


def _operation_failure(message: str) -> ArmError:
    return ArmError(400, "ContainerOperationFailure", message)
