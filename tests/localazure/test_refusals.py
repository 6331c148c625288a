"""A wrong declaration fails here with the error that Azure, or azure-native, would give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localazure.azurite import Azurite
from localazure.errors import ArmError
from localazure.provider.provider import Provider
from localazure.values import UNKNOWN
from tests.localazure import declared as d
from tests.localazure.conftest import empty_control_plane

VALUE, LINKED = "InvalidValuesForRequestParameters", "LinkedInvalidPropertyId"
BAD, PROPERTY = "BadRequest", "InvalidRequestPropertyValue"
RULE, STEP = "policy__rules__0", "policy__rules__0__definition__actions__baseBlob"
KEPT = {"enabled": True, "days": 7}
RESTORABLE = {
    "isVersioningEnabled": True,
    "changeFeed": {"enabled": True},
    "deleteRetentionPolicy": KEPT,
    "restorePolicy": {"enabled": True, "days": 6},
}


FROM_VAULT = {"keySource": "Microsoft.Keyvault"}
VAULT_KEY = {"keyName": "site", "keyVaultUri": "https://site.vault.azure.net"}


def cors(**changed: Any) -> dict[str, Any]:
    rule = {
        "allowedHeaders": ["*"],
        "allowedMethods": ["GET"],
        "allowedOrigins": ["https://www.example.com"],
        "exposedHeaders": ["*"],
        "maxAgeInSeconds": 60,
    }
    return {"cors": {"corsRules": [{**rule, **changed}]}}


def hosts(count: int) -> list[str]:
    return [f"https://s{number}.example" for number in range(count)]


def ip_rules(*ranges: str) -> dict[str, Any]:
    rules = [{"iPAddressOrRange": one, "action": "Allow"} for one in ranges]
    return {"networkRuleSet": {"defaultAction": "Deny", "ipRules": rules}}


# What is refused, by Azure's status and code, and a word that says what was wrong.
Case = tuple[str, Any, int, str, str]
ACCOUNTS: list[Case] = [
    (d.ACCOUNT, change, 400, VALUE, word)
    for change, word in (
        ({"minimumTlsVersion": "TLS1_3"}, "minimumTlsVersion"),
        ({"sku": {"name": "Standard_XRS"}}, "Standard_XRS"),
        ({"kind": "StorageV3"}, "StorageV3"),
        ({"accessTier": "Warm"}, "accessTier"),
        ({"accessTier": "Premium"}, "StorageV2"),
        ({"kind": "BlobStorage"}, "accessTier"),
        ({"kind": "BlobStorage", "accessTier": "Hot", "sku": {"name": "Standard_ZRS"}}, "sku"),
        ({"kind": "Storage", "sku": {"name": "Standard_GZRS"}}, "sku.name"),
        ({"kind": "BlockBlobStorage"}, "sku.name"),
        ({"sku": {"name": "StandardV2_LRS"}}, "sku.name"),
        ({"allowedCopyScope": "Anywhere"}, "allowedCopyScope"),
        ({"publicNetworkAccess": "Sometimes"}, "publicNetworkAccess"),
        ({"keyPolicy": {"keyExpirationPeriodInDays": 0}}, "keyExpirationPeriodInDays"),
        ({"keyPolicy": {"keyExpirationPeriodInDays": 1.5}}, "whole number"),
        ({"sasPolicy": {"sasExpirationPeriod": "1.00:00:00"}}, "expirationAction"),
        (
            {"sasPolicy": {"sasExpirationPeriod": "1.00:00:00", "expirationAction": "Warn"}},
            "expirationAction",
        ),
        (
            {"sasPolicy": {"sasExpirationPeriod": "24:00:00", "expirationAction": "Log"}},
            "sasExpirationPeriod",
        ),
        (
            {"sasPolicy": {"sasExpirationPeriod": "1.24:00:00", "expirationAction": "Log"}},
            "sasExpirationPeriod",
        ),
        ({"encryption": {"keySource": "Mine"}}, "encryption.keySource"),
        ({"encryption": {"services": {"blob": {"keyType": "Own"}}}}, "services.blob.keyType"),
        ({"networkRuleSet": {"bypass": "None"}}, "networkRuleSet.defaultAction"),
        ({"networkRuleSet": {"defaultAction": "Block"}}, "networkRuleSet.defaultAction"),
        ({"networkRuleSet": {"defaultAction": "Deny", "bypass": "Logging, Mail"}}, "bypass"),
        ({"networkRuleSet": {"defaultAction": "Deny", "bypass": "None, Logging"}}, "alone"),
        (ip_rules("203.0.113.0/31"), "/31"),
        (ip_rules("203.0.113.7", "203.0.113.7/32"), "ipRules[1]"),
        (ip_rules("10.1.2.3"), "RFC 1918"),
        (ip_rules("192.168.1.0/24"), "RFC 1918"),
        (ip_rules("172.31.0.0/24"), "RFC 1918"),
        (ip_rules("0.0.0.0/0"), "RFC 1918"),
        (ip_rules("2001:db8::/32"), "IPv4"),
        (ip_rules("203.0.113.7/24"), "IPv4"),
        (ip_rules("host.example.com"), "IPv4"),
        ({"tags": {f"t{number}": "x" for number in range(51)}}, "tags"),
    )
] + [
    (
        d.ACCOUNT,
        {"networkRuleSet": {"defaultAction": "Deny", "virtualNetworkRules": [
            {"virtualNetworkResourceId": subnet}
        ]}},
        400,
        LINKED,
        "virtualNetworkRules[0]",
    )
    for subnet in ("inner", d.NETWORK)
] + [
    (
        d.ACCOUNT,
        {"kind": "Storage", "encryption": {"requireInfrastructureEncryption": True}},
        400,
        "FeatureNotSupportedForAccount",
        "Infrastructure encryption",
    ),
    (d.ACCOUNT, {"location": "moon"}, 400, "LocationNotAvailableForResourceType", "moon"),
] + [
    (d.ACCOUNT, {"minimumTlsVersion": version}, 400, VALUE, "TLS1_2")
    for version in ("TLS1_0", "TLS1_1")
] + [
    (d.ACCOUNT, {"kind": kind, "accessTier": tier}, 400, "AccountKindNotSupported", kind)
    for kind, tier in (("Storage", None), ("BlobStorage", "Cool"))
] + [
    (
        d.ACCOUNT,
        {"sku": {"name": sku}, "kind": kind, "location": location},
        400,
        "RedundancyConfigurationNotAvailableInRegion",
        f"Sku: {sku}, Kind: {kind} - not available in selected Region",
    )
    for sku, kind, location in (
        ("Standard_ZRS", "StorageV2", "westus"),
        ("Standard_GZRS", "StorageV2", "West US"),
        ("Standard_RAGZRS", "StorageV2", "westus"),
        ("Standard_GZRS", "StorageV2", "italynorth"),
        ("Standard_GRS", "StorageV2", "italynorth"),
        ("Standard_RAGRS", "StorageV2", "qatarcentral"),
        ("Premium_ZRS", "BlockBlobStorage", "ukwest"),
        ("Premium_ZRS", "FileStorage", "ukwest"),
        ("Premium_ZRS", "StorageV2", "westeurope"),
    )
] + [
    (d.ACCOUNT, change, 400, PROPERTY, word)
    for change, word in (
        ({"enableNfsV3": True}, "isNfsv3Enabled"),
        ({"isSftpEnabled": True}, "isSftpEnabled"),
        ({"isHnsEnabled": True, "enableNfsV3": True, "isSftpEnabled": True}, "isSftpEnabled"),
        ({"isHnsEnabled": True, "sku": {"name": "Premium_LRS"}}, "isHnsEnabled"),
        ({"isHnsEnabled": True, "kind": "FileStorage", "sku": {"name": "Premium_LRS"}},
         "isHnsEnabled"),
        *(
            (
                {"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}, "accessTier": tier},
                f"Account property {tier}",
            )
            for tier in ("Hot", "Cool", "Cold")
        ),
        ({"kind": "Storage", "accessTier": "Hot"}, "Account property Hot"),
    )
] + [
    (d.ACCOUNT, change, 400, code, word)
    for change, code, word in (
        ({"encryption": FROM_VAULT}, "MissingKeyvaultProperties", "keyvault properties"),
        ({"encryption": {**FROM_VAULT, "keyVaultProperties": {"keyName": "site"}}},
         "MissingKeyvaultProperties", "keyvault properties"),
        ({"encryption": {**FROM_VAULT, "keyVaultProperties": VAULT_KEY}},
         VALUE, "properties.encryption.identity"),
        ({"encryption": {"encryptionIdentity": {"encryptionUserAssignedIdentity": "/site"}}},
         VALUE, "properties.encryption.identity"),
        ({"identity": {"type": "UserAssigned"}}, "MissingIdentityIds", "null or empty"),
        ({"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": []}},
         "MissingIdentityIds", "null or empty"),
        ({"identity": {"type": "SystemAssigned", "userAssignedIdentities": ["/site"]}},
         BAD, "non-UserAssigned"),
    )
] + [
    (
        d.ACCOUNT,
        {"immutableStorageWithVersioning": {"enabled": True}, **change},
        409,
        "FeatureNotSupportedForAccount",
        "Immutable storage",
    )
    for change in (
        {"isHnsEnabled": True},
        {"kind": "FileStorage", "sku": {"name": "Premium_LRS"}},
    )
]  # fmt: skip
SERVICES: list[Case] = [
    (d.SERVICE, change, 400, VALUE, word)
    for change, word in (
        ({"deleteRetentionPolicy": {"enabled": True}}, "days is missing"),
        ({"deleteRetentionPolicy": {"enabled": True, "days": 0}}, "deleteRetentionPolicy.days"),
        ({"deleteRetentionPolicy": {"enabled": True, "days": 366}}, "1 to 365"),
        ({"containerDeleteRetentionPolicy": {"enabled": True}}, "days is missing"),
        ({"changeFeed": {"enabled": True, "retentionInDays": 0}}, "1 to 146000"),
        ({"changeFeed": {"enabled": True, "retentionInDays": 146001}}, "1 to 146000"),
        ({"defaultServiceVersion": "latest"}, "defaultServiceVersion"),
        ({"lastAccessTimeTrackingPolicy": {"enable": True, "name": "Mine"}}, "AccessTimeTracking"),
        ({**RESTORABLE, "restorePolicy": {"enabled": True}}, "restorePolicy.days"),
        ({**RESTORABLE, "restorePolicy": {"enabled": True, "days": 7}}, "less than"),
        ({**RESTORABLE, "isVersioningEnabled": False}, "isVersioningEnabled"),
        ({**RESTORABLE, "changeFeed": {"enabled": False}}, "changeFeed.enabled"),
        ({**RESTORABLE, "deleteRetentionPolicy": {"enabled": False}}, "deleteRetentionPolicy"),
    )
]
SERVICES += [
    (d.SERVICE, change, 400, "InvalidXmlNodeValue", word)
    for change, word in (
        (cors(allowedOrigins=hosts(65)), "65 items: at most 64"),
        (cors(allowedOrigins=[f"https://{'a' * 249}"]), "1 to 256 characters"),
        (cors(allowedHeaders=[f"x-{number}" for number in range(65)]), "65 headers"),
        (cors(exposedHeaders=["x-a*", "x-b*", "x-c*"]), "3 prefixes"),
        (cors(exposedHeaders=["x" * 257]), "1 to 256 characters"),
    )
] + [
    (d.SERVICE, cors(allowedOrigins=[*hosts(60), f"https://{'a' * 200}", *["https://b"] * 3,
                                     ], exposedHeaders=["x" * 256, "y" * 256, "z" * 256]), 400,
     "InvalidXmlDocument", "at most 2048"),
]  # fmt: skip
CONTAINERS: list[Case] = [
    (d.CONTAINER, {"defaultEncryptionScope": "own"}, 400, "ContainerOperationFailure", "required"),
    (
        d.CONTAINER,
        {"immutableStorageWithVersioning": {"enabled": True}},
        409,
        "FeatureNotSupportedForAccount",
        "enable blob versioning first",
    ),
]
POLICIES: list[Case] = [
    (d.POLICY, change, 400, PROPERTY, word)
    for change, word in (
        ({"managementPolicyName": "mine"}, "default"),
        ({"policy": {"rules": []}}, "at least 1"),
        ({"policy": {"rules": d.INPUTS[d.POLICY]["policy"]["rules"] * 101}}, "at most 100"),
        ({"policy": {"rules": d.INPUTS[d.POLICY]["policy"]["rules"] * 2}}, "two rules"),
        ({f"{RULE}__name": "my rule"}, "rules[0].name"),
        ({f"{RULE}__type": "Inventory"}, "Lifecycle"),
        ({f"{RULE}__definition__filters": None}, "filters"),
        ({f"{RULE}__definition__filters__blobTypes": []}, "blobTypes"),
        ({f"{RULE}__definition__filters__blobTypes": ["pageBlob"]}, "blobTypes[0]"),
        ({f"{RULE}__definition__filters__blobTypes": ["appendBlob"]}, "append blobs"),
        ({f"{RULE}__definition__filters__prefixMatch": ["a/"] * 11}, "at most 10"),
        ({f"{RULE}__definition__actions": {}}, "actions"),
        ({f"{RULE}__definition__actions": {"baseBlob": {}}}, "actions"),
        ({f"{STEP}__tierToCool": {}}, "0 conditions"),
        ({f"{STEP}__tierToCool__daysAfterModificationGreaterThan": -1}, "0 or more"),
        ({f"{STEP}__tierToCool__daysAfterCreationGreaterThan": 1}, "2 conditions"),
        (
            {f"{STEP}__tierToCool": {"daysAfterLastAccessTimeGreaterThan": 1}},
            "lastAccessTimeTrackingPolicy",
        ),
        ({f"{STEP}__tierToCool__daysAfterLastTierChangeGreaterThan": 1}, "tierToArchive only"),
    )
]
ACCESS: list[Case] = [
    (d.ROLES, {"principalId": "me"}, 400, "InvalidPrincipalId", "me"),
    (d.ROLES, {"roleAssignmentName": "me"}, 400, "InvalidRoleAssignmentId", "GUID"),
    (d.ROLES, {"roleDefinitionId": "Reader"}, 400, "InvalidRoleDefinitionId", "Reader"),
    (d.ROLES, {"roleDefinitionId": f"{d.STORE}/x"}, 400, "InvalidRoleDefinitionId", "GUID"),
    (d.ROLES, {"principalType": "Robot"}, 400, "InvalidRequestContent", "principalType"),
    (d.ROLES, {"conditionVersion": "1.0"}, 400, "InvalidRequestContent", "2.0"),
    (d.ROLES, {"condition": "x"}, 400, "InvalidRequestContent", "conditionVersion"),
    (d.ROLES, {"scope": f"{d.STORE}x"}, 404, "ResourceNotFound", "store1x"),
    (d.ROLES, {"scope": f"{d.RG}x"}, 404, "ResourceGroupNotFound", "rg1x"),
    (d.LOCK, {"level": "Never"}, 400, "InvalidRequestContent", "level"),
    (d.LOCK, {"lockName": "a/b"}, 400, "InvalidRequestContent", "lockName"),
    (d.LOCK, {"lockName": "a."}, 400, "InvalidRequestContent", "lockName"),
    (d.LOCK, {"notes": "x" * 513}, 400, "InvalidRequestContent", "512"),
    (d.LOCK, {"scope": f"{d.STORE}x"}, 404, "ResourceNotFound", "store1x"),
    (d.LOGS, {"workspaceId": None}, 400, BAD, "data sink"),
    (d.LOGS, {"workspaceId": "logs"}, 400, LINKED, "workspaceId"),
    (d.LOGS, {"workspaceId": d.STORE}, 400, LINKED, "workspaces"),
    (d.LOGS, {"logs": None, "metrics": None}, 400, BAD, "At least one log"),
    (d.LOGS, {"logs__0__enabled": False, "metrics": None}, 400, BAD, "At least one log"),
    (d.LOGS, {"logs__0__category": "StorageLook"}, 400, BAD, "StorageRead"),
    (d.LOGS, {"logs__0__category": None}, 400, BAD, "category"),
    (d.LOGS, {"logs__0__categoryGroup": "audit"}, 400, BAD, "categoryGroup"),
    (d.LOGS, {"metrics__0__category": "Speed"}, 400, BAD, "Transaction"),
    (d.LOGS, {"resourceUri": d.STORE}, 400, BAD, "StorageWrite"),
    (d.LOGS, {"resourceUri": f"{d.STORE}x"}, 404, "ResourceNotFound", "store1x"),
    (d.LOGS, {"name": "a/b"}, 400, BAD, "name"),
]
CONNECTION = "privateLinkServiceConnections__0"
NETWORKS: list[Case] = [
    (d.ENDPOINT, {"subnet": None}, 400, "InvalidRequestFormat", "subnet"),
    (d.ENDPOINT, {"subnet__id": "inner"}, 400, LINKED, "subnet.id"),
    (d.ENDPOINT, {"subnet__id": d.NETWORK}, 400, LINKED, "subnets"),
    (d.ENDPOINT, {"privateEndpointName": "door."}, 400, "InvalidRequestFormat", "door."),
    (d.ENDPOINT, {"privateLinkServiceConnections": []}, 400, "InvalidRequestFormat", "has 0"),
    (d.ENDPOINT, {f"{CONNECTION}__groupIds": []}, 400, "InvalidRequestFormat", "groupIds"),
    (d.ENDPOINT, {f"{CONNECTION}__groupIds": ["blobs"]}, 400, "InvalidRequestFormat", "blobs"),
    (d.ENDPOINT, {f"{CONNECTION}__privateLinkServiceId": "x"}, 400, LINKED, "privateLinkServiceId"),
    (
        d.ENDPOINT,
        {f"{CONNECTION}__privateLinkServiceId": f"{d.STORE}x"},
        400,
        "InvalidResourceReference",
        "store1x",
    ),
    (d.ENDPOINT, {"location": "moon"}, 400, "LocationNotAvailableForResourceType", "moon"),
    (d.ENDPOINT, {"resourceGroupName": "rg2"}, 404, "ResourceGroupNotFound", "rg2"),
    (d.ZONE, {"location": "westus2"}, 400, "LocationNotAvailableForResourceType", "global"),
    (d.ZONE, {"privateZoneName": "local"}, 400, BAD, "labels"),
    (d.ZONE, {"privateZoneName": "a..b"}, 400, BAD, "a..b"),
    (d.LINK, {"registrationEnabled": None}, 400, BAD, "registrationEnabled"),
    (d.LINK, {"virtualNetwork": None}, 400, BAD, "virtualNetwork"),
    (d.LINK, {"virtualNetwork__id": "net1"}, 400, LINKED, "virtualNetwork.id"),
    (d.LINK, {"resolutionPolicy": "Mine"}, 400, BAD, "resolutionPolicy"),
    (d.LINK, {"privateZoneName": "x.example"}, 404, "ParentResourceNotFound", "x.example"),
    (d.RECORDS, {"privateDnsZoneConfigs": []}, 400, "InvalidRequestFormat", "at least 1"),
    (d.RECORDS, {"privateDnsZoneConfigs__0__privateDnsZoneId": "x"}, 400, LINKED, "[0]"),
    (
        d.RECORDS,
        {"privateDnsZoneConfigs__0__privateDnsZoneId": f"{d.DNS}x"},
        400,
        "InvalidResourceReference",
        "windows.netx",
    ),
    (d.RECORDS, {"privateEndpointName": "gate"}, 404, "ParentResourceNotFound", "gate"),
]
PRIVATE_LINK = {"privateLink": {"id": d.STORE}, "privateLinkLocation": "westus2", "groupId": "blob",
                "requestMessage": "please"}  # fmt: skip
HEADER, ASKED = "actions__0__parameters", "conditions__0__parameters"
EDGES: list[Case] = [
    (short, change, 400, BAD, word)
    for short, change, word in (
        (d.PROFILE, {"sku": {"name": "Standard_Microsoft"}}, "no longer support new profile"),
        (d.PROFILE, {"sku": {"name": "Standard_Akamai"}}, "Akamai"),
        (d.PROFILE, {"sku": {"name": "Premium_Verizon"}}, "Edgio"),
        (d.PROFILE, {"sku": {"name": "Cheap"}}, "sku.name"),
        (d.PROFILE, {"sku": {}}, "sku.name"),
        (d.PROFILE, {"identity": {"type": "Mine"}}, "identity.type"),
        (
            d.PROFILE,
            {"identity": {"type": "SystemAssigned", "userAssignedIdentities": ["/site"]}},
            "non-UserAssigned",
        ),
        (d.PROFILE, {"originResponseTimeoutSeconds": 15}, "16 to 240"),
        (d.PROFILE, {"profileName": "front-"}, "front-"),
        (d.EDGE, {"endpointName": "e" * 47}, "46"),
        (d.EDGE, {"endpointName": "-edge"}, "hyphen"),
        (d.EDGE, {"enabledState": "On"}, "enabledState"),
        (d.ORIGINS, {"loadBalancingSettings": None}, "loadBalancingSettings"),
        (d.ORIGINS, {"loadBalancingSettings__sampleSize": 256}, "0 to 255"),
        (d.ORIGINS, {"loadBalancingSettings__successfulSamplesRequired": 5}, "sampleSize"),
        (d.ORIGINS, {"healthProbeSettings": {"probeIntervalInSeconds": 0}}, "1 to 255"),
        (d.ORIGINS, {"healthProbeSettings": {"probeIntervalInSeconds": 256}}, "1 to 255"),
        (d.ORIGINS, {"healthProbeSettings": {"probePath": "x"}}, "probePath"),
        (d.ORIGINS, {"healthProbeSettings": {"probeRequestType": "PUT"}}, "HEAD"),
        (d.ORIGINS, {"authentication__scope": None}, "authentication.scope"),
        (d.ORIGINS, {"authentication__type": "UserAssignedIdentity"}, "UserAssigned"),
        (d.ORIGIN, {"hostName": None}, "hostName"),
        (d.ORIGIN, {"hostName": "https://store1.blob.core.windows.net/"}, "scheme"),
        (d.ORIGIN, {"originHostHeader": "a b"}, "originHostHeader"),
        (d.ORIGIN, {"httpsPort": 0}, "1 to 65535"),
        (d.ORIGIN, {"httpPort": 65536}, "1 to 65535"),
        (d.ORIGIN, {"priority": 6}, "1 to 5"),
        (d.ORIGIN, {"weight": 1001}, "1 to 1000"),
        (d.ORIGIN, {"sharedPrivateLinkResource": {**PRIVATE_LINK, "requestMessage": None}}, "Mess"),
        (d.ORIGIN, {"sharedPrivateLinkResource": {**PRIVATE_LINK, "groupId": None}}, "groupId"),
        (
            d.ORIGIN,
            {"sharedPrivateLinkResource": {**PRIVATE_LINK, "privateLinkLocation": "italynorth"}},
            'location of the Private Link "italynorth" is invalid',
        ),
        (
            d.ORIGIN,
            {"sharedPrivateLinkResource": PRIVATE_LINK, "enforceCertificateNameCheck": False},
            "enforceCertificateNameCheck",
        ),
        (d.DOMAIN, {"hostName": "localhost"}, "host name"),
        (d.DOMAIN, {"hostName": "a_b.example.com"}, "host name"),
        (d.DOMAIN, {"tlsSettings__certificateType": "None"}, "certificateType"),
        (d.DOMAIN, {"tlsSettings__certificateType": "CustomerCertificate"}, "secret"),
        (d.DOMAIN, {"tlsSettings__minimumTlsVersion": "TLS10"}, "TLS12"),
        (d.RULES, {"ruleSetName": "my-rules"}, "letters and digits"),
        (d.RULES, {"ruleSetName": "1rules"}, "first a letter"),
        (d.RULES, {"ruleSetName": "r" * 61}, "60"),
        (d.RULE, {"ruleName": "cors-1"}, "ruleName"),
        (d.RULE, {"order": -1}, "0 or more"),
        (d.RULE, {"order": None}, "order"),
        (d.RULE, {"actions": []}, "at least 1"),
        (d.RULE, {"actions": d.INPUTS[d.RULE]["actions"] * 6}, "at most 5"),
        (d.RULE, {"conditions": d.INPUTS[d.RULE]["conditions"] * 11}, "at most 10"),
        (d.RULE, {f"{HEADER}__typeName": "Wrong"}, "DeliveryRuleHeaderActionParameters"),
        (d.RULE, {f"{HEADER}__headerAction": "Set"}, "headerAction"),
        (d.RULE, {f"{HEADER}__headerName": "a b"}, "headerName"),
        (d.RULE, {f"{HEADER}__value": None}, "Overwrite needs one"),
        (d.RULE, {f"{ASKED}__operator": "Is"}, "operator"),
        (d.RULE, {f"{ASKED}__operator": "Any"}, "takes none"),
        (d.RULE, {f"{ASKED}__matchValues": []}, "Equal needs one"),
        (d.RULE, {f"{ASKED}__selector": None}, "selector"),
        (d.RULE, {"matchProcessingBehavior": "Maybe"}, "matchProcessingBehavior"),
        (d.ROUTE, {"originGroup": None}, "originGroup"),
        (d.ROUTE, {"originGroup__id": f"{d.FRONT}/originGroups/none"}, "was not found"),
        (d.ROUTE, {"originGroup__id": f"{d.FRONT}x/originGroups/blobs"}, "another profile"),
        (d.ROUTE, {"ruleSets__0__id": f"{d.FRONT}/ruleSets/none"}, "was not found"),
        (d.ROUTE, {"customDomains__0__id": f"{d.FRONT}/customDomains/none"}, "was not found"),
        (d.ROUTE, {"customDomains": [], "linkToDefaultDomain": "Disabled"}, "needs a domain"),
        (d.ROUTE, {"supportedProtocols": ["Https"]}, "httpsRedirect"),
        (d.ROUTE, {"supportedProtocols": []}, "supportedProtocols"),
        (d.ROUTE, {"supportedProtocols": ["Http", "Ftp"]}, "supportedProtocols[1]"),
        (d.ROUTE, {"patternsToMatch": ["static/*"]}, "begins with '/'"),
        (d.ROUTE, {"patternsToMatch": ["/*.css"]}, "last '/*'"),
        (d.ROUTE, {"patternsToMatch": []}, "patternsToMatch"),
        (d.ROUTE, {"forwardingProtocol": "Both"}, "forwardingProtocol"),
        (d.ROUTE, {"cacheConfiguration__queryStringCachingBehavior": "No"}, "queryString"),
        (
            d.ROUTE,
            {"cacheConfiguration__queryStringCachingBehavior": "IgnoreSpecifiedQueryStrings"},
            "queryParameters",
        ),
        (
            d.ROUTE,
            {"cacheConfiguration__compressionSettings__contentTypesToCompress": []},
            "contentTypesToCompress",
        ),
        (
            d.ROUTE,
            {"cacheConfiguration__compressionSettings__contentTypesToCompress": ["css"]},
            "text/css",
        ),
    )
] + [
    (d.PROFILE, {"identity": {"type": "UserAssigned"}}, 400, "MissingIdentityIds", "null or empty"),
    (d.PROFILE, {"location": "westus2"}, 400, "LocationNotAvailableForResourceType", "global"),
    (d.EDGE, {"profileName": "none"}, 404, "ParentResourceNotFound", "none"),
    (d.ORIGIN, {"originGroupName": "none"}, 404, "ParentResourceNotFound", "originGroups/none"),
    (d.RULE, {"ruleSetName": "none"}, 404, "ParentResourceNotFound", "ruleSets/none"),
    (d.ROUTE, {"endpointName": "none"}, 404, "ParentResourceNotFound", "afdEndpoints/none"),
    (d.ROUTE, {"originGroup__id": "blobs"}, 400, LINKED, "originGroup"),
]


MISSING = f"{d.RG}/providers/Microsoft.Web/serverfarms/plan3"
HOSTS: list[Case] = [
    (d.IDENTITY, {"resourceName": "a"}, 400, "InvalidRequestContent", "3 to 128"),
    (d.IDENTITY, {"location": "mars"}, 400, "LocationNotAvailableForResourceType", "mars"),
    (d.VAULT, {"vaultName": "1st"}, 400, "VaultNameNotValid", "the first a letter"),
    (d.VAULT, {"vaultName": "two--hyphens"}, 400, "VaultNameNotValid", "single hyphens"),
    (d.VAULT, {"properties__softDeleteRetentionInDays": 6}, 400, BAD, "7 to 90"),
    (d.VAULT, {"properties__enableSoftDelete": False}, 400, BAD, "irreversible"),
    (d.VAULT, {"properties__enablePurgeProtection": False}, 400, BAD, "irreversible"),
    (d.VAULT, {"properties__enableRbacAuthorization": None}, 400, BAD, "accessPolicies"),
    (d.VAULT, {"properties__sku__name": "gold"}, 400, BAD, "gold"),
    (d.SECRET, {"secretName": "DATABASE_URL"}, 400, BAD, "hyphens"),
    (d.SECRET, {"properties__value": ""}, 400, "BadParameter", "25,600"),
    (d.PLAN, {"sku": None}, 400, BAD, "'sku' is missing"),
    (d.PLAN, {"sku__name": "B9"}, 400, BAD, "B9"),
    (d.PLAN, {"sku__name": "D1"}, 409, "Conflict", "Windows"),
    (d.APP, {"name": "app_2"}, 400, BAD, "hyphens"),
    (d.APP, {"serverFarmId": None}, 400, BAD, "serverFarmId"),
    (d.APP, {"serverFarmId": d.SITES}, 400, LINKED, "serverfarms"),
    (d.APP, {"serverFarmId": MISSING}, 404, "ResourceNotFound", "plan3"),
    (d.APP, {"siteConfig__linuxFxVersion": "PYTHON|2.7"}, 400, BAD, "PYTHON|3.12"),
    (d.APP, {"siteConfig__healthCheckPath": "healthz"}, 400, BAD, "begins with"),
    (d.APP, {"siteConfig__ftpsState": "Sometimes"}, 400, BAD, "Sometimes"),
    (d.APP, {"siteConfig__minTlsVersion": "1.4"}, 400, BAD, "1.4"),
    (d.APP, {"identity__userAssignedIdentities": None}, 400, "MissingIdentityIds", "identity"),
    (d.APP, {"keyVaultReferenceIdentity": f"{d.SITES}2"}, 400, BAD, "not assigned"),
    (d.APP, {"virtualNetworkSubnetId": d.NETWORK}, 400, LINKED, "subnets"),
    (d.ENVIRONMENT, {"properties": {"WITH-HYPHEN": "1"}}, 400, BAD, "WITH-HYPHEN"),
]


@pytest.fixture
def provider(desk_azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    empty_control_plane(desk_azurite)
    yield Provider(desk_azurite)


def former(provider: Provider, **properties: Any) -> None:
    """Give the account properties with which Azure creates none any more."""
    with provider.control_plane.change() as content:
        content["accounts"]["store1"]["properties"].update(properties)


@pytest.fixture(scope="module")
def filled(desk_azurite: Azurite) -> Provider:
    """Made once: a refusal leaves it as it was, so all of a type's cases can share it."""
    empty_control_plane(desk_azurite)
    provider = Provider(desk_azurite)
    needed = (d.ROUTE, d.RECORDS, d.POLICY, d.ENVIRONMENT, d.SECRET)
    for short in dict.fromkeys(each for one in needed for each in d.needed(one)):
        d.make(provider, short)
    return provider


@pytest.mark.parametrize(
    ("short", "change", "status", "code", "word"),
    [*ACCOUNTS, *SERVICES, *CONTAINERS, *POLICIES, *ACCESS, *NETWORKS, *EDGES, *HOSTS],
)
def test_it_is_refused(
    filled: Provider, short: str, change: dict[str, Any], status: int, code: str, word: str
) -> None:
    with pytest.raises(ArmError) as caught:
        # Existing resources would be refused for existing.
        names = {
            key: value
            for key, value in _fresh_names(short).items()
            if not any(path.partition("__")[0] == key for path in change)
        }
        d.make(filled, short, **names, **change)
    assert (caught.value.status, caught.value.code) == (status, code), caught.value
    assert word in caught.value.message
    assert "\n" not in caught.value.message


def _fresh_names(short: str) -> dict[str, Any]:
    name: dict[str, dict[str, Any]] = {
        d.ACCOUNT: {"accountName": "store2"},
        d.PROFILE: {"profileName": "front2"},
        d.EDGE: {"endpointName": "edge2"},
        d.ORIGINS: {"originGroupName": "blobs2"},
        d.ORIGIN: {"originName": "blob2"},
        d.DOMAIN: {"customDomainName": "static2", "hostName": "two.example.com"},
        d.RULES: {"ruleSetName": "headers2"},
        d.RULE: {"ruleName": "cors2", "order": 2},
        d.ENDPOINT: {"privateEndpointName": "door2"},
        d.ZONE: {"privateZoneName": "two.example.com"},
        d.CONTAINER: {"containerName": "assets2"},
        d.IDENTITY: {"resourceName": "site2"},
        d.VAULT: {"vaultName": "vault2"},
        d.SECRET: {"secretName": "SECOND"},
        d.PLAN: {"name": "plan2"},
        d.APP: {"name": "app2"},
    }
    return name.get(short, {})


@pytest.mark.parametrize(
    ("short", "change", "path", "reason"),
    [
        (d.ACCOUNT, {"keyPolicy": {}}, "keyPolicy.keyExpirationPeriodInDays", "missing required"),
        (d.ACCOUNT, {"keyPolicy": {"keyExpirationPeriodInDays": "90"}},
         "keyPolicy.keyExpirationPeriodInDays", "a number"),
        (d.ACCOUNT, {"sasPolicy": {}}, "sasPolicy.sasExpirationPeriod", "missing required"),
        (d.ACCOUNT, {"encryption": {"keySorce": "x"}}, "encryption.keySorce", "no property"),
        (d.ACCOUNT, {"sku": {"tier": "x"}}, "sku.tier", "no property"),
        (d.ACCOUNT, {"networkRuleSet": {"ipRules": [{"value": "x"}]}},
         "networkRuleSet.ipRules[0].value", "no property"),
        (d.ACCOUNT, {"networkRuleSet": {"ipRules": [{}]}},
         "networkRuleSet.ipRules[0].iPAddressOrRange", "missing required"),
        (d.ACCOUNT, {"allowSharedKeyAccess": "no"}, "allowSharedKeyAccess", "true or false"),
        (d.ACCOUNT, {"tags": {"a": 1}}, "tags", "an object of texts"),
        (d.ACCOUNT, {"networkRuleSet": []}, "networkRuleSet", "an object"),
        (d.SERVICE, {"restorePolicy": {"days": 1}}, "restorePolicy.enabled", "missing required"),
        (d.POLICY, {"policy": None}, "policy", "missing required"),
        (d.POLICY, {"policy": {"rules": [{}]}}, "policy.rules[0].name", "missing required"),
        (d.POLICY, {"policy": {"rules": {}}}, "policy.rules", "a list"),
        (d.ROLES, {"scope": None}, "scope", "missing required"),
        (d.LOCK, {"level": None}, "level", "missing required"),
        (d.LOGS, {"logs": [{"category": "x"}]}, "logs[0].enabled", "missing required"),
        (d.PROFILE, {"sku": None}, "sku", "missing required"),
        (d.RULE, {"actions__0__name": "Sing"}, "actions[0]", "ModifyResponseHeader"),
        (d.RULE, {f"{ASKED}__operator": None}, "conditions[0].parameters.operator", "missing"),
        (d.ROUTE, {"endpointName": None}, "endpointName", "missing required"),
    ],
)  # fmt: skip
def test_the_form_is_refused_before_anything_is_asked(
    filled: Provider, short: str, change: dict[str, Any], path: str, reason: str
) -> None:
    inputs = d.declared(short, **change)
    _, failures = filled.check(d.native(short), "logical", {}, inputs, b"seed")
    found = {failure.property: failure.reason for failure in failures}
    assert path in found
    assert reason in found[path]


@pytest.mark.parametrize("short", [short for short in d.INPUTS if short != d.GROUP])
def test_what_a_preview_does_not_know_yet_is_not_refused(filled: Provider, short: str) -> None:
    inputs = dict.fromkeys(d.INPUTS[short], UNKNOWN)
    checked, failures = filled.check(d.native(short), "logical", {}, inputs, b"seed")
    assert failures == []
    assert checked.items() >= inputs.items()


@pytest.mark.parametrize(
    "change",
    [
        {"encryption": {"requireInfrastructureEncryption": True, "keySource": "Microsoft.Storage",
                        "services": {"blob": {"enabled": True, "keyType": "Account"}}}},
        {"keyPolicy": {"keyExpirationPeriodInDays": 90},
         "sasPolicy": {"expirationAction": "Log", "sasExpirationPeriod": "1.00:00:00"}},
        {"publicNetworkAccess": "Disabled", "allowedCopyScope": "AAD", "accessTier": "Cold"},
        {"networkRuleSet": {
            "defaultAction": "Deny", "bypass": "Logging, Metrics, AzureServices",
            "ipRules": [{"iPAddressOrRange": "203.0.113.0/30"}, {"iPAddressOrRange": "8.8.8.8"}],
            "virtualNetworkRules": [
                {"virtualNetworkResourceId": f"{d.NETWORK}/subnets/inner", "action": "Allow"}
            ]}},
        {"kind": "BlockBlobStorage", "sku": {"name": "Premium_ZRS"}},
        {"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}, "accessTier": "Premium"},
        {"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}, "isHnsEnabled": True},
        {"isHnsEnabled": True, "enableNfsV3": True},
        {"isHnsEnabled": True, "isSftpEnabled": True},
        {"minimumTlsVersion": "TLS1_2", "sku": {"name": "Standard_ZRS"}, "location": "italynorth"},
        {"sku": {"name": "Standard_GRS"}, "location": "westus"},
        {"identity": {"type": "UserAssigned", "userAssignedIdentities": ["/site"]},
         "encryption": {**FROM_VAULT, "keyVaultProperties": VAULT_KEY,
                        "encryptionIdentity": {"encryptionUserAssignedIdentity": "/site"}}},
        {"sku": {"name": "Standard_RAGZRS"}, "defaultToOAuthAuthentication": True},
    ],
)  # fmt: skip
def test_a_hardened_account_is_taken_and_comes_back(
    provider: Provider, change: dict[str, Any]
) -> None:
    d.prepare(provider, d.ACCOUNT)
    inputs = d.declared(d.ACCOUNT, **change)
    live = provider.create(d.native(d.ACCOUNT), inputs)
    assert provider.read(d.native(d.ACCOUNT), live.id, inputs) == (live, inputs)


def test_everything_that_brings_data_back_is_taken_together(provider: Provider) -> None:
    d.prepare(provider, d.SERVICE)
    inputs = d.declared(
        d.SERVICE,
        **RESTORABLE,
        containerDeleteRetentionPolicy=KEPT,
        lastAccessTimeTrackingPolicy={"enable": True, "name": "AccessTimeTracking"},
    )
    live = provider.create(d.native(d.SERVICE), inputs)
    assert provider.read(d.native(d.SERVICE), live.id, inputs) == (live, inputs)
    off = {"enabled": False}
    d.make(provider, d.SERVICE, restorePolicy=off, changeFeed=off, deleteRetentionPolicy=off)
    tracked = {"daysAfterLastAccessTimeGreaterThan": 90}
    with pytest.raises(ArmError, match="lastAccessTimeTrackingPolicy"):
        d.make(provider, d.POLICY, **{f"{STEP}__tierToCool": tracked})
    provider.update(d.native(d.SERVICE), live.id, {}, inputs)
    d.make(provider, d.POLICY, **{f"{STEP}__tierToCool": tracked})


@pytest.mark.parametrize(
    ("kind", "change", "status", "code"),
    [
        ({"kind": "Storage"}, {"isVersioningEnabled": True}, 400, "OperationNotAllowedOnKind"),
        ({"kind": "Storage"}, {"changeFeed": {"enabled": True}}, 400, "OperationNotAllowedOnKind"),
        ({"isHnsEnabled": True}, {"isVersioningEnabled": True}, 409,
         "FeatureNotSupportedForAccount"),
        ({"isHnsEnabled": True}, RESTORABLE, 409, "FeatureNotSupportedForAccount"),
    ],
)  # fmt: skip
def test_some_accounts_have_no_versions(
    provider: Provider, kind: dict[str, Any], change: dict[str, Any], status: int, code: str
) -> None:
    d.prepare(provider, d.SERVICE)
    former(provider, **kind)
    d.make(provider, d.SERVICE, deleteRetentionPolicy=KEPT)
    with pytest.raises(ArmError) as caught:
        d.make(provider, d.SERVICE, **change)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_an_account_of_the_first_kind_has_no_lifecycle(provider: Provider) -> None:
    d.prepare(provider, d.POLICY)
    former(provider, kind="Storage")
    with pytest.raises(ArmError, match="OperationNotAllowedOnKind"):
        d.make(provider, d.POLICY)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ({}, {"encryption__requireInfrastructureEncryption": True},
         "AccountPropertyCannotBeUpdated"),
        ({}, {"isHnsEnabled": True}, "AccountPropertyCannotBeUpdated"),
        ({}, {"enableNfsV3": True}, "AccountPropertyCannotBeUpdated"),
        ({}, {"dnsEndpointType": "AzureDnsZone"}, "AccountPropertyCannotBeUpdated"),
        ({"dnsEndpointType": "AzureDnsZone"}, {"dnsEndpointType": "Standard"},
         "AccountPropertyCannotBeUpdated"),
        ({}, {"dnsEndpointType": "Standard"}, ""),
        ({}, {"encryption__services": {"queue": {"keyType": "Account"}}},
         "AccountPropertyCannotBeUpdated"),
        ({}, {"encryption__services": {"queue": {"keyType": "Service"}}}, ""),
        ({}, {"minimumTlsVersion": "TLS1_0"}, ""),
        ({}, {"minimumTlsVersion": "TLS1_1"}, VALUE),
        ({"minimumTlsVersion": "TLS1_2"}, {"minimumTlsVersion": "TLS1_0"}, VALUE),
        ({}, {"kind": "Storage"}, VALUE),
        ({}, {"sku": {"name": "Premium_LRS"}}, VALUE),
        ({"kind": "Storage"}, {"kind": "StorageV2"}, ""),
        ({}, {"sku": {"name": "Standard_GRS"}}, ""),
        ({}, {"sku": {"name": "Standard_ZRS"}}, VALUE),
        ({}, {"sku": {"name": "Standard_GZRS"}}, VALUE),
        ({"sku": {"name": "Standard_GZRS"}}, {"sku": {"name": "Standard_GRS"}}, VALUE),
        ({"sku": {"name": "Standard_ZRS"}}, {"sku": {"name": "Standard_GZRS"}}, ""),
        ({}, {"encryption__requireInfrastructureEncryption": False}, ""),
        ({"encryption__requireInfrastructureEncryption": True}, {}, ""),
    ],
)  # fmt: skip
def test_an_account_keeps_what_azure_does_not_change_in_place(
    provider: Provider, before: dict[str, Any], after: dict[str, Any], code: str
) -> None:
    is_former = "kind" in before
    d.prepare(provider, d.CONTAINER, StorageAccount={} if is_former else before)
    former(provider, **(before if is_former else {}))
    inputs = d.declared(d.ACCOUNT, **after)
    if not code:
        provider.update(d.native(d.ACCOUNT), d.STORE, {}, inputs)
        return
    with pytest.raises(ArmError) as caught:
        provider.update(d.native(d.ACCOUNT), d.STORE, {}, inputs)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_an_update_cannot_move_an_account_to_a_redundancy_that_its_region_lacks(
    provider: Provider,
) -> None:
    d.prepare(provider, d.CONTAINER, StorageAccount={"location": "italynorth"})
    wanted = d.declared(d.ACCOUNT, location="italynorth", sku={"name": "Standard_GRS"})
    with pytest.raises(ArmError, match="RedundancyConfigurationNotAvailableInRegion"):
        provider.update(d.native(d.ACCOUNT), d.STORE, {}, wanted)


def test_a_container_keeps_its_encryption_scope_and_its_immutability(provider: Provider) -> None:
    d.prepare(provider, d.CONTAINER)
    service = d.make(provider, d.SERVICE, isVersioningEnabled=True)
    declared = {
        "defaultEncryptionScope": "own",
        "denyEncryptionScopeOverride": True,
        "immutableStorageWithVersioning": {"enabled": True},
        "metadata": {"a": "b"},
    }
    live = d.make(provider, d.CONTAINER, **declared)
    inputs = d.declared(d.CONTAINER, **declared)
    assert provider.read(d.native(d.CONTAINER), live.id, inputs) == (live, inputs)
    for change in (
        {"defaultEncryptionScope": "other"},
        {"denyEncryptionScopeOverride": False},
        {"immutableStorageWithVersioning": {"enabled": False}},
    ):
        with pytest.raises(ArmError, match=r"ContainerOperationFailure.*cannot be changed"):
            provider.update(d.native(d.CONTAINER), live.id, {}, {**inputs, **change})
    changed = {**inputs, "metadata": {"a": "c"}}
    assert provider.update(d.native(d.CONTAINER), live.id, {}, changed).outputs["metadata"] == {
        "a": "c"
    }
    off = d.declared(d.SERVICE, isVersioningEnabled=False)
    with pytest.raises(ArmError, match=r"FeatureNotSupportedForAccount.*immutable storage"):
        provider.update(d.native(d.SERVICE), service.id, {}, off)
    provider.delete(d.native(d.CONTAINER), live.id)
    provider.update(d.native(d.SERVICE), service.id, {}, off)


def test_immutability_for_a_whole_account_gives_its_containers_versions(
    provider: Provider,
) -> None:
    immutable = {"immutableStorageWithVersioning": {"enabled": True}}
    d.prepare(provider, d.CONTAINER, StorageAccount=immutable)
    d.make(provider, d.CONTAINER, **immutable)


@pytest.mark.parametrize(
    ("account", "change"),
    [
        ({"sku": {"name": "Premium_LRS"}}, cors()),
        ({"kind": "BlockBlobStorage", "sku": {"name": "Premium_LRS"}}, RESTORABLE),
    ],
)
def test_premium_accounts_lack_some_features(
    provider: Provider, account: dict[str, Any], change: dict[str, Any]
) -> None:
    d.prepare(provider, d.SERVICE, StorageAccount=account)
    with pytest.raises(ArmError, match="FeatureNotSupportedForAccount"):
        d.make(provider, d.SERVICE, **change)


def test_64_origins_in_a_rule_are_taken(provider: Provider) -> None:
    d.prepare(provider, d.SERVICE)
    d.make(provider, d.SERVICE, **cors(allowedOrigins=hosts(64)))


@pytest.mark.parametrize(
    ("short", "change", "code"),
    [
        (d.ROLES, {"roleAssignmentName": "88888888-2222-3333-4444-555555555555"},
         "RoleAssignmentExists"),
        (d.LOGS, {"name": "again"}, "Conflict"),
        (d.LINK, {"virtualNetworkLinkName": "again"}, "Conflict"),
        (d.DOMAIN, {"customDomainName": "again"}, "Conflict"),
        (d.RULE, {"ruleName": "again"}, "Conflict"),
        (d.ROUTE, {"routeName": "again"}, "Conflict"),
        (d.RECORDS, {"privateDnsZoneGroupName": "again"}, "InvalidRequestFormat"),
    ],
)  # fmt: skip
def test_a_second_one_for_the_same_thing_is_refused(
    provider: Provider, short: str, change: dict[str, Any], code: str
) -> None:
    d.prepare(provider, short)
    d.make(provider, short)
    with pytest.raises(ArmError) as caught:
        d.make(provider, short, **change)
    assert caught.value.code == code
    d.make(provider, short, **change, **_ANOTHER[short]) if short in _ANOTHER else None


_ANOTHER: dict[str, dict[str, Any]] = {
    d.ROLES: {"principalId": "22222222-2222-3333-4444-555555555555"},
    d.LOGS: {"logs__0__category": "StorageRead", "metrics": None},
    d.LINK: {"virtualNetwork__id": f"{d.NETWORK}2"},
    d.DOMAIN: {"hostName": "other.example.com"},
    d.RULE: {"order": 2},
    d.ROUTE: {"patternsToMatch": ["/other/*"]},
}


def test_a_role_assignment_cannot_be_turned_into_another(provider: Provider) -> None:
    d.prepare(provider, d.ROLES)
    live = d.make(provider, d.ROLES)
    other = d.declared(d.ROLES, principalId="22222222-2222-3333-4444-555555555555")
    with pytest.raises(ArmError, match="RoleAssignmentUpdateNotPermitted"):
        provider.update(d.native(d.ROLES), live.id, {}, other)


def test_a_route_needs_an_origin_that_is_on(provider: Provider) -> None:
    d.prepare(provider, d.ROUTE, AFDOrigin={"enabledState": "Disabled"})
    with pytest.raises(ArmError, match="at least one enabled origin"):
        d.make(provider, d.ROUTE)
    provider.update(
        d.native(d.ORIGIN), f"{d.FRONT}/originGroups/blobs/origins/blob", {}, d.declared(d.ORIGIN)
    )
    d.make(provider, d.ROUTE)


def test_private_origins_are_for_premium_and_among_themselves(provider: Provider) -> None:
    d.make(provider, d.GROUP)
    d.make(provider, d.ACCOUNT)
    d.make(provider, d.PROFILE, sku={"name": "Standard_AzureFrontDoor"})
    d.make(provider, d.ORIGINS)
    private = {"sharedPrivateLinkResource": PRIVATE_LINK}
    with pytest.raises(ArmError, match="Standard_AzureFrontDoor"):
        d.make(provider, d.ORIGIN, **private)
    provider.update(d.native(d.PROFILE), d.FRONT, {}, d.declared(d.PROFILE))
    d.make(provider, d.ORIGIN, **private)
    with pytest.raises(ArmError, match="private link cannot be in one origin group"):
        d.make(provider, d.ORIGIN, originName="open")
    standard = d.declared(d.PROFILE, sku={"name": "Standard_AzureFrontDoor"})
    with pytest.raises(ArmError, match="cannot go back"):
        provider.update(d.native(d.PROFILE), d.FRONT, {}, standard)


def test_an_accounts_host_on_this_machine_is_an_origin(provider: Provider) -> None:
    d.prepare(provider, d.ORIGIN)
    account = d.make(provider, d.ACCOUNT)
    host = account.outputs["primaryEndpoints"]["blob"].removeprefix("http://").rstrip("/")
    d.make(provider, d.ORIGIN, hostName=host, originHostHeader=host)
    with pytest.raises(ArmError, match="hostName"):
        d.make(provider, d.ORIGIN, originName="other", hostName=f"{host}x")


def test_an_origin_group_signs_in_as_the_profile(provider: Provider) -> None:
    d.prepare(provider, d.ORIGINS, Profile={"identity": None})
    with pytest.raises(ArmError, match="SystemAssigned"):
        d.make(provider, d.ORIGINS)
    d.make(provider, d.ORIGINS, authentication=None)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "AlwaysOn"),
        (
            {"siteConfig__alwaysOn": False, "virtualNetworkSubnetId": f"{d.NETWORK}/subnets/web"},
            "integration",
        ),
    ],
)
def test_a_free_plan_lacks_some_features(
    provider: Provider, change: dict[str, Any], word: str
) -> None:
    d.prepare(provider, d.APP, AppServicePlan={"sku__name": "F1"})
    with pytest.raises(ArmError, match=word):
        d.make(provider, d.APP, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"properties__enablePurgeProtection": None},
        {"properties__softDeleteRetentionInDays": 30, "properties__enablePurgeProtection": True},
    ],
)
def test_a_vault_keeps_its_protection_and_its_retention(
    provider: Provider, change: dict[str, Any]
) -> None:
    d.prepare(provider, d.VAULT)
    live = d.make(provider, d.VAULT, properties__enablePurgeProtection=True)
    with pytest.raises(ArmError, match=r"irreversible|modified"):
        provider.update(d.native(d.VAULT), live.id, live.outputs, d.declared(d.VAULT, **change))
