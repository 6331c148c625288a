"""Every resource type of the stand-in."""

from __future__ import annotations

from localazure.provider.app_service import (
    AppServicePlan,
    WebApp,
    WebAppApplicationSettings,
    WebAppFtpAllowed,
    WebAppScmAllowed,
)
from localazure.provider.authorization import ManagementLockByScope, RoleAssignment
from localazure.provider.blob_container import BlobContainer
from localazure.provider.blob_service import BlobServiceProperties
from localazure.provider.diagnostic_setting import DiagnosticSetting
from localazure.provider.front_door import AFDCustomDomain, AFDEndpoint, Profile
from localazure.provider.front_door_origins import AFDOrigin, AFDOriginGroup
from localazure.provider.front_door_routes import Route, Rule, RuleSet
from localazure.provider.key_vault import Secret, Vault
from localazure.provider.managed_identity import UserAssignedIdentity
from localazure.provider.management_policy import ManagementPolicy
from localazure.provider.private_dns import PrivateZone, VirtualNetworkLink
from localazure.provider.private_endpoint import PrivateDnsZoneGroup, PrivateEndpoint
from localazure.provider.resource import ResourceType
from localazure.provider.resource_group import ResourceGroup
from localazure.provider.storage_account import StorageAccount

RESOURCE_TYPES: tuple[type[ResourceType], ...] = (
    ResourceGroup,
    StorageAccount,
    BlobServiceProperties,
    BlobContainer,
    ManagementPolicy,
    RoleAssignment,
    ManagementLockByScope,
    DiagnosticSetting,
    PrivateEndpoint,
    PrivateDnsZoneGroup,
    PrivateZone,
    VirtualNetworkLink,
    Profile,
    AFDEndpoint,
    AFDCustomDomain,
    AFDOriginGroup,
    AFDOrigin,
    Route,
    RuleSet,
    Rule,
    UserAssignedIdentity,
    Vault,
    Secret,
    AppServicePlan,
    WebApp,
    WebAppApplicationSettings,
    WebAppFtpAllowed,
    WebAppScmAllowed,
)
