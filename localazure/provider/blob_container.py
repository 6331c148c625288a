"""azure-native:storage:BlobContainer."""

from __future__ import annotations

import re
import time
from typing import ClassVar

from localazure.control_plane import Record, being_deleted
from localazure.errors import ArmError
from localazure.provider.arm import account_id, id_part
from localazure.provider.records import forget
from localazure.provider.resource import Live, ResourceType
from localazure.provider.resource_group import already_exists
from localazure.provider.rules import FLAG, OPAQUE, TAGS, TEXT, Object
from localazure.provider.storage_account import ACCOUNT, account_not_found, effective_level
from localazure.values import Props

LEVELS = ("None", "Blob", "Container")
# "Naming and Referencing Containers, Blobs, and Metadata": 3 to 63, each hyphen between others.
NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")


class BlobContainer(ResourceType):
    token: ClassVar[str] = "azure-native:storage:BlobContainer"
    arm_type: ClassVar[str] = "Microsoft.Storage/storageAccounts/blobServices/containers"
    id_format: ClassVar[str] = f"{ACCOUNT}/blobServices/default/containers/{{containerName}}"
    name_input: ClassVar[str] = "containerName"
    shape: ClassVar[Object] = Object(
        {
            "accountName": TEXT,
            "containerName": TEXT,
            "defaultEncryptionScope": TEXT,
            "denyEncryptionScopeOverride": FLAG,
            "enableNfsV3AllSquash": FLAG,
            "enableNfsV3RootSquash": FLAG,
            "immutableStorageWithVersioning": OPAQUE,
            "metadata": TAGS,
            "publicAccess": TEXT,
            "resourceGroupName": TEXT,
        },
        required=("accountName", "resourceGroupName"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("accountName", "resourceGroupName", "containerName")
    computed: ClassVar[tuple[str, ...]] = (
        "name",
        "type",
        "deleted",
        "etag",
        "hasImmutabilityPolicy",
        "hasLegalHold",
        "lastModifiedTime",
        "leaseState",
        "leaseStatus",
        "legalHold",
        "remainingRetentionDays",
    )

    def create(self, inputs: Props) -> Live:
        group, name = inputs["resourceGroupName"], inputs["accountName"]
        container, level = inputs["containerName"], inputs.get("publicAccess") or "None"
        account = self.control_plane.account(name)
        if account is None or account["group"].lower() != group.lower():
            raise account_not_found(group, name)
        if not NAME.fullmatch(container):
            raise ArmError(
                400,
                "InvalidResourceName",
                f"The specified resource name contains invalid characters: '{container}'. "
                "A container's name has 3 to 63 lower-case letters, digits and single hyphens.",
            )
        _validate_level(account, level)
        if being_deleted(account, container):
            raise ArmError(
                409,
                "ContainerBeingDeleted",
                "The specified container is being deleted. Try operation later.",
            )
        blobs = self.control_plane.blobs(name)
        if blobs.container(container) is not None:
            raise already_exists(self.resource_id(inputs))
        blobs.create_container(container, level)
        self._remember(name, container, level)
        return self._live(self.resource_id(inputs))

    def read(self, resource_id: str) -> Live | None:
        name, container = _names(resource_id)
        account = self.control_plane.account(name)
        if account is None:
            return None
        found = self.control_plane.blobs(name).container(container)
        if found is None:
            return None
        declared = account["containers"].get(container, found["publicAccess"])
        # While the account forbids public access a container keeps the level that it was given.
        hidden = (
            container in account["containers"] and effective_level(account, container) == "None"
        )
        outputs: Props = {
            "defaultEncryptionScope": "$account-encryption-key",
            "deleted": False,
            "denyEncryptionScopeOverride": False,
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
            "legalHold": {"hasLegalHold": False, "tags": []},
            "name": container,
            "remainingRetentionDays": 0,
            "type": self.arm_type,
            **found,
        }
        if hidden and found["publicAccess"] == "None":
            outputs["publicAccess"] = declared
        return Live(_container_id(account["group"], name, container), outputs)

    def details(self, group: str, account: str, name: str) -> Props:
        """getBlobContainer: the outputs, and the id."""
        found = self.control_plane.account(account)
        if found is None or found["group"].lower() != group.lower():
            raise account_not_found(group, account)
        live = self._live(_container_id(group, account, name))
        return {**live.outputs, "id": live.id}

    def update(self, resource_id: str, inputs: Props) -> Live:
        name, container = _names(resource_id)
        account, level = self.control_plane.account(name), inputs.get("publicAccess") or "None"
        if account is None:
            raise account_not_found(id_part(resource_id, "resourceGroups"), name)
        _validate_level(account, level)
        self.control_plane.blobs(name).set_level(container, level)
        self._remember(name, container, level)
        return self._live(resource_id)

    def delete(self, resource_id: str) -> None:
        name, container = _names(resource_id)
        account = self.control_plane.account(name)
        if account is None:
            return
        self.control_plane.blobs(name).delete_container(container)
        with self.control_plane.change() as content:
            content["accounts"][name]["containers"].pop(container, None)
            content["accounts"][name]["deleted"][container] = time.time()
            forget(content, resource_id)

    def _remember(self, name: str, container: str, level: str) -> None:
        with self.control_plane.change() as content:
            content["accounts"][name]["containers"][container] = level
            content["accounts"][name]["deleted"].pop(container, None)

    def _live(self, resource_id: str) -> Live:
        live = self.read(resource_id)
        if live is None:
            raise ArmError(404, "ContainerNotFound", "The specified container does not exist.")
        return live


def _container_id(group: str, account: str, container: str) -> str:
    return f"{account_id(group, account)}/blobServices/default/containers/{container}"


def _names(resource_id: str) -> tuple[str, str]:
    """The account's and the container's name out of the container's id."""
    return id_part(resource_id, "storageAccounts"), id_part(resource_id, "containers")


def _validate_level(account: Record, level: str) -> None:
    if level not in LEVELS:
        raise ArmError(
            400, "InvalidValuesForRequestParameters", f"'publicAccess' cannot be '{level}'."
        )
    if level != "None" and account["properties"].get("allowBlobPublicAccess") is not True:
        raise ArmError(
            409,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
        )
