"""Each feature declares its resources if it is on, and nothing if it is off."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra import access, rules
from infra.delivery import dns_records
from infra.private_endpoint import network_of
from infra.rules import PRIVATE_ZONE as ZONE
from tests.infra.declared import (
    ACCOUNT,
    CONTAINER,
    GROUP,
    KEY,
    LIFECYCLE,
    LOCK,
    ROLE,
    SERVICE,
    SUBNET,
    Declared,
)

OBJECT_ID = "11111111-2222-3333-4444-555555555555"
IDENTITY = {"authMode": "identity", "dataPrincipals": [f"ServicePrincipal:{OBJECT_ID}"]}
TUTORIAL = sorted([GROUP, ACCOUNT, SERVICE, CONTAINER, CONTAINER, CONTAINER, LIFECYCLE])


def account(declared: Declared) -> dict[str, Any]:
    (found,) = declared.inputs(ACCOUNT)
    return found


def service(declared: Declared) -> dict[str, Any]:
    (found,) = declared.inputs(SERVICE)
    return found


def only(declared: Declared, token: str) -> dict[str, Any]:
    (found,) = declared.inputs(f"azure-native:{token}")
    return found


# --- Hardening ------------------------------------------------------------------------------------


def test_the_account_is_hardened_by_default() -> None:
    found = account(Declared())
    assert found["defaultToOAuthAuthentication"] is True
    assert found["encryption"]["requireInfrastructureEncryption"] is True
    assert found["encryption"]["keySource"] == "Microsoft.Storage"
    assert found["keyPolicy"] == {"keyExpirationPeriodInDays": 90}
    assert found["sasPolicy"] == {"expirationAction": "Log", "sasExpirationPeriod": "1.00:00:00"}


def test_expiry_policies_can_be_left_out() -> None:
    found = account(Declared(keyExpiryDays=0, sasExpiryHours=0))
    assert "keyPolicy" not in found
    assert "sasPolicy" not in found


def test_a_policy_in_hours_is_written_as_days_and_hours() -> None:
    policy = account(Declared(sasExpiryHours=49))["sasPolicy"]
    assert policy["sasExpirationPeriod"] == "2.01:00:00"


def test_an_account_without_public_containers_disallows_public_access() -> None:
    declared = Declared(staticAccess="private", frontDoor="standard")
    assert account(declared)["allowBlobPublicAccess"] is False
    levels = {c["containerName"]: c["publicAccess"] for c in declared.inputs(CONTAINER)}
    assert levels == {"static": "None", "media": "None", "quarantine": "None"}


def test_an_account_with_public_media_alone_allows_public_access() -> None:
    declared = Declared(staticAccess="private", frontDoor="standard", mediaAccess="public")
    assert account(declared)["allowBlobPublicAccess"] is True
    levels = {c["containerName"]: c["publicAccess"] for c in declared.inputs(CONTAINER)}
    assert levels == {"static": "None", "media": "Blob", "quarantine": "None"}


def test_the_configurations_tags_win_over_the_stacks_own() -> None:
    tags = account(Declared(tags={"stack": "mine"}))["tags"]
    assert tags == {"project": "django-azure-blob", "stack": "mine"}


# --- Identity and keys ----------------------------------------------------------------------------


def test_with_identity_there_are_no_keys_and_the_principal_has_both_roles() -> None:
    declared = Declared(**IDENTITY)
    assert account(declared)["allowSharedKeyAccess"] is False
    assert "AZURE_ACCOUNT_KEY" not in declared.outputs
    assert declared.outputs["AZURE_AUTH_MODE"] == "identity"
    roles = declared.inputs(ROLE)
    assert [role["principalId"] for role in roles] == [OBJECT_ID] * 2
    assert {role["principalType"] for role in roles} == {"ServicePrincipal"}
    assert declared.tokens() == sorted([*TUTORIAL, ROLE, ROLE])


def test_a_roles_id_is_within_the_accounts_subscription() -> None:
    resource = f"/subscriptions/{OBJECT_ID}/resourceGroups/g/providers/Microsoft.Storage/x/y"
    assert access.role_id(resource, access.DATA_ROLES["delegator"]) == (
        f"/subscriptions/{OBJECT_ID}/providers/Microsoft.Authorization/roleDefinitions/"
        "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
    )


def test_roles_can_be_given_before_the_keys_are_switched_off() -> None:
    declared = Declared(dataPrincipals=[f"User:{OBJECT_ID}"])
    assert account(declared)["allowSharedKeyAccess"] is True
    assert "AZURE_ACCOUNT_KEY" in declared.outputs
    assert len(declared.inputs(ROLE)) == 2


# --- Data protection ------------------------------------------------------------------------------


def test_soft_delete_is_on_and_versioning_is_off_by_default() -> None:
    found = service(Declared())
    assert found["deleteRetentionPolicy"] == {"enabled": True, "days": 7}
    assert found["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 7}
    assert found["isVersioningEnabled"] is False
    assert found["restorePolicy"] == {"enabled": False}
    assert found["changeFeed"] == {"enabled": False}


def test_disabled_retention_is_declared_as_disabled() -> None:
    found = service(Declared(blobSoftDeleteDays=0, containerSoftDeleteDays=0))
    assert found["deleteRetentionPolicy"] == {"enabled": False}
    assert found["containerDeleteRetentionPolicy"] == {"enabled": False}


def test_point_in_time_restore_enables_the_change_feed() -> None:
    found = service(Declared(versioning=True, restoreDays=6))
    assert found["restorePolicy"] == {"enabled": True, "days": 6}
    assert found["changeFeed"] == {"enabled": True}
    assert found["isVersioningEnabled"] is True


def rules_of(declared: Declared) -> dict[str, dict[str, Any]]:
    return {
        rule["name"]: rule["definition"]
        for policy in declared.inputs(LIFECYCLE)
        for rule in policy["policy"]["rules"]
    }


def test_only_abandoned_uploads_are_deleted_and_after_a_day() -> None:
    found = rules_of(Declared())
    assert list(found) == ["abandoned-uploads"]
    assert found["abandoned-uploads"]["filters"]["prefixMatch"] == ["quarantine/"]
    assert found["abandoned-uploads"]["actions"] == {
        "baseBlob": {"delete": {"daysAfterModificationGreaterThan": 1}}
    }


def test_old_versions_and_cool_media_have_rules_of_their_own() -> None:
    found = rules_of(
        Declared(
            versioning=True,
            coolAfterDays=90,
            mediaContainer="uploads",
            quarantineContainer="unchecked",
        )
    )
    assert list(found) == ["abandoned-uploads", "old-versions", "cool-media"]
    assert found["old-versions"]["actions"]["version"] == {
        "delete": {"daysAfterCreationGreaterThan": 30}
    }
    containers = ["static/", "uploads/", "unchecked/"]
    assert found["old-versions"]["filters"]["prefixMatch"] == containers
    assert found["abandoned-uploads"]["filters"]["prefixMatch"] == ["unchecked/"]
    assert found["cool-media"]["filters"]["prefixMatch"] == ["uploads/"]
    assert found["cool-media"]["actions"]["baseBlob"] == {
        "tierToCool": {"daysAfterModificationGreaterThan": 90}
    }


@pytest.mark.parametrize("versioning", [True, False])
def test_no_rule_deletes_a_blob_that_the_site_uses(versioning: bool) -> None:
    for definition in rules_of(Declared(versioning=versioning, coolAfterDays=1)).values():
        if "delete" in definition["actions"].get("baseBlob", {}):
            assert definition["filters"]["prefixMatch"] == ["quarantine/"]


def test_without_any_rule_there_is_no_policy() -> None:
    assert Declared(quarantineDays=0).inputs(LIFECYCLE) == []


# --- Safety ---------------------------------------------------------------------------------------


def test_the_lock_is_created_last_so_that_it_is_deleted_first() -> None:
    declared = Declared(lock=True, **IDENTITY)
    lock = declared.resources[-1]
    assert lock.type == LOCK
    assert lock.inputs["level"] == "CanNotDelete"
    others = {r.urn for r in declared.resources if r.type not in (LOCK, GROUP)}
    assert others <= set(lock.dependencies)


def test_retained_media_outlive_the_stack() -> None:
    declared = Declared(retainMedia=True)
    kept = {r.name for r in declared.resources if r.retain_on_delete}
    assert kept == {"site-group", "django", "site-blobs", "site-media", "site-lifecycle"}
    # Nothing may be taken for gone with an account that stays.
    assert not any(r.deleted_with for r in declared.resources)


def test_nothing_outlives_the_stack_by_default() -> None:
    assert not any(r.retain_on_delete for r in Declared().resources)


# --- Network --------------------------------------------------------------------------------------


def test_an_open_firewall_is_declared_so_that_a_manual_rule_is_drift() -> None:
    found = account(Declared())
    assert found["publicNetworkAccess"] == "Enabled"
    assert found["networkRuleSet"] == {
        "defaultAction": "Allow",
        "bypass": "AzureServices",
        "ipRules": [],
        "virtualNetworkRules": [],
    }


def test_a_firewall_admits_the_listed_addresses_and_subnets() -> None:
    found = account(
        Declared(
            networkAccess="firewall",
            allowedIpRanges=["203.0.113.0/24", "198.51.100.7"],
            allowedSubnets=[SUBNET],
            trustedServices=False,
        )
    )
    assert found["publicNetworkAccess"] == "Enabled"
    assert found["networkRuleSet"] == {
        "defaultAction": "Deny",
        "bypass": "None",
        "ipRules": [
            {"iPAddressOrRange": "203.0.113.0/24", "action": "Allow"},
            {"iPAddressOrRange": "198.51.100.7", "action": "Allow"},
        ],
        "virtualNetworkRules": [{"virtualNetworkResourceId": SUBNET, "action": "Allow"}],
    }


def test_a_closed_account_is_reached_by_its_private_endpoint() -> None:
    declared = Declared(networkAccess="closed", privateEndpointSubnet=SUBNET)
    assert account(declared)["publicNetworkAccess"] == "Disabled"
    endpoint = only(declared, "network:PrivateEndpoint")
    assert endpoint["subnet"]["id"] == SUBNET
    (connection,) = endpoint["privateLinkServiceConnections"]
    assert connection["groupIds"] == ["blob"]
    assert only(declared, "privatedns:PrivateZone")["privateZoneName"] == ZONE
    link = only(declared, "privatedns:VirtualNetworkLink")
    assert link["virtualNetwork"] == {"id": network_of(SUBNET)}
    assert link["registrationEnabled"] is False
    (config,) = only(declared, "network:PrivateDnsZoneGroup")["privateDnsZoneConfigs"]
    assert config["privateDnsZoneId"].endswith("/site-private-zone")


def test_requests_are_logged_where_a_workspace_is_named() -> None:
    declared = Declared(logAnalyticsWorkspace=rules.WORKSPACE_EXAMPLE)
    setting = only(declared, "monitor:DiagnosticSetting")
    assert setting["workspaceId"] == rules.WORKSPACE_EXAMPLE
    logs = {log["category"]: log["enabled"] for log in setting["logs"]}
    assert logs == {"StorageRead": True, "StorageWrite": True, "StorageDelete": True}


# --- Delivery -------------------------------------------------------------------------------------


def test_front_door_serves_static_files_over_https_and_compresses_text() -> None:
    declared = Declared(frontDoor="standard")
    assert only(declared, "cdn:Profile")["sku"] == {"name": "Standard_AzureFrontDoor"}
    route = only(declared, "cdn:Route")
    assert route["patternsToMatch"] == ["/static/*"]
    assert route["httpsRedirect"] == "Enabled"
    assert route["forwardingProtocol"] == "HttpsOnly"
    compression = route["cacheConfiguration"]["compressionSettings"]
    assert compression["isCompressionEnabled"] is True
    assert {"text/css", "text/javascript"} <= set(compression["contentTypesToCompress"])
    assert "sharedPrivateLinkResource" not in only(declared, "cdn:AFDOrigin")
    assert declared.outputs["AZURE_CUSTOM_DOMAIN"] == "site-door-endpoint.azurefd.net"
    (route_resource,) = (r for r in declared.resources if r.type.endswith(":Route"))
    assert any(urn.endswith("::site-door-origin") for urn in route_resource.dependencies)


def test_front_door_serves_media_too_if_they_are_public() -> None:
    declared = Declared(frontDoor="standard", mediaAccess="public")
    assert only(declared, "cdn:Route")["patternsToMatch"] == ["/static/*", "/media/*"]


def test_uploads_bypass_front_door_and_it_does_not_serve_the_quarantine() -> None:
    declared = Declared(
        frontDoor="standard",
        staticAccess="private",
        mediaAccess="public",
        corsOrigins=["https://www.example.com"],
    )
    assert [rule["allowedMethods"] for rule in service(declared)["cors"]["corsRules"]] == [
        ["GET", "HEAD"],
        ["PUT"],
    ]
    assert only(declared, "cdn:Route")["patternsToMatch"] == ["/static/*", "/media/*"]
    readers = {r.name for r in declared.resources if r.type == ROLE}
    assert readers == {"site-door-reads-static", "site-door-reads-media"}


def test_pages_link_to_the_custom_domain() -> None:
    declared = Declared(frontDoor="standard", customDomain="static.example.com")
    domain = only(declared, "cdn:AFDCustomDomain")
    assert domain["hostName"] == "static.example.com"
    assert domain["tlsSettings"] == {
        "certificateType": "ManagedCertificate",
        "minimumTlsVersion": "TLS12",
    }
    assert len(only(declared, "cdn:Route")["customDomains"]) == 1
    assert declared.outputs["AZURE_CUSTOM_DOMAIN"] == "static.example.com"


def test_the_message_about_a_domain_names_both_dns_records() -> None:
    told = dns_records("static.example.com", "x.azurefd.net", "abc123")
    assert "CNAME static.example.com -> x.azurefd.net" in told
    assert "TXT _dnsauth.static.example.com -> abc123" in told


def test_private_static_files_are_read_by_front_doors_own_identity() -> None:
    declared = Declared(frontDoor="standard", staticAccess="private")
    assert only(declared, "cdn:Profile")["identity"] == {"type": "SystemAssigned"}
    assert only(declared, "cdn:AFDOriginGroup")["authentication"] == {
        "type": "SystemAssignedIdentity",
        "scope": "https://storage.azure.com/.default",
    }
    (role,) = declared.inputs(ROLE)
    assert role["principalType"] == "ServicePrincipal"
    (rule,) = declared.inputs("azure-native:cdn:Rule")
    (action,) = rule["actions"]
    assert action["parameters"]["headerName"] == "x-ms-version"


def test_premium_reaches_a_closed_account_by_a_private_link() -> None:
    declared = Declared(frontDoor="premium", networkAccess="closed", privateEndpointSubnet=SUBNET)
    assert only(declared, "cdn:Profile")["sku"] == {"name": "Premium_AzureFrontDoor"}
    link = only(declared, "cdn:AFDOrigin")["sharedPrivateLinkResource"]
    assert (link["groupId"], link["privateLinkLocation"]) == ("blob", "westeurope")


def test_a_private_link_can_be_in_another_region_than_the_account() -> None:
    declared = Declared(
        location="italynorth",
        frontDoor="premium",
        networkAccess="closed",
        privateEndpointSubnet=SUBNET,
        privateLinkLocation="germanywestcentral",
    )
    link = only(declared, "cdn:AFDOrigin")["sharedPrivateLinkResource"]
    assert link["privateLinkLocation"] == "germanywestcentral"
    assert account(declared)["location"] == "italynorth"


def test_front_door_answers_each_origin_with_its_own_name() -> None:
    origins = ["https://a.example", "https://b.example"]
    declared = Declared(frontDoor="standard", corsOrigins=origins)
    found = {}
    for rule in declared.inputs("azure-native:cdn:Rule"):
        (condition,) = rule["conditions"]
        headers = {
            action["parameters"]["headerName"]: action["parameters"]["value"]
            for action in rule["actions"]
        }
        found[condition["parameters"]["matchValues"][0]] = headers
    assert found == {
        origin: {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} for origin in origins
    }


def test_front_door_answers_a_wildcards_subdomains_with_the_origin_of_the_request() -> None:
    declared = Declared(frontDoor="standard", corsOrigins=["https://*.preview.example.com:8443"])
    (rule,) = declared.inputs("azure-native:cdn:Rule")
    condition = rule["conditions"][0]["parameters"]
    assert condition["operator"] == "RegEx"
    (pattern,) = condition["matchValues"]
    assert re.search(pattern, "https://pr-7.preview.example.com:8443")
    assert re.search(pattern, "https://a.b.preview.example.com:8443")
    for other in (
        "https://preview.example.com:8443",
        "https://evilpreview.example.com:8443",
        "https://a.previewxexample.com:8443",
        "https://a.preview.example.com:8443.evil.example",
        "http://a.preview.example.com:8443",
        "https://evil.example/.preview.example.com:8443",
    ):
        assert not re.search(pattern, other)
    values = {a["parameters"]["headerName"]: a["parameters"]["value"] for a in rule["actions"]}
    assert values == {"Access-Control-Allow-Origin": "{http_req_header_Origin}", "Vary": "Origin"}


def test_only_a_wide_wildcard_is_warned_about() -> None:
    origins = ["https://*.vercel.app", "https://*.preview.example.com"]
    declared = Declared(corsOrigins=origins)
    (warning,) = declared.warnings
    assert "corsOrigins has 'https://*.vercel.app': anyone can have a page" in warning


@pytest.mark.parametrize(
    "settings",
    [
        {"frontDoor": "standard", "customDomain": "static.example.com"},
        {"networkAccess": "closed", "privateEndpointSubnet": SUBNET},
    ],
)
def test_tags_reach_every_resource_that_takes_tags(settings: dict[str, str]) -> None:
    declared = Declared(tags={"team": "web"}, **settings)
    tagged = {r.type.rpartition(":")[2] for r in declared.resources if "tags" in r.inputs}
    takes_tags = {
        "ResourceGroup",
        "StorageAccount",
        "Profile",
        "AFDEndpoint",
        "PrivateEndpoint",
        "PrivateZone",
        "VirtualNetworkLink",
    }
    declared_types = {r.type.rpartition(":")[2] for r in declared.resources}
    assert tagged == takes_tags & declared_types


# --- Components -----------------------------------------------------------------------------------

EVERYTHING = {
    "frontDoor": "premium",
    "networkAccess": "firewall",
    "privateEndpointSubnet": SUBNET,
    "logAnalyticsWorkspace": rules.WORKSPACE_EXAMPLE,
    "dataPrincipals": IDENTITY["dataPrincipals"],
    "corsOrigins": ["https://www.example.com"],
    "sku": "Standard_RAGRS",
    "lock": True,
}


def test_every_component_registers_its_outputs() -> None:
    outputs = {each.name: each.outputs for each in Declared(**EVERYTHING).components}
    assert outputs["site-door"] == {"host": "site-door-endpoint.azurefd.net"}
    assert outputs["site-private"]["endpointId"].endswith("/site-private")
    storage = outputs["site"]
    assert set(storage) == {
        "accountId",
        "accountName",
        "accountKey",
        "blobEndpoint",
        "secondaryBlobEndpoint",
        "publicHost",
        "staticContainer",
        "mediaContainer",
        "quarantineContainer",
        "environment",
    }
    assert storage["blobEndpoint"] == "https://django.blob.core.windows.net/"
    assert storage["environment"]["value"]["AZURE_ACCOUNT_KEY"] == KEY


def test_every_child_is_named_after_its_component_except_the_account() -> None:
    """The account's resource is named by accountNamePrefix, because azure-native generates the
    account's name from it."""
    declared = Declared(**EVERYTHING)
    names = {each.name for each in declared.components + declared.resources}
    assert {name for name in names if name.partition("-")[0] != "site"} == {"django"}
