"""Every resource type of the stand-in."""

from __future__ import annotations

from localazure.provider import (  # noqa: F401 - each adds its types
    app_service,
    authorization,
    blob_container,
    blob_service,
    diagnostic_setting,
    front_door,
    front_door_origins,
    front_door_routes,
    key_vault,
    managed_identity,
    management_policy,
    private_dns,
    private_endpoint,
    resource_group,
    storage_account,
)
from localazure.provider.resource import RESOURCE_TYPES

__all__ = ["RESOURCE_TYPES"]
