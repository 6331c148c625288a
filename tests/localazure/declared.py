"""Valid inputs of every type, and the types that each depends on, in order."""

from __future__ import annotations

import copy
from typing import Any

from localazure.provider.provider import Provider
from localazure.provider.resource import Live

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
RG = f"{SUBSCRIPTION}/resourceGroups/rg1"
STORE = f"{RG}/providers/Microsoft.Storage/storageAccounts/store1"
FRONT = f"{RG}/providers/Microsoft.Cdn/profiles/front"
NETWORK = f"{RG}/providers/Microsoft.Network/virtualNetworks/net1"
DNS = f"{RG}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
WORKSPACE = f"{RG}/providers/Microsoft.OperationalInsights/workspaces/logs"
SITES = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/site"
WEB = f"{RG}/providers/Microsoft.Web/sites/app1"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
ROLE = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
SOMEBODY = "11111111-2222-3333-4444-555555555555"

GROUP, ACCOUNT = "resources:ResourceGroup", "storage:StorageAccount"
SERVICE, CONTAINER = "storage:BlobServiceProperties", "storage:BlobContainer"
POLICY, ROLES = "storage:ManagementPolicy", "authorization:RoleAssignment"
LOCK, LOGS = "authorization:ManagementLockByScope", "monitor:DiagnosticSetting"
ENDPOINT, RECORDS = "network:PrivateEndpoint", "network:PrivateDnsZoneGroup"
ZONE, LINK = "privatedns:PrivateZone", "privatedns:VirtualNetworkLink"
PROFILE, EDGE, DOMAIN = "cdn:Profile", "cdn:AFDEndpoint", "cdn:AFDCustomDomain"
ORIGINS, ORIGIN, ROUTE = "cdn:AFDOriginGroup", "cdn:AFDOrigin", "cdn:Route"
RULES, RULE = "cdn:RuleSet", "cdn:Rule"
IDENTITY = "managedidentity:UserAssignedIdentity"
VAULT, SECRET = "keyvault:Vault", "keyvault:Secret"
PLAN, APP = "web:AppServicePlan", "web:WebApp"
ENVIRONMENT = "web:WebAppApplicationSettings"
FTP, SCM = "web:WebAppFtpAllowed", "web:WebAppScmAllowed"

_STORED = {"resourceGroupName": "rg1", "accountName": "store1"}
_FRONTED = {"resourceGroupName": "rg1", "profileName": "front"}
INPUTS: dict[str, dict[str, Any]] = {
    GROUP: {"resourceGroupName": "rg1", "location": "westus2"},
    ACCOUNT: {**_STORED, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    CONTAINER: {**_STORED, "containerName": "assets"},
    SERVICE: {**_STORED, "blobServicesName": "default"},
    POLICY: {
        **_STORED,
        "managementPolicyName": "default",
        "policy": {
            "rules": [
                {
                    "name": "cool-media",
                    "enabled": True,
                    "type": "Lifecycle",
                    "definition": {
                        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["media/"]},
                        "actions": {
                            "baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": 30}},
                            "version": {"delete": {"daysAfterCreationGreaterThan": 30}},
                        },
                    },
                }
            ]
        },
    },
    ROLES: {
        "scope": STORE,
        "roleAssignmentName": "99999999-2222-3333-4444-555555555555",
        "roleDefinitionId": ROLE,
        "principalId": SOMEBODY,
        "principalType": "ServicePrincipal",
    },
    LOGS: {
        "resourceUri": f"{STORE}/blobServices/default",
        "name": "logs",
        "workspaceId": WORKSPACE,
        "logs": [{"category": "StorageWrite", "enabled": True}],
        "metrics": [{"category": "Transaction", "enabled": True}],
    },
    LOCK: {"scope": STORE, "lockName": "keep", "level": "CanNotDelete", "notes": "The uploads."},
    ENDPOINT: {
        "resourceGroupName": "rg1",
        "privateEndpointName": "door",
        "location": "westus2",
        "subnet": {"id": f"{NETWORK}/subnets/inner"},
        "privateLinkServiceConnections": [
            {"name": "blob", "privateLinkServiceId": STORE, "groupIds": ["blob"]}
        ],
    },
    ZONE: {
        "resourceGroupName": "rg1",
        "privateZoneName": "privatelink.blob.core.windows.net",
        "location": "global",
    },
    LINK: {
        "resourceGroupName": "rg1",
        "privateZoneName": "privatelink.blob.core.windows.net",
        "virtualNetworkLinkName": "link",
        "location": "global",
        "registrationEnabled": False,
        "virtualNetwork": {"id": NETWORK},
    },
    RECORDS: {
        "resourceGroupName": "rg1",
        "privateEndpointName": "door",
        "privateDnsZoneGroupName": "default",
        "privateDnsZoneConfigs": [{"name": "blob", "privateDnsZoneId": DNS}],
    },
    PROFILE: {
        **_FRONTED,
        "location": "Global",
        "sku": {"name": "Premium_AzureFrontDoor"},
        "identity": {"type": "SystemAssigned"},
    },
    EDGE: {**_FRONTED, "endpointName": "edge", "location": "Global", "enabledState": "Enabled"},
    ORIGINS: {
        **_FRONTED,
        "originGroupName": "blobs",
        "loadBalancingSettings": {"sampleSize": 4, "successfulSamplesRequired": 3},
        "authentication": {
            "type": "SystemAssignedIdentity",
            "scope": "https://storage.azure.com/.default",
        },
    },
    ORIGIN: {
        **_FRONTED,
        "originGroupName": "blobs",
        "originName": "blob",
        "hostName": "store1.blob.core.windows.net",
        "originHostHeader": "store1.blob.core.windows.net",
        "httpsPort": 443,
        "priority": 1,
        "weight": 1000,
    },
    RULES: {**_FRONTED, "ruleSetName": "headers"},
    RULE: {
        **_FRONTED,
        "ruleSetName": "headers",
        "ruleName": "cors1",
        "order": 1,
        "conditions": [
            {
                "name": "RequestHeader",
                "parameters": {
                    "typeName": "DeliveryRuleRequestHeaderConditionParameters",
                    "selector": "Origin",
                    "operator": "Equal",
                    "matchValues": ["https://www.example.com"],
                },
            }
        ],
        "actions": [
            {
                "name": "ModifyResponseHeader",
                "parameters": {
                    "typeName": "DeliveryRuleHeaderActionParameters",
                    "headerAction": "Overwrite",
                    "headerName": "Vary",
                    "value": "Origin",
                },
            }
        ],
    },
    DOMAIN: {
        **_FRONTED,
        "customDomainName": "static",
        "hostName": "static.example.com",
        "tlsSettings": {"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS12"},
    },
    ROUTE: {
        **_FRONTED,
        "endpointName": "edge",
        "routeName": "static",
        "originGroup": {"id": f"{FRONT}/originGroups/blobs"},
        "ruleSets": [{"id": f"{FRONT}/ruleSets/headers"}],
        "customDomains": [{"id": f"{FRONT}/customDomains/static"}],
        "patternsToMatch": ["/static/*", "/media/*"],
        "supportedProtocols": ["Http", "Https"],
        "httpsRedirect": "Enabled",
        "forwardingProtocol": "HttpsOnly",
        "linkToDefaultDomain": "Enabled",
        "cacheConfiguration": {
            "queryStringCachingBehavior": "IgnoreQueryString",
            "compressionSettings": {
                "isCompressionEnabled": True,
                "contentTypesToCompress": ["text/css"],
            },
        },
    },
    IDENTITY: {"resourceGroupName": "rg1", "resourceName": "site", "location": "westus2"},
    VAULT: {
        "resourceGroupName": "rg1",
        "vaultName": "vault1",
        "location": "westus2",
        "properties": {
            "tenantId": SOMEBODY,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        },
    },
    SECRET: {
        "resourceGroupName": "rg1",
        "vaultName": "vault1",
        "secretName": "DATABASE-URL",
        "properties": {"contentType": "text/plain"},
    },
    PLAN: {
        "resourceGroupName": "rg1",
        "name": "plan1",
        "location": "westus2",
        "kind": "linux",
        "reserved": True,
        "sku": {"name": "B1"},
    },
    APP: {
        "resourceGroupName": "rg1",
        "name": "app1",
        "location": "westus2",
        "kind": "app,linux",
        "serverFarmId": f"{RG}/providers/Microsoft.Web/serverfarms/plan1",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [SITES]},
        "keyVaultReferenceIdentity": SITES,
        "siteConfig": {"alwaysOn": True, "linuxFxVersion": "PYTHON|3.12"},
    },
    ENVIRONMENT: {
        "resourceGroupName": "rg1",
        "name": "app1",
        "properties": {"AZURE_MEDIA_ACCESS": "private"},
    },
    FTP: {"resourceGroupName": "rg1", "name": "app1", "allow": False},
    SCM: {"resourceGroupName": "rg1", "name": "app1", "allow": False},
}
# What each type depends on.
_NEEDS: dict[str, tuple[str, ...]] = {
    ACCOUNT: (GROUP,),
    **dict.fromkeys((CONTAINER, SERVICE, POLICY, ROLES, LOGS, LOCK, ENDPOINT), (ACCOUNT,)),
    ZONE: (GROUP,),
    LINK: (ZONE,),
    RECORDS: (ENDPOINT, ZONE),
    PROFILE: (GROUP,),
    **dict.fromkeys((EDGE, ORIGINS, RULES, DOMAIN), (PROFILE,)),
    ORIGIN: (ORIGINS,),
    RULE: (RULES,),
    **dict.fromkeys((IDENTITY, VAULT, PLAN), (GROUP,)),
    SECRET: (VAULT,),
    APP: (PLAN, IDENTITY),
    **dict.fromkeys((ENVIRONMENT, FTP, SCM), (APP,)),
    ROUTE: (EDGE, ORIGIN, RULE, DOMAIN),
}


def native(short: str) -> str:
    return f"azure-native:{short}"


def needed(short: str) -> list[str]:
    """Everything that a type depends on, in the order of creation."""
    found: list[str] = []
    for need in _NEEDS.get(short, ()):
        found += [one for one in [*needed(need), need] if one not in found]
    return found


def declared(short: str, **changed: Any) -> dict[str, Any]:
    """The type's inputs; a keyword changes one, dots as double underscores, None takes it out.

    `policy__rules__0__name="x"` changes a name within a list.
    """
    inputs = copy.deepcopy(INPUTS[short])
    for path, value in changed.items():
        *above, last = path.split("__")
        place: Any = inputs
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        elif isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return inputs


def prepare(provider: Provider, short: str, **changes: dict[str, Any]) -> None:
    """Create everything that `short` depends on; `changes` are by the type's last word."""
    for need in needed(short):
        make(provider, need, **changes.get(need.rpartition(":")[2], {}))


def make(provider: Provider, short: str, **changed: Any) -> Live:
    return provider.create(native(short), declared(short, **changed))
