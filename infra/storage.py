"""The component that a Django site's blob storage is: group, account, service, three containers."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_azure_native import resources, storage

from infra import rules
from infra.account import account_args, level
from infra.config import StackConfig
from infra.protection import lifecycle, retention

# "Common REST API error codes" of Azure Resource Manager: 403, the caller lacks a role.
NOT_AUTHORIZED = "AuthorizationFailed"


class DjangoBlobStorage(pulumi.ComponentResource):
    """One storage account with the containers `static`, `media` and `quarantine`, and what guards
    them.

    `account_key` is secret, and None with `authMode` identity. Nobody can list a container without
    signing in. `public_host` is the host, and path if any, that pages link public files to.
    """

    def __init__(
        self, name: str, config: StackConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("django-azure-blob:storage:DjangoBlobStorage", name, None, opts)
        self.config = config
        self._name = name
        self._tags = {
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack(),
            **config.tags,
        }
        # What is protected, Pulumi neither deletes nor replaces. It is all or nothing: of a part,
        # `destroy` would still take the rest, such as the lock, the roles and Front Door.
        self._child = pulumi.ResourceOptions(parent=self, protect=config.protect)
        self._declare_storage()
        self.account_key = self._key() if config.uses_keys else None
        self.blob_endpoint: pulumi.Output[str] = self.account.primary_endpoints.apply(blob_url)
        self.public_host = self.blob_endpoint.apply(without_scheme)
        if not config.adopt:
            # An account is adopted as it is; what goes around it comes with the next up.
            around = self._declare_surroundings()
            if config.lock:
                self._lock(around)
        self.register_outputs({})

    def _declare_storage(self) -> None:
        config, name = self.config, self._name
        adopted = _adoption(config) if config.adopt else None

        def options(resource_id: str, *more: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
            chosen = [self._child, *more]
            if adopted:
                chosen.append(adopted.options(resource_id))
            return _merged(*chosen)

        # What is retained stays in Azure when the stack is taken down.
        kept = pulumi.ResourceOptions(retain_on_delete=config.retain_media)
        self.resource_group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=config.resource_group_name,
            location=config.location,
            tags=self._tags,
            opts=options(adopted.group if adopted else "", kept),
        )
        self.account = storage.StorageAccount(
            # azure-native makes the account's name out of this one, unless it is fixed.
            config.account_name_prefix,
            account_args(config, self.resource_group.name, self._tags),
            opts=options(
                adopted.account if adopted else "",
                kept,
                # Fixed at an account's birth: a change would be a new account, without its blobs.
                pulumi.ResourceOptions(
                    ignore_changes=["encryption.requireInfrastructureEncryption"]
                ),
            ),
        )
        # The account owns the service and the containers: when it goes, they go with it, and
        # deleting them one by one before would only empty them first. One that is retained takes
        # nothing with it.
        owned = pulumi.ResourceOptions(deleted_with=None if config.retain_media else self.account)
        there: dict[str, Any] = {
            "account_name": self.account.name,
            "resource_group_name": self.resource_group.name,
        }
        self.service = storage.BlobServiceProperties(
            f"{name}-blobs",
            blob_services_name="default",  # the only name there is
            cors=storage.CorsRulesArgs(cors_rules=cors_rules(config)),
            **retention(config),
            **there,
            # Deleting it would put an empty one, and soft delete with it out of force.
            opts=options(adopted.service if adopted else "", owned, kept),
        )
        if not adopted:
            warn_of_wide_origins(config, self.service)

        def container(
            role: str, named: str, *more: pulumi.ResourceOptions, public: bool
        ) -> storage.BlobContainer:
            return storage.BlobContainer(
                f"{name}-{role}",
                container_name=named,
                public_access=level(public=public),
                **there,
                opts=options(adopted.container(named) if adopted else "", owned, *more),
            )

        self.static = container("static", config.static_container, public=config.static_is_public)
        self.media = container("media", config.media_container, kept, public=config.media_is_public)
        # Never public: what is in it nobody has checked, and its type is what the uploader claims.
        # An account made by hand has none, and is adopted as it is: it comes with the next up.
        self.quarantine = (
            None
            if adopted and not adopted.has_container(config.quarantine_container)
            else container("quarantine", config.quarantine_container, public=False)
        )
        self.quarantine_container: pulumi.Input[str] = (
            self.quarantine.name if self.quarantine else config.quarantine_container
        )

    def _declare_surroundings(self) -> list[pulumi.Resource]:
        """Everything that stands on the account; imported where used, each is slow to load."""
        config, name, account = self.config, self._name, self.account.id
        around: list[pulumi.Resource] = []
        owned = _merged(
            self._child,
            pulumi.ResourceOptions(deleted_with=None if config.retain_media else self.account),
        )
        rules = lifecycle(config)
        if rules:
            around.append(
                storage.ManagementPolicy(
                    f"{name}-lifecycle",
                    management_policy_name="default",  # the only name there is
                    policy=storage.ManagementPolicySchemaArgs(rules=rules),
                    account_name=self.account.name,
                    resource_group_name=self.resource_group.name,
                    # Azure refuses rules for versions before there are versions.
                    opts=_merged(
                        owned,
                        pulumi.ResourceOptions(
                            depends_on=[self.service], retain_on_delete=config.retain_media
                        ),
                    ),
                )
            )
        if config.data_principals:
            from infra.access import grant_data

            for principal in config.data_principals:
                around += grant_data(name, principal, account, self._child)
        if config.log_analytics_workspace:
            from infra.monitoring import log_requests

            workspace = config.log_analytics_workspace
            around.append(log_requests(f"{name}-log", account, workspace, self._child))
        shared: dict[str, Any] = {
            "account": account,
            "group": self.resource_group.name,
            "tags": self._tags,
            "opts": pulumi.ResourceOptions(parent=self),
        }
        if config.private_endpoint_subnet:
            from infra.private_endpoint import PrivateBlobEndpoint

            around.append(PrivateBlobEndpoint(f"{name}-private", config, **shared))
        if config.front_door != "none":
            from infra.delivery import FrontDoor

            read = {config.static_container: self.static.id}
            if config.media_is_public:
                read[config.media_container] = self.media.id
            host = self.blob_endpoint.apply(without_scheme)
            door = FrontDoor(f"{name}-door", config, blob_host=host, containers=read, **shared)
            self.public_host = door.host
            around.append(door)
        return around

    def _lock(self, around: list[pulumi.Resource]) -> None:
        """Comes last and goes first: while it stands, nothing on the account can be deleted."""
        from infra.access import lock_account

        containers = [self.static, self.media, *([self.quarantine] if self.quarantine else [])]
        everything = [self.service, *containers, *around]
        opts = _merged(self._child, pulumi.ResourceOptions(depends_on=everything))
        lock_account(f"{self._name}-lock", self.account.id, opts)

    def _key(self) -> pulumi.Output[str]:
        names = pulumi.Output.all(self.account.name, self.resource_group.name)
        # azure-native does not mark the keys secret (pulumi/pulumi-azure-native#1693).
        return pulumi.Output.secret(names.apply(self._listed_key))

    def _listed_key(self, names: list[str]) -> Any:
        """The active key. Unknown in a preview whose identity may not list keys.

        A pull request's preview runs with such an identity: whoever may list keys may read and
        write everything. An update needs the key, so there the refusal is an error.
        """
        account, group = names
        try:
            listed = storage.list_storage_account_keys(
                account_name=account,
                resource_group_name=group,
                opts=pulumi.InvokeOptions(parent=self),
            )
        except Exception as error:
            if pulumi.runtime.is_dry_run() and NOT_AUTHORIZED in str(error):
                return pulumi.UNKNOWN
            raise
        return key_named(listed, self.config.active_key)


def cors_rules(config: StackConfig) -> list[storage.CorsRuleArgs]:
    """One rule for reading: webfonts and ES modules from another origin need it even for GET.

    And one for uploads that browsers send here: a PUT is asked about before it is sent. It opens
    nothing by itself, as every PUT needs a signature.
    """
    if not config.cors_origins:
        return []
    shared: dict[str, Any] = {
        "allowed_origins": list(config.cors_origins),
        "max_age_in_seconds": config.cors_max_age_seconds,
    }
    reading = storage.CorsRuleArgs(
        allowed_methods=[storage.AllowedMethods.GET, storage.AllowedMethods.HEAD],
        allowed_headers=["*"],
        exposed_headers=["content-length", "content-type", "etag"],
        **shared,
    )
    sending = storage.CorsRuleArgs(
        allowed_methods=[storage.AllowedMethods.PUT],
        allowed_headers=["content-type", "x-ms-*"],
        # What a page needs to say why an upload failed, and when to try again.
        exposed_headers=["etag", "retry-after", "x-ms-error-code", "x-ms-request-id"],
        **shared,
    )
    return [reading, sending] if config.takes_direct_uploads else [reading]


def warn_of_wide_origins(config: StackConfig, service: pulumi.Resource) -> None:
    for origin in config.cors_origins:
        if why := rules.wide(origin):
            pulumi.log.warn(
                f"corsOrigins has '{origin}': {why}. Scripts of such pages may read public blobs, "
                "and send uploads that the site has signed. A subdomain that serves nothing else "
                "is narrower, such as https://*.preview.example.com",
                service,
            )


def key_named(result: storage.ListStorageAccountKeysResult, name: str) -> str:
    return next(key.value for key in result.keys if key.key_name == name)


def blob_url(endpoints: storage.outputs.EndpointsResponse) -> str:
    return endpoints.blob


def without_scheme(url: str) -> str:
    """`https://name.blob.core.windows.net/` as `name.blob.core.windows.net`."""
    return url.partition("://")[2].rstrip("/")


def _adoption(config: StackConfig) -> Any:
    from infra.adoption import Adoption

    return Adoption(config)


def _merged(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    merged = pulumi.ResourceOptions()
    for option in options:
        merged = pulumi.ResourceOptions.merge(merged, option)
    return merged
