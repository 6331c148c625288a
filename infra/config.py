"""The configuration: each setting with its type, default and meaning.

`Pulumi.yaml` and docs/configuration.md are generated from these fields
(`python -m infra.reference --write`), and so is the plugin's schema.
"""

# No `from __future__ import annotations`: pydantic evaluates the annotations.
from dataclasses import dataclass, fields
from typing import Any, Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from . import rules
from .rules import Input, OrEmpty, Switch, Whole

MONTH, YEAR, CENTURY = 30, 365, 36500
# The first setting of each section of docs/configuration.md.
SECTIONS = {
    "location": "Where and what",
    "media_access": "Who may read and write",
    "cors_allow_any_origin": "CORS",
    "blob_soft_delete_days": "Data protection",
    "protect": "Safety",
    "network_access": "Network",
    "front_door": "Delivery",
    "host": "Hosting",
    "adopt": "Adoption",
}


Access = Literal["public", "private"]


def _setting(
    default: Any, description: str, *, cost: str = "", secret: bool = False, **more: Any
) -> Any:
    """A field: what it means, what it adds to the bill, and whether its value is never shown."""
    return Field(
        default, description=description, json_schema_extra={"cost": cost, "secret": secret}, **more
    )


@dataclass(frozen=True, kw_only=True)
class DjangoBlobStorageArgs:
    """Arguments of DjangoBlobStorage, each a setting of docs/configuration.md in snake case.

    Two defaults differ from the stack's, so that several components fit into one program: without
    `resource_group_name` the group's name is generated, and a generated account name begins with
    the component's name. StackConfig describes both.

    An Input may be the output of another resource. The other arguments decide which resources
    exist, so they must be known when the program runs. The component validates them all.
    """

    location: Input[rules.Region] = _setting(
        "westeurope", "Azure region of every resource, in lower case without spaces"
    )
    resource_group_name: Input[OrEmpty[rules.ResourceGroupName]] = ""
    create_resource_group: Switch = _setting(
        True, "Creates the resource group; false leaves an existing group unmanaged"
    )
    account_name: Input[OrEmpty[rules.AccountName]] = _setting(
        "",
        "Fixed name of the storage account, unique worldwide; empty generates one",
        examples=["djangoaccountstorage"],
    )
    account_name_prefix: OrEmpty[rules.AccountNamePrefix] = ""
    account_kind: Literal["StorageV2", "BlockBlobStorage", "Storage"] = _setting(
        "StorageV2",
        "StorageV2; BlockBlobStorage for premium disks; Storage only to adopt",
        cost="BlockBlobStorage stores at several times the price and answers faster",
    )
    sku: rules.Sku = _setting(
        "Standard_LRS",
        "Redundancy: how many copies of the data Azure keeps, and where",
        cost="ZRS about 1.25 times, GRS 2 times, GZRS 2.25 times the storage of LRS",
    )
    static_container: rules.ContainerName = _setting("static", "Container for static files")
    media_container: rules.ContainerName = _setting("media", "Container for uploads")
    quarantine_container: rules.ContainerName = _setting(
        "quarantine", "Private container for uploads that the site has not checked yet"
    )
    tags: rules.Tags = _setting(
        {},
        "Tags of all resources that take tags, besides project and stack",
        examples=[{"team": "web"}],
    )
    media_access: Access = _setting(
        "private", "Uploads: readable by anyone (public), or by signed URLs only (private)"
    )
    static_access: Access = _setting(
        "public", "Static files: readable by anyone (public), or by Front Door only (private)"
    )
    auth_mode: Literal["key", "identity"] = _setting(
        "key",
        "How the site signs in: account key, or Microsoft Entra identity",
        examples=["identity"],
    )
    data_principals: rules.Distinct[Input[rules.Principal]] = _setting(
        (),
        "Identities that may read and write blobs, each TYPE:OBJECT_ID",
        examples=["ServicePrincipal:11111111-2222-3333-4444-555555555555"],
    )
    active_key: Literal["key1", "key2"] = _setting(
        "key1", "Which of the account's two keys the site uses"
    )
    key_expiry_days: Whole = _setting(
        90, "Days after which Azure reports a key as due for rotation; 0 disables it", le=10 * YEAR
    )
    sas_expiry_hours: Whole = _setting(
        24,
        "Hours after which Azure logs a signature as too long-lived; 0 disables it",
        le=24 * YEAR,
    )
    infrastructure_encryption: Switch = _setting(
        True, "Encrypts everything twice, with two keys; for new accounts only"
    )
    cors_allow_any_origin: Switch = _setting(False, "Whether corsOrigins may contain '*'")
    cors_origins: rules.Origins = _setting(
        (),
        "Origins that load webfonts and modules, or upload: scheme://[*.]host[:port]",
        examples=["https://www.example.com"],
    )
    cors_max_age_seconds: Whole = _setting(
        3600, "Seconds for which browsers cache a preflight response, 0 to 86400", le=86400
    )
    direct_upload: Switch = _setting(
        True, "Browsers upload to the account; needs corsOrigins, and networkAccess open"
    )
    blob_soft_delete_days: Whole = _setting(
        7,
        "Days to restore a deleted or overwritten blob; 0 disables soft delete",
        le=YEAR,
        cost="deleted and overwritten bytes are charged until then",
    )
    container_soft_delete_days: Whole = _setting(
        7,
        "Days to restore a deleted container; 0 disables soft delete",
        le=YEAR,
        cost="a deleted container is charged until then",
    )
    versioning: Switch = _setting(
        False,
        "Keeps the previous version of a blob at each change",
        cost="every version is charged as a blob until oldVersionDays deletes it",
    )
    old_version_days: Whole = _setting(
        MONTH,
        "Days after which a previous version is deleted; 0 keeps all of them",
        examples=[30],
        le=CENTURY,
        cost="less: previous versions are deleted",
    )
    restore_days: Whole = _setting(
        0,
        "Point-in-time restore window in days; 0 disables it",
        examples=[6],
        le=YEAR - 1,
        cost="the change feed's log, and the versions and deleted blobs that it needs",
    )
    quarantine_days: Whole = _setting(
        1,
        "Days after which an upload that was never accepted is deleted; 0 keeps it",
        le=CENTURY,
        cost="less: abandoned uploads are deleted",
    )
    cool_after_days: Whole = _setting(
        0,
        "Days without change until media move to the cool tier; 0 disables it",
        examples=[90],
        le=CENTURY,
        cost="storage about half, reading and writing more; at least 30 days are charged",
    )
    protect: Switch = _setting(
        False, "Refuses every operation that would delete or replace a resource"
    )
    lock: Switch = _setting(
        False, "A CanNotDelete lock: Azure itself refuses to delete the account"
    )
    retain_media: Switch = _setting(
        False, "Destroying the stack leaves the account and its media in Azure"
    )
    allow_lower_protection: Switch = _setting(
        False, "Allows updates that lower redundancy, retention, versioning, TLS or access"
    )
    network_access: Literal["open", "firewall", "closed"] = _setting(
        "open",
        "Who reaches the account: all (open), listed (firewall), private (closed)",
        examples=["firewall"],
    )
    allowed_ip_ranges: rules.Distinct[Input[rules.IpRange]] = _setting(
        (), "Public IPv4 addresses or ranges that the firewall admits", examples=["203.0.113.0/24"]
    )
    allowed_subnets: rules.Distinct[Input[rules.SubnetId]] = _setting(
        (),
        "Ids of admitted subnets, each with a Microsoft.Storage service endpoint",
        examples=[rules.SUBNET_EXAMPLE],
    )
    trusted_services: Switch = _setting(
        True, "The firewall admits Azure's own services, such as Azure Backup"
    )
    private_endpoint_subnet: Input[OrEmpty[rules.SubnetId]] = _setting(
        "",
        "Id of the subnet for a private endpoint and its DNS zone; empty for none",
        examples=[rules.SUBNET_EXAMPLE],
        cost="about 7 USD a month and 0.01 USD a GB, the DNS zone 0.50 USD",
    )
    private_dns_zone_id: Input[OrEmpty[rules.ZoneId]] = _setting(
        "",
        "Id of an existing privatelink.blob.core.windows.net zone; empty adds one",
        examples=[rules.ZONE_EXAMPLE],
    )
    log_analytics_workspace: Input[OrEmpty[rules.WorkspaceId]] = _setting(
        "",
        "Id of a Log Analytics workspace for the request log; empty for none",
        examples=[rules.WORKSPACE_EXAMPLE],
        cost="about 2.50 USD for each GB of log; a busy site writes one line a request",
    )
    front_door: Literal["none", "standard", "premium"] = _setting(
        "none",
        "Azure Front Door for the public containers: none, standard or premium",
        examples=["standard"],
        cost="standard about 35, premium about 330 USD a month, and the traffic",
    )
    private_link_location: OrEmpty[rules.PrivateLinkRegion] = _setting(
        "",
        "Region of Front Door's private link; empty for the account's region",
        examples=["westeurope"],
    )
    custom_domain: OrEmpty[rules.HostName] = _setting(
        "",
        "Your host name for Front Door, with a managed certificate; empty for none",
        examples=["static.example.com"],
    )
    host: Literal["none", "appService"] = _setting(
        "none",
        "Where the site runs: elsewhere (none), or Azure App Service (appService)",
        examples=["appService"],
        cost="the plan of siteSize, and about 0.10 USD for the key vault",
    )
    site_size: Literal["F1", "B1", "B2", "B3", "P0v3", "P1v3", "P2v3", "P3v3"] = _setting(
        "B1",
        "Size of the App Service plan, for each instance",
        examples=["P0v3"],
        cost=(
            "F1 free, B1 about 13, B2 25, B3 50, P0v3 62, P1v3 124, P2v3 248, P3v3 496 USD a month"
        ),
    )
    site_hosts: rules.Distinct[rules.HostName] = _setting(
        (),
        "Host names of your own that visitors reach the site by (docs/hosting.md)",
        examples=["www.example.com"],
    )
    site_subnet: Input[OrEmpty[rules.SubnetId]] = _setting(
        "",
        "Id of a subnet for the site, delegated to Microsoft.Web/serverFarms",
        examples=[rules.SUBNET_EXAMPLE],
    )
    database_url: Input[OrEmpty[rules.DatabaseUrl]] = _setting(
        "",
        "The site's database, as a URL; a secret, required with host appService",
        examples=["postgres://user:password@db.example.com:5432/site"],
        secret=True,
    )
    secret_key: Input[OrEmpty[rules.SecretKey]] = _setting(
        "",
        "Django's SECRET_KEY; a secret, required with host appService",
        examples=["0123456789abcdef" * 4],
        secret=True,
    )
    adopt: Switch = _setting(
        False, "Takes over an existing account as it is; switch it off after the first up"
    )

    def __post_init__(self) -> None:
        # An argument that is not given is its Field so far.
        for each in fields(self):
            if isinstance(about := getattr(self, each.name), FieldInfo):
                object.__setattr__(self, each.name, about.get_default())

    @property
    def containers(self) -> dict[str, str]:
        """The containers' names, by what they are for."""
        return {
            "static": self.static_container,
            "media": self.media_container,
            "quarantine": self.quarantine_container,
        }

    @property
    def media_is_public(self) -> bool:
        return self.media_access == "public"

    @property
    def static_is_public(self) -> bool:
        return self.static_access == "public"

    @property
    def is_open(self) -> bool:
        """Whether the account is reachable from everywhere."""
        return self.network_access == "open"

    @property
    def takes_direct_uploads(self) -> bool:
        """Whether browsers may upload to the account, and can reach it: behind a firewall or in a
        closed network the site takes uploads itself."""
        return self.direct_upload and bool(self.cors_origins) and self.is_open

    @property
    def reads_second_region(self) -> bool:
        """Whether the copies in the second region have an endpoint of their own ("Azure Storage
        redundancy", read access to data in the secondary region)."""
        return self.sku in ("Standard_RAGRS", "Standard_RAGZRS")

    @property
    def has_site(self) -> bool:
        """Whether the stack declares a place for the site to run."""
        return self.host != "none"

    @property
    def uses_keys(self) -> bool:
        return self.auth_mode == "key"


@dataclass(frozen=True, kw_only=True)
class StackConfig(DjangoBlobStorageArgs):
    """The settings of a stack: the component's arguments with fixed names for a single site."""

    resource_group_name: Input[rules.ResourceGroupName] = _setting(
        "DemoDjangoBlob", "Resource group that contains everything"
    )
    account_name_prefix: rules.AccountNamePrefix = _setting(
        "django", "Start of a generated account name: 1 to 16 lower-case letters and digits"
    )
