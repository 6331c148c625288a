"""The stack's configuration: each setting with its default, its meaning and its rule."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from . import rules
from .settings import setting, settings_of

_WHERE = "Where and what"
_ACCESS = "Who may read and write"
_CORS = "CORS"
_DATA = "Data protection"
_SAFETY = "Safety"
_NETWORK = "Network"
_DELIVERY = "Delivery"
_ADOPTION = "Adoption"

MONTH, YEAR, CENTURY = 30, 365, 36500


@dataclass(frozen=True)
class StackConfig:
    """What a stack is declared from. A field is the setting of the same name in camel case.

    A stack's settings are plain values. Where a field is a `pulumi.Input`, a program that uses the
    component may pass another resource's output instead.
    """

    location: pulumi.Input[str] = setting(
        "westeurope",
        _WHERE,
        "Azure region of everything, in lower case without spaces",
        "westeurope",
        rule=rules.region,
    )
    resource_group_name: pulumi.Input[str] = setting(
        "DemoDjangoBlob",
        _WHERE,
        "Resource group that holds everything",
        "DemoDjangoBlob",
        rule=rules.resource_group_name,
    )
    create_resource_group: bool = setting(
        True,
        _WHERE,
        "Creates the group; false for one that exists, which is neither changed nor deleted",
        "false",
    )
    account_name: pulumi.Input[str] = setting(
        "",
        _WHERE,
        "Fixed name of the storage account, worldwide unique; empty for a generated one",
        "djangoaccountstorage",
        rule=rules.or_empty(rules.account_name),
    )
    account_name_prefix: str = setting(
        "django",
        _WHERE,
        "What a generated account name begins with, 1 to 16 lower-case letters and digits",
        "django",
        rule=rules.account_name_prefix,
    )
    account_kind: str = setting(
        "StorageV2",
        _WHERE,
        "StorageV2; BlockBlobStorage for premium disks; Storage to adopt an old account",
        "StorageV2",
        rule=rules.one_of("StorageV2", "BlockBlobStorage", "Storage"),
        cost="BlockBlobStorage stores at several times the price and answers faster",
    )
    sku: str = setting(
        "Standard_LRS",
        _WHERE,
        "How many copies of the data there are, and where",
        "Standard_LRS",
        rule=rules.one_of(*rules.SKUS),
        cost="ZRS about 1.25 times, GRS 2 times, GZRS 2.25 times the storage of LRS",
    )
    static_container: str = setting(
        "static", _WHERE, "Container for static files", "static", rule=rules.container_name
    )
    media_container: str = setting(
        "media", _WHERE, "Container for uploads", "media", rule=rules.container_name
    )
    quarantine_container: str = setting(
        "quarantine",
        _WHERE,
        "Container for uploads that the site has not checked yet, always private",
        "quarantine",
        rule=rules.container_name,
    )
    tags: dict[str, pulumi.Input[str]] = setting(
        {}, _WHERE, "Tags of everything that takes tags, beside project and stack", "team web"
    )

    media_access: str = setting(
        "private",
        _ACCESS,
        "Whether anyone may read uploads (public), or only through signed URLs (private)",
        "private",
        rule=rules.one_of("public", "private"),
    )
    static_access: str = setting(
        "public",
        _ACCESS,
        "Whether anyone may read static files (public), or Front Door only (private)",
        "public",
        rule=rules.one_of("public", "private"),
    )
    auth_mode: str = setting(
        "key",
        _ACCESS,
        "How the site signs in: with an account key, or as an identity of Microsoft Entra ID",
        "identity",
        rule=rules.one_of("key", "identity"),
    )
    data_principals: tuple[pulumi.Input[str], ...] = setting(
        (),
        _ACCESS,
        "Who may read and write blobs as an identity, each TYPE:OBJECT_ID",
        "ServicePrincipal:11111111-2222-3333-4444-555555555555",
        rule=rules.principal,
    )
    active_key: str = setting(
        "key1",
        _ACCESS,
        "Which of the account's two keys the site is given",
        "key1",
        rule=rules.one_of("key1", "key2"),
    )
    key_expiry_days: int = setting(
        90,
        _ACCESS,
        "Days after which Azure reports a key as due for renewal; 0 for never",
        "90",
        bounds=(0, 10 * YEAR),
    )
    sas_expiry_hours: int = setting(
        24,
        _ACCESS,
        "Hours beyond which Azure logs a signature as too long-lived; 0 for never",
        "24",
        bounds=(0, 24 * YEAR),
    )
    infrastructure_encryption: bool = setting(
        True,
        _ACCESS,
        "Encrypts everything a second time with another key; for new accounts only",
        "true",
    )

    cors_origins: tuple[pulumi.Input[str], ...] = setting(
        (),
        _CORS,
        "Origins whose pages load webfonts and modules, and send uploads: scheme://[*.]host[:port]",
        "https://www.example.com",
    )
    cors_allow_any_origin: bool = setting(False, _CORS, "Whether corsOrigins may hold '*'", "true")
    cors_max_age_seconds: int = setting(
        3600,
        _CORS,
        "How long browsers keep the answer to a preflight, 0 to 86400",
        "3600",
        bounds=(0, 86400),
    )
    direct_upload: bool = setting(
        True,
        _CORS,
        "Browsers send uploads to the account itself; needs corsOrigins, and networkAccess open",
        "false",
    )

    blob_soft_delete_days: int = setting(
        7,
        _DATA,
        "Days for which a deleted or overwritten blob can be brought back; 0 for not at all",
        "7",
        bounds=(0, YEAR),
        cost="deleted and overwritten bytes are paid for until then",
    )
    container_soft_delete_days: int = setting(
        7,
        _DATA,
        "Days for which a deleted container can be brought back; 0 for not at all",
        "7",
        bounds=(0, YEAR),
        cost="a deleted container is paid for until then",
    )
    versioning: bool = setting(
        False,
        _DATA,
        "Keeps what a blob held before each change",
        "true",
        cost="every version is paid for as a blob until oldVersionDays take it",
    )
    old_version_days: int = setting(
        MONTH,
        _DATA,
        "Days after which an old version is deleted; 0 to keep them all",
        "30",
        bounds=(0, CENTURY),
        cost="less: old versions end",
    )
    restore_days: int = setting(
        0,
        _DATA,
        "Days that the containers can be turned back to any moment of; 0 for not at all",
        "6",
        bounds=(0, YEAR - 1),
        cost="the change feed's log, and the versions and deleted blobs that it needs",
    )
    quarantine_days: int = setting(
        1,
        _DATA,
        "Days after which an upload that was never accepted is deleted; 0 for never",
        "1",
        bounds=(0, CENTURY),
        cost="less: abandoned uploads end",
    )
    cool_after_days: int = setting(
        0,
        _DATA,
        "Days without change after which media move to the cool tier; 0 for never",
        "90",
        bounds=(0, CENTURY),
        cost="storage about half, reading and writing dearer, 30 days at the least are charged",
    )

    protect: bool = setting(
        False,
        _SAFETY,
        "Refuses every step that would delete or replace something, and its blobs with it",
        "true",
    )
    lock: bool = setting(
        False, _SAFETY, "Azure itself refuses to delete the account: a CanNotDelete lock", "true"
    )
    retain_media: bool = setting(
        False, _SAFETY, "Taking the stack down leaves the account and its media in Azure", "true"
    )

    allow_lower_protection: bool = setting(
        False,
        _SAFETY,
        "Lets an update lower redundancy, retention, versioning, TLS or access of what exists",
        "true",
    )

    network_access: str = setting(
        "open",
        _NETWORK,
        "Who reaches the account: all (open), who is listed (firewall), private endpoints (closed)",
        "firewall",
        rule=rules.one_of("open", "firewall", "closed"),
    )
    allowed_ip_ranges: tuple[pulumi.Input[str], ...] = setting(
        (),
        _NETWORK,
        "Public IPv4 addresses or ranges that pass the firewall",
        "203.0.113.0/24",
        rule=rules.ip_range,
    )
    allowed_subnets: tuple[pulumi.Input[str], ...] = setting(
        (),
        _NETWORK,
        "Ids of subnets that pass the firewall, each with a Microsoft.Storage service endpoint",
        rules.SUBNET_EXAMPLE,
        rule=rules.subnet,
    )
    trusted_services: bool = setting(
        True, _NETWORK, "Azure's own services, such as backup, pass the firewall", "true"
    )
    private_endpoint_subnet: pulumi.Input[str] = setting(
        "",
        _NETWORK,
        "Id of a subnet that gets a private address of the account, with its DNS zone; or empty",
        rules.SUBNET_EXAMPLE,
        rule=rules.or_empty(rules.subnet),
        cost="about 7 USD a month and 0.01 USD a GB, the DNS zone 0.50 USD",
    )
    private_dns_zone_id: pulumi.Input[str] = setting(
        "",
        _NETWORK,
        "Id of an existing zone privatelink.blob.core.windows.net to use instead of a new one",
        rules.ZONE_EXAMPLE,
        rule=rules.or_empty(rules.private_zone),
    )
    log_analytics_workspace: pulumi.Input[str] = setting(
        "",
        _NETWORK,
        "Id of a Log Analytics workspace that gets the log of every blob request; or empty",
        rules.WORKSPACE_EXAMPLE,
        rule=rules.or_empty(rules.workspace),
        cost="about 2.50 USD for each GB of log; a busy site writes one line a request",
    )

    front_door: str = setting(
        "none",
        _DELIVERY,
        "Azure Front Door in front of what is public: none, standard or premium",
        "standard",
        rule=rules.one_of("none", "standard", "premium"),
        cost="standard about 35, premium about 330 USD a month, and the traffic",
    )
    private_link_location: str = setting(
        "",
        _DELIVERY,
        "Region of Front Door's private link, the nearest to the account; empty for the account's",
        "westeurope",
        rule=rules.or_empty(rules.private_link_region),
    )
    custom_domain: str = setting(
        "",
        _DELIVERY,
        "Host name of your own for Front Door, with a certificate that Azure renews; or empty",
        "static.example.com",
        rule=rules.or_empty(rules.host_name),
    )

    adopt: bool = setting(
        False,
        _ADOPTION,
        "Takes over an account that exists already, as it is; switch it off after the first up",
        "true",
    )

    @property
    def media_is_public(self) -> bool:
        return self.media_access == "public"

    @property
    def static_is_public(self) -> bool:
        return self.static_access == "public"

    @property
    def takes_direct_uploads(self) -> bool:
        """Whether browsers may and can send uploads to the account: behind a firewall or in a
        closed network visitors do not reach it, and the site takes uploads itself."""
        return self.direct_upload and bool(self.cors_origins) and self.network_access == "open"

    @property
    def reads_second_region(self) -> bool:
        """Whether the copies in the second region have an endpoint of their own ("Azure Storage
        redundancy", read access to data in the secondary region)."""
        return self.sku in ("Standard_RAGRS", "Standard_RAGZRS")

    @property
    def uses_keys(self) -> bool:
        return self.auth_mode == "key"


SETTINGS = settings_of(StackConfig)
