"""The component that a Django site's blob storage is: group, account, service, two containers."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import resources, storage

from infra.config import StackConfig


class DjangoBlobStorage(pulumi.ComponentResource):
    """One storage account with the containers `static` and `media`, and CORS for the site.

    `account_key` is secret. Static files can be read by anyone at blob level, media only if the
    configuration says so; nobody can list a container without the key.
    """

    def __init__(
        self, name: str, config: StackConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("django-azure-blob:storage:DjangoBlobStorage", name, None, opts)
        self.config = config
        # What is protected, Pulumi neither deletes nor replaces, and the blobs with it.
        child = pulumi.ResourceOptions(parent=self, protect=config.protect)

        self.resource_group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=config.resource_group_name,
            location=config.location,
            tags=config.tags or None,
            opts=child,
        )
        self.account = storage.StorageAccount(
            # azure-native makes the account's name out of this one, unless it is fixed.
            config.account_name_prefix,
            account_name=config.account_name,
            resource_group_name=self.resource_group.name,
            location=config.location,
            kind=storage.Kind.STORAGE_V2,
            sku=storage.SkuArgs(name=config.sku),
            access_tier=storage.AccessTier.HOT,
            enable_https_traffic_only=True,
            # Unset means TLS 1.0, and TLS 1.3 is in the SDK's enum but refused by the service.
            minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
            allow_blob_public_access=any_container_is_public(config),
            allow_cross_tenant_replication=False,
            tags=config.tags or None,
            opts=child,
        )
        # The account owns the service and the containers: when it goes, they go with it, and
        # deleting them one by one before would only empty them first.
        with_account = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(deleted_with=self.account)
        )
        storage.BlobServiceProperties(
            f"{name}-blobs",
            blob_services_name="default",  # the only name there is
            account_name=self.account.name,
            resource_group_name=self.resource_group.name,
            cors=storage.CorsRulesArgs(cors_rules=cors_rules(config)),
            opts=with_account,
        )
        self.static, self.media = (
            storage.BlobContainer(
                f"{name}-{role}",
                container_name=container,
                account_name=self.account.name,
                resource_group_name=self.resource_group.name,
                public_access=level,
                opts=with_account,
            )
            for role, container, level in (
                ("static", config.static_container, storage.PublicAccess.BLOB),
                ("media", config.media_container, media_level(config)),
            )
        )
        keys = storage.list_storage_account_keys_output(
            account_name=self.account.name,
            resource_group_name=self.resource_group.name,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        # azure-native does not mark the keys secret (pulumi/pulumi-azure-native#1693).
        self.account_key: pulumi.Output[str] = pulumi.Output.secret(keys.apply(first_key))
        self.blob_endpoint = self.account.primary_endpoints.apply(blob_url)
        self.register_outputs({})


def media_level(config: StackConfig) -> storage.PublicAccess:
    return storage.PublicAccess.BLOB if config.media_is_public else storage.PublicAccess.NONE


def any_container_is_public(config: StackConfig) -> bool:
    """The account's switch, out of the containers' levels: Azure refuses a public container on an
    account without it (409 PublicAccessNotPermitted)."""
    levels = (storage.PublicAccess.BLOB, media_level(config))
    return any(level is not storage.PublicAccess.NONE for level in levels)


def cors_rules(config: StackConfig) -> list[storage.CorsRuleArgs]:
    """One rule for reading: webfonts and ES modules from another origin need it even for GET."""
    if not config.cors_origins:
        return []
    return [
        storage.CorsRuleArgs(
            allowed_origins=list(config.cors_origins),
            allowed_methods=[storage.AllowedMethods.GET, storage.AllowedMethods.HEAD],
            allowed_headers=["*"],
            exposed_headers=["content-length", "content-type", "etag"],
            max_age_in_seconds=config.cors_max_age_seconds,
        )
    ]


def first_key(result: storage.ListStorageAccountKeysResult) -> str:
    return result.keys[0].value


def blob_url(endpoints: storage.outputs.EndpointsResponse) -> str:
    return endpoints.blob
