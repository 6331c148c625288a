"""The component that a Django site's blob storage is: group, account, service, three containers."""

# No `from __future__ import annotations`: the plugin's host reads the annotations, and takes no
# texts for them.
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_azure_native import authorization, resources, storage

from . import outputs, rules
from .account import account_args, level
from .arguments import DjangoBlobStorageArgs, configuration
from .config import StackConfig
from .guard import Guard
from .protection import lifecycle, retention

TYPE = "django-azure-blob:index:DjangoBlobStorage"
# The type of the component in stacks deployed by 0.1.0 and earlier.
FORMER_TYPE = "django-azure-blob:storage:DjangoBlobStorage"

# "Common REST API error codes" of Azure Resource Manager: 403, the caller lacks a role.
NOT_AUTHORIZED = "AuthorizationFailed"

if TYPE_CHECKING:
    from .adoption import Adoption


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
    environment: pulumi.Output[dict[str, str]]
    """The site's environment, AZURE_ names to values; secret where it holds the account key."""

    def __init__(
        self,
        name: str,
        args: DjangoBlobStorageArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self.config = config = configuration(name, args)
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=FORMER_TYPE)])
        super().__init__(TYPE, name, None, pulumi.ResourceOptions.merge(former, opts))
        self._name = name
        self._tags = {
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack(),
            **config.tags,
        }
        # What is protected, Pulumi neither deletes nor replaces. It is all or nothing: of a part,
        # `destroy` would still take the rest, such as the lock, the roles and Front Door.
        # Off means: as the program's own option for the component says.
        self._child = pulumi.ResourceOptions(parent=self, protect=config.protect or None)
        self._guarded = _merged(self._child, Guard(name, config).options)
        self._declare_storage()
        self.account_id, self.account_name = self.account.id, self.account.name
        self.account_key = self._key() if config.uses_keys else None
        self.blob_endpoint = self.account.primary_endpoints.apply(blob_url)
        self.secondary_blob_endpoint = (
            self.account.secondary_endpoints.apply(blob_url) if config.reads_second_region else None
        )
        self.public_host = self.blob_endpoint.apply(without_scheme)
        around = self._declare_surroundings()
        if config.lock:
            self._lock(around)
        self.environment = pulumi.Output.all(**outputs.values(self))
        self.register_outputs(
            {
                "accountId": self.account_id,
                "accountName": self.account_name,
                "accountKey": self.account_key,
                "blobEndpoint": self.blob_endpoint,
                "secondaryBlobEndpoint": self.secondary_blob_endpoint,
                "publicHost": self.public_host,
                "staticContainer": self.static_container,
                "mediaContainer": self.media_container,
                "quarantineContainer": self.quarantine_container,
                "environment": self.environment,
            }
        )

    def _declare_storage(self) -> None:
        config, name = self.config, self._name
        there_already = config.adopt or not config.create_resource_group
        group = _group_id(config) if there_already else ""
        # An adopted account is looked at now: the configuration has checked that all is known.
        adopted = self._adopted = _adoption(config, str(group)) if config.adopt else None

        def options(resource_id: str, *more: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
            chosen = [self._guarded, *more]
            if adopted and resource_id:
                chosen.append(adopted.options(resource_id))
            return _merged(*chosen)

        # What is retained stays in Azure when the stack is taken down.
        kept = pulumi.ResourceOptions(retain_on_delete=config.retain_media)
        if config.create_resource_group:
            self.resource_group = resources.ResourceGroup(
                f"{name}-group",
                # azure-native makes a name out of the resource's, unless one is given.
                resource_group_name=config.resource_group_name or None,
                location=config.location,
                tags=self._tags,
                opts=options(str(group), kept),
            )
        else:
            # Read only: somebody else made it, and the stack neither changes nor deletes it. Where
            # the stack made it before, this lets go of it; leaving it out would delete it.
            self.resource_group = resources.ResourceGroup.get(
                f"{name}-group", group, pulumi.ResourceOptions(parent=self)
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

        # Fixed at a container's birth, and not declared: an import finds Azure's default in them.
        as_born = pulumi.ResourceOptions(
            ignore_changes=["defaultEncryptionScope", "denyEncryptionScopeOverride"]
        )

        def container(
            role: str, named: str, *more: pulumi.ResourceOptions, public: bool
        ) -> storage.BlobContainer:
            imported = adopted.container(named) if adopted and adopted.has_container(named) else ""
            return storage.BlobContainer(
                f"{name}-{role}",
                container_name=named,
                public_access=level(public=public),
                **there,
                opts=options(imported, owned, as_born, *more),
            )

        # While an account is adopted as it is, a new container is no more public than it allows.
        public = config.static_is_public and (not adopted or adopted.allows_public_access)
        self.static = container("static", config.static_container, public=public)
        self.media = container("media", config.media_container, kept, public=config.media_is_public)
        # Never public: what is in it nobody has checked, and its type is what the uploader claims.
        self.quarantine = container("quarantine", config.quarantine_container, public=False)
        self.static_container, self.media_container = self.static.name, self.media.name
        self.quarantine_container = self.quarantine.name

    def _declare_surroundings(self) -> list[pulumi.Resource]:
        """Everything that stands on the account; imported where used, each is slow to load."""
        config, name, account = self.config, self._name, self.account.id
        around: list[pulumi.Resource] = []
        owned = _merged(
            self._guarded,
            pulumi.ResourceOptions(deleted_with=None if config.retain_media else self.account),
        )
        adopted = self._adopted
        rules = lifecycle(config)
        # Rules delete data, so an account without any gets them once adopt is off.
        if rules and (not adopted or adopted.has_policy):
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
                        adopted.options(adopted.policy) if adopted else pulumi.ResourceOptions(),
                    ),
                )
            )
        if config.data_principals:
            from .access import grant_data

            for number, principal in enumerate(config.data_principals, start=1):
                around += grant_data(name, principal, number, account, self._child)
        if config.log_analytics_workspace:
            from .monitoring import log_requests

            workspace = config.log_analytics_workspace
            around.append(log_requests(f"{name}-log", account, workspace, self._child))
        shared: dict[str, Any] = {
            "account": account,
            "group": self.resource_group.name,
            "tags": self._tags,
            "opts": pulumi.ResourceOptions(parent=self),
        }
        if config.private_endpoint_subnet:
            from .private_endpoint import PrivateBlobEndpoint

            around.append(PrivateBlobEndpoint(f"{name}-private", config, **shared))
        if config.front_door != "none":
            from .delivery import FrontDoor

            read = {config.static_container: self.static.id}
            if config.media_is_public:
                read[config.media_container] = self.media.id
            host = self.blob_endpoint.apply(without_scheme)
            door = FrontDoor(f"{name}-door", config, blob_host=host, containers=read, **shared)
            self.public_host = door.host
            around += [door, *door.grants]
        return around

    def _lock(self, around: list[pulumi.Resource]) -> None:
        """Comes last and goes first: while it stands, nothing on the account can be deleted."""
        from .lock import lock_account

        config = self.config
        containers = {
            config.static_container: self.static,
            config.media_container: self.media,
            config.quarantine_container: self.quarantine,
        }
        everything = [self.service, *containers.values(), *around]
        opts = _merged(self._child, pulumi.ResourceOptions(depends_on=everything))
        # A container of another name is another container. Components, Front Door and the private
        # endpoint, are not in the account.
        guarded = [f"container-{named}" for named in containers]
        guarded += [
            each.pulumi_resource_name.removeprefix(f"{self._name}-")
            for each in around
            if isinstance(each, pulumi.CustomResource)
        ]
        lock_account(f"{self._name}-lock", self.account.id, guarded, opts)

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
    def warn(origin: str) -> None:
        if why := rules.wide(origin):
            pulumi.log.warn(
                f"corsOrigins has '{origin}': {why}. Scripts of such pages may read public blobs, "
                "and send uploads that the site has signed. A subdomain that serves nothing else "
                "is narrower, such as https://*.preview.example.com",
                service,
            )

    for origin in config.cors_origins:
        if isinstance(origin, str):
            warn(origin)
        else:
            pulumi.Output.all(origin).apply(lambda known: warn(known[0]))


def key_named(result: storage.ListStorageAccountKeysResult, name: str) -> str:
    return next(key.value for key in result.keys if key.key_name == name)


def blob_url(endpoints: storage.outputs.EndpointsResponse) -> str:
    return endpoints.blob


def without_scheme(url: str) -> str:
    """`https://name.blob.core.windows.net/` as `name.blob.core.windows.net`."""
    return url.partition("://")[2].rstrip("/")


def _adoption(config: StackConfig, group: str) -> "Adoption":
    from .adoption import Adoption

    return Adoption(config, group)


def _group_id(config: StackConfig) -> pulumi.Input[str]:
    """A known text unless the group's name is the output of another resource."""
    within = f"/subscriptions/{authorization.get_client_config().subscription_id}/resourceGroups/"
    name = config.resource_group_name
    return within + name if isinstance(name, str) else pulumi.Output.concat(within, name)


def _merged(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    merged = pulumi.ResourceOptions()
    for option in options:
        merged = pulumi.ResourceOptions.merge(merged, option)
    return merged
