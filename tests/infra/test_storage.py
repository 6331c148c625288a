"""The resources that the settings declare, and their outputs."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import ConfigError
from infra.outputs import OUTPUTS
from infra.storage import without_scheme
from tests.infra.declared import (
    ACCOUNT,
    CONTAINER,
    GROUP,
    KEY,
    LIFECYCLE,
    SERVICE,
    SUBNET,
    Declared,
)


def test_seven_resources_are_declared_and_no_more() -> None:
    seven = [GROUP, ACCOUNT, SERVICE, CONTAINER, CONTAINER, CONTAINER, LIFECYCLE]
    assert Declared().tokens() == sorted(seven)


def test_the_account_takes_https_and_tls_1_2_only_and_no_other_tenants_copies() -> None:
    (account,) = Declared().inputs(ACCOUNT)
    assert account["enableHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["allowCrossTenantReplication"] is False
    assert (account["kind"], account["sku"]) == ("StorageV2", {"name": "Standard_LRS"})
    assert account["location"] == "westeurope"


def test_a_generated_name_starts_with_the_prefix_and_a_fixed_one_is_taken_as_it_is() -> None:
    (generated,) = Declared(accountNamePrefix="web").inputs(ACCOUNT)
    assert "accountName" not in generated  # azure-native makes it out of the resource's name
    (fixed,) = Declared(accountName="djangoaccountstorage").inputs(ACCOUNT)
    assert fixed["accountName"] == "djangoaccountstorage"


@pytest.mark.parametrize(("access", "level"), [("public", "Blob"), ("private", "None")])
def test_media_is_public_only_if_asked_static_at_blob_level_and_quarantine_never(
    access: str, level: str
) -> None:
    declared = Declared(mediaAccess=access)
    levels = {c["containerName"]: c["publicAccess"] for c in declared.inputs(CONTAINER)}
    assert levels == {"static": "Blob", "media": level, "quarantine": "None"}
    (account,) = declared.inputs(ACCOUNT)
    assert account["allowBlobPublicAccess"] is True
    assert declared.outputs["AZURE_MEDIA_ACCESS"] == access


ORIGINS = ["https://a.example", "https://b.example"]
READING = {
    "allowedOrigins": ORIGINS,
    "allowedMethods": ["GET", "HEAD"],
    "allowedHeaders": ["*"],
    "exposedHeaders": ["content-length", "content-type", "etag"],
    "maxAgeInSeconds": 600,
}
SENDING = {
    "allowedOrigins": ORIGINS,
    "allowedMethods": ["PUT"],
    "allowedHeaders": ["content-type", "x-ms-*"],
    "exposedHeaders": ["etag", "retry-after", "x-ms-error-code", "x-ms-request-id"],
    "maxAgeInSeconds": 600,
}
FIREWALL = {"networkAccess": "firewall", "allowedIpRanges": ["203.0.113.0/24"]}
CLOSED = {"networkAccess": "closed", "privateEndpointSubnet": SUBNET}


def cors_of(declared: Declared) -> list[dict[str, Any]]:
    (service,) = declared.inputs(SERVICE)
    rules: list[dict[str, Any]] = service["cors"]["corsRules"]
    return rules


def test_pages_of_the_origins_may_read_and_upload_and_nothing_more() -> None:
    declared = Declared(corsOrigins=ORIGINS, corsMaxAgeSeconds=600)
    assert cors_of(declared) == [READING, SENDING]
    assert declared.outputs["AZURE_DIRECT_UPLOAD"] == "true"


@pytest.mark.parametrize(
    "settings", [{"directUpload": False}, FIREWALL, CLOSED], ids=["off", "firewall", "closed"]
)
def test_without_direct_uploads_there_is_no_rule_for_them_and_the_site_knows(
    settings: dict[str, Any],
) -> None:
    declared = Declared(corsOrigins=ORIGINS, corsMaxAgeSeconds=600, **settings)
    assert cors_of(declared) == [READING]
    assert declared.outputs["AZURE_DIRECT_UPLOAD"] == "false"


def test_without_origins_there_is_no_rule() -> None:
    declared = Declared()
    (service,) = declared.inputs(SERVICE)
    assert service["cors"]["corsRules"] == []
    assert declared.outputs["AZURE_DIRECT_UPLOAD"] == "false"
    assert service["blobServicesName"] == "default"


def test_tags_are_on_the_group_and_the_account() -> None:
    declared = Declared(tags={"team": "web"})
    tags = {"project": "django-azure-blob", "stack": "local", "team": "web"}
    for token in (GROUP, ACCOUNT):
        assert [inputs["tags"] for inputs in declared.inputs(token)] == [tags]


@pytest.mark.parametrize("protect", [True, False])
def test_protection_covers_every_resource_or_none(protect: bool) -> None:
    door = {"frontDoor": "standard", "staticAccess": "private"}
    declared = Declared(protect=protect, lock=True, **door)
    assert {resource.protect for resource in declared.resources} == {protect}


def test_the_service_and_the_containers_are_deleted_with_the_account() -> None:
    declared = Declared()
    (account,) = (r.urn for r in declared.resources if r.type == ACCOUNT)
    for resource in declared.resources:
        below = resource.type in (SERVICE, CONTAINER, LIFECYCLE)
        assert resource.deleted_with == (account if below else "")


def test_the_key_is_secret_and_nothing_else_is() -> None:
    declared = Declared()
    assert declared.outputs["AZURE_ACCOUNT_KEY"] == KEY
    assert declared.secrets == {"AZURE_ACCOUNT_KEY"}


def test_the_outputs_are_those_of_the_table_except_those_of_other_settings() -> None:
    others = {"AZURE_AUTH_MODE", "AZURE_BLOB_SECONDARY_ENDPOINT", "SITE_URL"}
    assert set(OUTPUTS) - set(Declared().outputs) == others


def test_a_wrong_setting_stops_the_program_before_it_declares_anything() -> None:
    with pytest.raises(ConfigError, match="django-azure-blob:sku is 'gold'"):
        Declared(sku="gold")


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://a.blob.core.windows.net/", "a.blob.core.windows.net"),
        ("http://127.0.0.1:10000/a/", "127.0.0.1:10000/a"),
    ],
)
def test_a_domain_is_the_endpoint_without_scheme_and_slash(url: str, domain: str) -> None:
    assert without_scheme(url) == domain
