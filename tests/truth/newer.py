"""Microsoft's models of properties that are newer than the pinned azure-mgmt packages.

azure-mgmt-cdn 13.1.1 is the last release that carries validation, and has API version 2024-02-01;
azure-native uses 2025-06-01. This module adds what the program declares of the difference, as
azure-rest-api-specs has it in Microsoft.Cdn 2025-06-01.
"""

from __future__ import annotations

import enum
from typing import Any

from azure.mgmt.cdn import models as cdn


class OriginAuthenticationType(enum.StrEnum):
    SYSTEM_ASSIGNED_IDENTITY = "SystemAssignedIdentity"
    USER_ASSIGNED_IDENTITY = "UserAssignedIdentity"


class OriginAuthenticationProperties(cdn.ResourceReference):
    """How Front Door signs in to the origins of a group."""

    _attribute_map: dict[str, Any] = {  # noqa: RUF012 - as the base has it
        "type": {"key": "type", "type": "str"},
        "scope": {"key": "scope", "type": "str"},
        "user_assigned_identity": {"key": "userAssignedIdentity", "type": "ResourceReference"},
    }

    def __init__(self, *, type: OriginAuthenticationType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.type = type


class AFDOriginGroup(cdn.AFDOriginGroup):
    _attribute_map: dict[str, Any] = {  # noqa: RUF012 - as the base has it
        **cdn.AFDOriginGroup._attribute_map,
        "authentication": {
            "key": "properties.authentication",
            "type": "OriginAuthenticationProperties",
        },
    }
