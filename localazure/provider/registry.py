"""Every resource type of the stand-in, and the functions that a program calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localazure.control_plane import SUBSCRIPTION, TENANT, ControlPlane
from localazure.provider import (  # noqa: F401 - each adds its types
    app_service,
    authorization,
    diagnostic_setting,
    front_door,
    front_door_origins,
    front_door_routes,
    key_vault,
    private_network,
    resource_group,
)
from localazure.provider.arm import made_up_guid
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
from localazure.provider.management_policy import ManagementPolicy
from localazure.provider.resource import RESOURCE_TYPES, ResourceType
from localazure.provider.storage_account import StorageAccount
from localazure.values import Props

__all__ = ["RESOURCE_TYPES", "Function", "functions"]


@dataclass(frozen=True)
class Function:
    """`call` takes the arguments, which include those that are `required`."""

    required: tuple[str, ...]
    call: Callable[[Props], Props]


def functions(control_plane: ControlPlane) -> dict[str, Function]:
    """Every function that the stand-in knows, by token."""
    account = StorageAccount(control_plane)
    return {
        "azure-native:authorization:getClientConfig": Function((), _client),
        "azure-native:storage:getBlobContainer": _getter(BlobContainer(control_plane)),
        "azure-native:storage:getBlobServiceProperties": _getter(
            BlobServiceProperties(control_plane)
        ),
        "azure-native:storage:getManagementPolicy": _getter(ManagementPolicy(control_plane)),
        "azure-native:storage:getStorageAccount": _getter(account),
        "azure-native:storage:listStorageAccountKeys": Function(
            ("accountName", "resourceGroupName"),
            lambda asked: account.keys(asked["resourceGroupName"], asked["accountName"]),
        ),
    }


def _getter(kind: ResourceType) -> Function:
    """The function that reads a resource: its outputs and its id."""

    def call(asked: Props) -> Props:
        live = kind.existing(kind.resource_id(asked))
        return {**live.outputs, "id": live.id}

    return Function(tuple(kind.names_in_id()), call)


def _client(_: Props) -> Props:
    return {
        "clientId": made_up_guid("client"),
        "objectId": made_up_guid("user"),
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    }
