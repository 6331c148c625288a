"""The blob service's arguments: CORS, soft delete, versions, restore, and lifecycle rules."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import storage

from . import origins
from .config import DjangoBlobStorageArgs


def service_args(
    config: DjangoBlobStorageArgs, account: pulumi.Input[str], group: pulumi.Input[str]
) -> storage.BlobServicePropertiesArgs:
    """Everything about the service that the configuration decides.

    What is off is declared as well: the service keeps what an update leaves out.
    """
    restores = config.restore_days > 0
    # Accounts of kind Storage support soft delete of blobs, and none of the rest.
    full = config.account_kind != "Storage"
    return storage.BlobServicePropertiesArgs(
        account_name=account,
        resource_group_name=group,
        blob_services_name="default",  # the only name that Azure allows
        cors=storage.CorsRulesArgs(cors_rules=cors_rules(config)),
        delete_retention_policy=_days(config.blob_soft_delete_days),
        container_delete_retention_policy=_days(config.container_soft_delete_days)
        if full
        else None,
        is_versioning_enabled=config.versioning if full else None,
        change_feed=storage.ChangeFeedArgs(enabled=restores) if full else None,
        restore_policy=storage.RestorePolicyPropertiesArgs(
            enabled=restores, days=config.restore_days or None
        )
        if full
        else None,
    )


def cors_rules(config: DjangoBlobStorageArgs) -> list[storage.CorsRuleArgs]:
    """One rule for reading: webfonts and ES modules from another origin need it even for GET.

    And one for direct uploads: browsers send a preflight request before a PUT. It opens nothing by
    itself, since every PUT needs a signature.
    """
    if not config.cors_origins:
        return []
    read = storage.CorsRuleArgs(
        allowed_methods=[storage.AllowedMethods.GET, storage.AllowedMethods.HEAD],
        allowed_headers=["*"],
        allowed_origins=list(config.cors_origins),
        exposed_headers=["content-length", "content-type", "etag"],
        max_age_in_seconds=config.cors_max_age_seconds,
    )
    upload = storage.CorsRuleArgs(
        allowed_methods=[storage.AllowedMethods.PUT],
        allowed_headers=["content-type", "x-ms-*"],
        allowed_origins=list(config.cors_origins),
        # With these a page can say why an upload failed, and when to try again.
        exposed_headers=["etag", "retry-after", "x-ms-error-code", "x-ms-request-id"],
        max_age_in_seconds=config.cors_max_age_seconds,
    )
    return [read, upload] if config.takes_direct_uploads else [read]


def warn_of_wide_origins(config: DjangoBlobStorageArgs, service: pulumi.Resource) -> None:
    """Warns of each wildcard that admits pages of other people."""

    def warn(origin: str) -> None:
        if why := origins.wide(origin):
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
            pulumi.Output.concat(origin).apply(warn)


def lifecycle(config: DjangoBlobStorageArgs) -> list[storage.ManagementPolicyRuleArgs]:
    """The rules that Azure applies once a day. None of them deletes a blob that the site uses."""
    static, media, quarantine = (
        config.static_container,
        config.media_container,
        config.quarantine_container,
    )
    found = []
    if config.quarantine_days:
        delete = storage.DateAfterModificationArgs(
            days_after_modification_greater_than=config.quarantine_days
        )
        actions = storage.ManagementPolicyActionArgs(
            base_blob=storage.ManagementPolicyBaseBlobArgs(delete=delete)
        )
        if config.versioning:
            actions.version = storage.ManagementPolicyVersionArgs(
                delete=_created(config.quarantine_days)
            )
        found.append(_rule("abandoned-uploads", [quarantine], actions))
    if config.versioning and config.old_version_days:
        old = _created(config.old_version_days)
        actions = storage.ManagementPolicyActionArgs(
            snapshot=storage.ManagementPolicySnapShotArgs(delete=old),
            version=storage.ManagementPolicyVersionArgs(delete=old),
        )
        found.append(_rule("old-versions", [static, media, quarantine], actions))
    if config.cool_after_days:
        cool = storage.DateAfterModificationArgs(
            days_after_modification_greater_than=config.cool_after_days
        )
        actions = storage.ManagementPolicyActionArgs(
            base_blob=storage.ManagementPolicyBaseBlobArgs(tier_to_cool=cool)
        )
        found.append(_rule("cool-media", [media], actions))
    return found


def _created(days: int) -> storage.DateAfterCreationArgs:
    return storage.DateAfterCreationArgs(days_after_creation_greater_than=days)


def _days(days: int) -> storage.DeleteRetentionPolicyArgs:
    return storage.DeleteRetentionPolicyArgs(enabled=days > 0, days=days or None)


def _rule(
    name: str, containers: Sequence[str], actions: storage.ManagementPolicyActionArgs
) -> storage.ManagementPolicyRuleArgs:
    return storage.ManagementPolicyRuleArgs(
        name=name,
        enabled=True,
        type=storage.RuleType.LIFECYCLE,
        definition=storage.ManagementPolicyDefinitionArgs(
            filters=storage.ManagementPolicyFilterArgs(
                blob_types=["blockBlob"], prefix_match=[f"{name}/" for name in containers]
            ),
            actions=actions,
        ),
    )
