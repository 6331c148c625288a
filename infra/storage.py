"""The component for a Django site's blob storage: group, account, service and three containers."""

# No `from __future__ import annotations`: the plugin reads the annotations of the outputs.
from dataclasses import replace
from typing import Any

import pulumi
from pulumi_azure_native import authorization, resources, storage
from pydantic.alias_generators import to_camel

from . import outputs
from .access import CATEGORIES, grant_data, send_logs
from .account import account_args, level
from .adoption import Adoption, adopt
from .app_service import AppService
from .arguments import configuration
from .blob_service import lifecycle, service_args, warn_of_wide_origins
from .config import DjangoBlobStorageArgs, StackConfig
from .delivery import FrontDoor
from .errors import AzureRefusal, look_up
from .guard import guard
from .lock import lock_account
from .part import merged
from .private_endpoint import PrivateBlobEndpoint

TYPE = "django-azure-blob:index:DjangoBlobStorage"
# The type of the component in stacks deployed by 0.1.0 and earlier.
FORMER_TYPE = "django-azure-blob:storage:DjangoBlobStorage"

# "Common REST API error codes" of Azure Resource Manager: 403, the caller lacks a role.
NOT_AUTHORIZED = "AuthorizationFailed"


class DjangoBlobStorage(pulumi.ComponentResource):
    """Azure Blob Storage for a Django site: a resource group, a storage account with containers for
    static files, uploads and unchecked uploads, and whatever the arguments add to protect and
    deliver them.

    Nobody can list a container without signing in. Raises ConfigError for invalid arguments, all of
    them at once, before anything is declared. The attributes with annotations are the outputs;
    `account`, `resource_group`, `service`, `static`, `media` and `quarantine` are the resources.
    """

    account_id: pulumi.Output[str]
    """The storage account's id, the scope for role assignments of your own."""
    account_name: pulumi.Output[str]
    """The storage account's name."""
    account_key: pulumi.Output[str] | None
    """The active account key, a secret; absent with authMode identity."""
    blob_endpoint: pulumi.Output[str]
    """The blob service's URL, with a slash at the end."""
    secondary_blob_endpoint: pulumi.Output[str] | None
    """The URL that reads from the second region; only with a read-access SKU (RA-GRS, RA-GZRS)."""
    public_host: pulumi.Output[str]
    """The host, and path if any, that pages link public files to."""
    static_container: pulumi.Output[str]
    """The container for static files."""
    media_container: pulumi.Output[str]
    """The container for uploads."""
    quarantine_container: pulumi.Output[str]
    """The private container for uploads that are not checked yet."""
    site_url: pulumi.Output[str] | None
    """The URL of the site that the stack hosts; absent with host none."""
    environment: pulumi.Output[dict[str, str]]
    """The site's environment, AZURE_ names to values; secret where it holds the account key."""

    def __init__(
        self, name: str, args: DjangoBlobStorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # A stack's settings were validated when they were read.
        config = args if isinstance(args, StackConfig) else configuration(name, args)
        self.config: DjangoBlobStorageArgs = config
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=FORMER_TYPE)])
        super().__init__(TYPE, name, None, pulumi.ResourceOptions.merge(former, opts))
        self._name = name
        self.tags: dict[str, pulumi.Input[str]] = {
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack(),
            **config.tags,
        }
        # Pulumi neither deletes nor replaces a protected resource. Protection covers all of them:
        # otherwise `destroy` would delete the rest, such as the lock, the roles and Front Door.
        # False would override the `protect` that a program gives the component.
        self._child = pulumi.ResourceOptions(parent=self, protect=config.protect or None)
        self._guarded = merged(self._child, guard(name, config))
        # A retained resource stays in Azure when the stack is destroyed.
        self._retained = pulumi.ResourceOptions(retain_on_delete=config.retain_media)
        self._declare_account()
        site = self._declare_site()
        self._declare_containers()
        self.account_id, self.account_name = self.account.id, self.account.name
        self.account_key = self._key() if config.uses_keys else None
        self.blob_endpoint = self.account.primary_endpoints.blob
        self.secondary_blob_endpoint = (
            self.account.secondary_endpoints.blob if config.reads_second_region else None
        )
        self.static_container, self.media_container = self.static.name, self.media.name
        self.quarantine_container = self.quarantine.name
        attached = [*self._declare_policy(), *self._declare_access()]
        front_door = self._declare_front_door()
        if front_door:
            attached += [front_door, *front_door.grants]
        if site:
            attached += site.grants
        self.public_host = front_door.host if front_door else self.blob_host
        if config.lock:
            self._declare_lock(attached)
        environment = outputs.values(self)
        if site:
            site.declare_settings(environment)
        self.environment = pulumi.Output.all(**environment)
        self.register_outputs(
            {to_camel(name): getattr(self, name) for name in DjangoBlobStorage.__annotations__}
        )

    @property
    def blob_host(self) -> pulumi.Output[str]:
        return self.blob_endpoint.apply(without_scheme)

    def _declare_account(self) -> None:
        config, name = self.config, self._name
        existing = config.adopt or not config.create_resource_group
        group_id = _group_id(config) if existing else ""
        # With `adopt` every argument is a plain value, so the account is looked up right now.
        self._adoption = adopt(config, str(group_id)) if config.adopt else Adoption()
        if config.create_resource_group:
            self.resource_group = resources.ResourceGroup(
                f"{name}-group",
                # azure-native generates a name from the resource's, unless one is given.
                resource_group_name=config.resource_group_name or None,
                location=config.location,
                tags=self.tags,
                opts=merged(
                    self._guarded, self._retained, self._adoption.options("resource_group")
                ),
            )
        else:
            # Read only: the stack neither changes nor deletes it. If the stack created it before,
            # this releases it, whereas leaving it out would delete it.
            self.resource_group = resources.ResourceGroup.get(
                f"{name}-group", group_id, pulumi.ResourceOptions(parent=self)
            )
        self.account = storage.StorageAccount(
            # azure-native generates the account's name from this one, unless it is fixed.
            config.account_name_prefix,
            account_args(config, self.resource_group.name, self.tags),
            opts=merged(
                self._guarded,
                self._retained,
                # Fixed when the account is created: a change would replace it, without its blobs.
                pulumi.ResourceOptions(
                    ignore_changes=["encryption.requireInfrastructureEncryption"]
                ),
                self._adoption.options("account"),
            ),
        )
        # Deleting the account deletes what is in it, so that it is not emptied part by part first.
        # A retained account deletes nothing.
        self._in_account = merged(
            self._guarded,
            pulumi.ResourceOptions(deleted_with=None if config.retain_media else self.account),
        )

    def _declare_site(self) -> AppService | None:
        """The host of the site, whose own origins join those of the configuration: its pages load
        files and upload from the first `up` on."""
        config = self.config
        self.site_url = None
        if not config.has_site:
            return None
        site = AppService(f"{self._name}-host", self)
        self.site_url = pulumi.Output.concat("https://", site.host)
        if "*" not in config.cors_origins:
            own = [f"https://{host}" for host in config.site_hosts]
            listed = [origin for origin in config.cors_origins if origin not in own]
            self.config = replace(config, cors_origins=(*listed, *own, self.site_url))
        return site

    def _declare_containers(self) -> None:
        config, adoption = self.config, self._adoption
        self.service = storage.BlobServiceProperties(
            f"{self._name}-blobs",
            service_args(config, self.account.name, self.resource_group.name),
            # Deleting it would reset it, and disable soft delete.
            opts=merged(self._in_account, self._retained, adoption.options("service")),
        )
        if not config.adopt:
            warn_of_wide_origins(config, self.service)
        # While an account is adopted as it is, a new container is no more public than it allows.
        public = config.static_is_public and adoption.allows_public_access
        self.static = self._container("static", config.static_container, public=public)
        self.media = self._container(
            "media", config.media_container, self._retained, public=config.media_is_public
        )
        # Never public: nothing in it is checked, and its types are what the uploaders claim.
        self.quarantine = self._container("quarantine", config.quarantine_container, public=False)

    def _container(
        self, role: str, container: str, *more: pulumi.ResourceOptions, public: bool
    ) -> storage.BlobContainer:
        # Fixed when a container is created, and not declared: an import finds Azure's defaults.
        fixed = ["defaultEncryptionScope", "denyEncryptionScopeOverride"]
        return storage.BlobContainer(
            f"{self._name}-{role}",
            container_name=container,
            public_access=level(public=public),
            account_name=self.account.name,
            resource_group_name=self.resource_group.name,
            opts=merged(
                self._in_account,
                *more,
                pulumi.ResourceOptions(ignore_changes=fixed),
                self._adoption.options(role),
            ),
        )

    def _declare_policy(self) -> list[pulumi.Resource]:
        rules = lifecycle(self.config)
        # Rules delete data, so an adopted account without any gets them once adopt is off.
        if not rules or (self.config.adopt and "policy" not in self._adoption.ids):
            return []
        return [
            storage.ManagementPolicy(
                f"{self._name}-lifecycle",
                management_policy_name="default",  # the only name that Azure allows
                policy={"rules": rules},
                account_name=self.account.name,
                resource_group_name=self.resource_group.name,
                opts=merged(
                    self._in_account,
                    self._retained,
                    # Azure refuses rules for versions while versioning is off.
                    pulumi.ResourceOptions(depends_on=[self.service]),
                    self._adoption.options("policy"),
                ),
            )
        ]

    def _declare_access(self) -> list[pulumi.Resource]:
        config, name, account = self.config, self._name, self.account.id
        declared: list[pulumi.Resource] = []
        for number, principal in enumerate(config.data_principals, start=1):
            declared += grant_data(name, principal, number, account, self._child)
        if config.log_analytics_workspace != "":
            workspace = config.log_analytics_workspace
            service = pulumi.Output.concat(account, "/blobServices/default")
            declared.append(
                send_logs(f"{name}-log", service, workspace, CATEGORIES, "Transaction", self._child)
            )
        if config.private_endpoint_subnet != "":
            declared.append(PrivateBlobEndpoint(f"{name}-private", self))
        return declared

    def _declare_front_door(self) -> FrontDoor | None:
        config = self.config
        if config.front_door == "none":
            return None
        readable = {config.static_container: self.static.id}
        if config.media_is_public:
            readable[config.media_container] = self.media.id
        return FrontDoor(f"{self._name}-door", self, readable)

    def _declare_lock(self, attached: list[pulumi.Resource]) -> None:
        """Created last and deleted first: while it exists, nothing in the account can be deleted.

        Its notes list what it guards. A container of another name is another container. Front Door
        and the private endpoint, which are components, are not in the account.
        """
        guarded = [f"container-{name}" for name in self.config.containers.values()] + [
            each.pulumi_resource_name.removeprefix(f"{self._name}-")
            for each in attached
            if isinstance(each, pulumi.CustomResource)
        ]
        everything = [self.service, self.static, self.media, self.quarantine, *attached]
        opts = merged(self._child, pulumi.ResourceOptions(depends_on=everything))
        lock_account(f"{self._name}-lock", self.account.id, guarded, opts)

    def _key(self) -> pulumi.Output[str]:
        names = pulumi.Output.all(self.account.name, self.resource_group.name)
        # azure-native does not mark the keys as secrets (pulumi/pulumi-azure-native#1693).
        return pulumi.Output.secret(names.apply(self._active_key))

    def _active_key(self, names: list[str]) -> Any:
        """The active key. Unknown in a preview whose identity may not list keys.

        Previews of pull requests run with such an identity, because an account key gives read and
        write access to everything. An update needs the key, so there the refusal is an error.
        """
        account, group = names
        try:
            listed = look_up(
                lambda: storage.list_storage_account_keys(
                    account_name=account,
                    resource_group_name=group,
                    opts=pulumi.InvokeOptions(parent=self),
                )
            )
        except AzureRefusal as refusal:
            if pulumi.runtime.is_dry_run() and NOT_AUTHORIZED in str(refusal):
                return pulumi.UNKNOWN
            raise
        return next(key.value for key in listed.keys if key.key_name == self.config.active_key)


def without_scheme(url: str) -> str:
    """`https://name.blob.core.windows.net/` as `name.blob.core.windows.net`."""
    return url.partition("://")[2].rstrip("/")


def _group_id(config: DjangoBlobStorageArgs) -> pulumi.Input[str]:
    """A known text unless the group's name is the output of another resource."""
    within = f"/subscriptions/{authorization.get_client_config().subscription_id}/resourceGroups/"
    name = config.resource_group_name
    return within + name if isinstance(name, str) else pulumi.Output.concat(within, name)
