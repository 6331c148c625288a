"""How each type of resource is created: the request that Microsoft's SDK builds, and its model.

A row names what azure-native uses the same specification for: the resource's token, the package of
azure-mgmt, the function that builds the request's URL, and the model of its body.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.truth.models import Model

_AUTHORIZATION = "azure.mgmt.authorization.v2022_04_01"
_CDN = "azure.mgmt.cdn"
_IDENTITY = "azure.mgmt.msi.v2023_01_31"
_KEY_VAULT = "azure.mgmt.keyvault.v2024_11_01"
_LOCKS = "azure.mgmt.resource.locks.v2016_09_01"
_MONITOR = "azure.mgmt.monitor.v2021_05_01_preview"
_NETWORK = "azure.mgmt.network"
_PRIVATE_DNS = "azure.mgmt.privatedns"
_RESOURCES = "azure.mgmt.resource.resources.v2024_07_01"
_STORAGE = "azure.mgmt.storage"
_WEB = "azure.mgmt.web.v2024_11_01"

_ROWS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "resources:ResourceGroup",
        _RESOURCES,
        "_operations",
        "build_resource_groups_create_or_update_request",
        "ResourceGroup",
    ),
    (
        "storage:StorageAccount",
        _STORAGE,
        "_storage_accounts_operations",
        "build_create_request",
        "StorageAccountCreateParameters",
    ),
    (
        "storage:BlobServiceProperties",
        _STORAGE,
        "_blob_services_operations",
        "build_set_service_properties_request",
        "BlobServiceProperties",
    ),
    (
        "storage:BlobContainer",
        _STORAGE,
        "_blob_containers_operations",
        "build_create_request",
        "BlobContainer",
    ),
    (
        "storage:ManagementPolicy",
        _STORAGE,
        "_management_policies_operations",
        "build_create_or_update_request",
        "ManagementPolicy",
    ),
    (
        "authorization:RoleAssignment",
        _AUTHORIZATION,
        "_role_assignments_operations",
        "build_create_request",
        "RoleAssignmentCreateParameters",
    ),
    (
        "authorization:ManagementLockByScope",
        _LOCKS,
        "_operations",
        "build_management_locks_create_or_update_by_scope_request",
        "ManagementLockObject",
    ),
    (
        "monitor:DiagnosticSetting",
        _MONITOR,
        "_diagnostic_settings_operations",
        "build_create_or_update_request",
        "DiagnosticSettingsResource",
    ),
    (
        "network:PrivateEndpoint",
        _NETWORK,
        "_operations",
        "build_private_endpoints_create_or_update_request",
        "PrivateEndpoint",
    ),
    (
        "network:PrivateDnsZoneGroup",
        _NETWORK,
        "_operations",
        "build_private_dns_zone_groups_create_or_update_request",
        "PrivateDnsZoneGroup",
    ),
    (
        "privatedns:PrivateZone",
        _PRIVATE_DNS,
        "_private_zones_operations",
        "build_create_or_update_request",
        "PrivateZone",
    ),
    (
        "privatedns:VirtualNetworkLink",
        _PRIVATE_DNS,
        "_virtual_network_links_operations",
        "build_create_or_update_request",
        "VirtualNetworkLink",
    ),
    ("cdn:Profile", _CDN, "_profiles_operations", "build_create_request", "Profile"),
    ("cdn:AFDEndpoint", _CDN, "_afd_endpoints_operations", "build_create_request", "AFDEndpoint"),
    (
        "cdn:AFDCustomDomain",
        _CDN,
        "_afd_custom_domains_operations",
        "build_create_request",
        "AFDDomain",
    ),
    (
        "cdn:AFDOriginGroup",
        _CDN,
        "_afd_origin_groups_operations",
        "build_create_request",
        "AFDOriginGroup",
    ),
    ("cdn:AFDOrigin", _CDN, "_afd_origins_operations", "build_create_request", "AFDOrigin"),
    ("cdn:Route", _CDN, "_routes_operations", "build_create_request", "Route"),
    # The specification of a rule set's creation has no body.
    ("cdn:RuleSet", _CDN, "_rule_sets_operations", "build_create_request", ""),
    ("cdn:Rule", _CDN, "_rules_operations", "build_create_request", "Rule"),
    (
        "managedidentity:UserAssignedIdentity",
        _IDENTITY,
        "_user_assigned_identities_operations",
        "build_create_or_update_request",
        "Identity",
    ),
    (
        "keyvault:Vault",
        _KEY_VAULT,
        "_vaults_operations",
        "build_create_or_update_request",
        "VaultCreateOrUpdateParameters",
    ),
    (
        "keyvault:Secret",
        _KEY_VAULT,
        "_secrets_operations",
        "build_create_or_update_request",
        "SecretCreateOrUpdateParameters",
    ),
    (
        "web:AppServicePlan",
        _WEB,
        "_app_service_plans_operations",
        "build_create_or_update_request",
        "AppServicePlan",
    ),
    ("web:WebApp", _WEB, "_web_apps_operations", "build_create_or_update_request", "Site"),
    (
        "web:WebAppApplicationSettings",
        _WEB,
        "_web_apps_operations",
        "build_update_application_settings_request",
        "StringDictionary",
    ),
    (
        "web:WebAppFtpAllowed",
        _WEB,
        "_web_apps_operations",
        "build_update_ftp_allowed_request",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
    (
        "web:WebAppScmAllowed",
        _WEB,
        "_web_apps_operations",
        "build_update_scm_allowed_request",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
)


@dataclass(frozen=True)
class Operation:
    """Names a row's function and model, which are imported when a test uses them.

    The packages take seconds to import, and each process that runs tests collects all of them.
    """

    package: str
    module: str
    function: str
    model_name: str

    @functools.cached_property
    def build(self) -> Callable[..., Any]:
        """Takes the path's parameters."""
        operations = importlib.import_module(f"{self.package}.operations.{self.module}")
        build: Callable[..., Any] = getattr(operations, self.function)
        return build

    @functools.cached_property
    def model(self) -> Model | None:
        """None where the request has no body."""
        if not self.model_name:
            return None
        newer = importlib.import_module("tests.truth.newer")
        models = importlib.import_module(f"{self.package}.models")
        found: Model = getattr(newer, self.model_name, None) or getattr(models, self.model_name)
        return found


OPERATIONS = {f"azure-native:{token}": Operation(*how) for token, *how in _ROWS}
