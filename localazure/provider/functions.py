"""azure-native's functions: what a program asks without declaring anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localazure.control_plane import SUBSCRIPTION, TENANT, ControlPlane
from localazure.provider.arm import made_up_guid
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
from localazure.provider.management_policy import ManagementPolicy
from localazure.provider.storage_account import StorageAccount
from localazure.values import Props


@dataclass(frozen=True)
class Function:
    """`call` takes the arguments, of which `required` are there."""

    required: tuple[str, ...]
    outputs: tuple[str, ...]
    call: Callable[[Props], Props]


def functions(control_plane: ControlPlane) -> dict[str, Function]:
    """Every function that the stand-in knows, by token."""
    account, service = StorageAccount(control_plane), BlobServiceProperties(control_plane)
    container, policy = BlobContainer(control_plane), ManagementPolicy(control_plane)
    named = ("accountName", "resourceGroupName")
    return {
        "azure-native:authorization:getClientConfig": Function(
            (), ("clientId", "objectId", "subscriptionId", "tenantId"), _client
        ),
        "azure-native:storage:getBlobContainer": Function(
            (*named, "containerName"),
            ("id", "name", "type", "publicAccess"),
            lambda asked: container.details(
                asked["resourceGroupName"], asked["accountName"], asked["containerName"]
            ),
        ),
        "azure-native:storage:getBlobServiceProperties": Function(
            (*named, "blobServicesName"),
            ("id", "name", "type", "cors"),
            lambda asked: service.details(asked["resourceGroupName"], asked["accountName"]),
        ),
        "azure-native:storage:getManagementPolicy": Function(
            (*named, "managementPolicyName"),
            ("id", "name", "type", "policy", "lastModifiedTime"),
            policy.details,
        ),
        "azure-native:storage:getStorageAccount": Function(
            named,
            ("id", "name", "type", "location", "primaryEndpoints"),
            lambda asked: account.details(asked["resourceGroupName"], asked["accountName"]),
        ),
        "azure-native:storage:listStorageAccountKeys": Function(
            named,
            ("keys",),
            lambda asked: account.keys(asked["resourceGroupName"], asked["accountName"]),
        ),
    }


def _client(_: Props) -> Props:
    return {
        "clientId": made_up_guid("client"),
        "objectId": made_up_guid("user"),
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    }
