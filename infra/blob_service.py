"""The blob service's arguments: CORS, soft delete, versions, restore, and lifecycle rules."""

from __future__ import annotations

from collections.abc import Iterable

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
    args = storage.BlobServicePropertiesArgs(
        account_name=account,
        resource_group_name=group,
        blob_services_name="default",  # the only name that Azure allows
        cors=storage.CorsRulesArgs(cors_rules=cors_rules(config)),
        delete_retention_policy=_days(config.blob_soft_delete_days),
    )
    # Accounts of kind Storage support soft delete of blobs, and none of the rest.
    if config.account_kind != "Storage":
        restores = config.restore_days > 0
        args.container_delete_retention_policy = _days(config.container_soft_delete_days)
        args.is_versioning_enabled = config.versioning
        args.change_feed = storage.ChangeFeedArgs(enabled=restores)
        args.restore_policy = storage.RestorePolicyPropertiesArgs(
            enabled=restores, days=config.restore_days or None
        )
    return args


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


def lifecycle(config: DjangoBlobStorageArgs) -> list[storage.ManagementPolicyRuleArgsDict]:
    """The rules that Azure applies once a day. None of them deletes a blob that the site uses."""
    found = []
    if config.quarantine_days:
        actions: storage.ManagementPolicyActionArgsDict = {
            "base_blob": {"delete": _modified(config.quarantine_days)}
        }
        if config.versioning:
            actions["version"] = {"delete": _created(config.quarantine_days)}
        found.append(_rule("abandoned-uploads", [config.quarantine_container], actions))
    if config.versioning and config.old_version_days:
        old = _created(config.old_version_days)
        actions = {"snapshot": {"delete": old}, "version": {"delete": old}}
        found.append(_rule("old-versions", config.containers.values(), actions))
    if config.cool_after_days:
        actions = {"base_blob": {"tier_to_cool": _modified(config.cool_after_days)}}
        found.append(_rule("cool-media", [config.media_container], actions))
    return found


def _modified(days: int) -> storage.DateAfterModificationArgsDict:
    return {"days_after_modification_greater_than": days}


def _created(days: int) -> storage.DateAfterCreationArgsDict:
    return {"days_after_creation_greater_than": days}


def _days(days: int) -> storage.DeleteRetentionPolicyArgs:
    return storage.DeleteRetentionPolicyArgs(enabled=days > 0, days=days or None)


def _rule(
    name: str, containers: Iterable[str], actions: storage.ManagementPolicyActionArgsDict
) -> storage.ManagementPolicyRuleArgsDict:
    prefixes = [f"{container}/" for container in containers]
    return {
        "name": name,
        "enabled": True,
        "type": storage.RuleType.LIFECYCLE,
        "definition": {
            "filters": {"blob_types": ["blockBlob"], "prefix_match": prefixes},
            "actions": actions,
        },
    }
