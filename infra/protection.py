"""What brings lost data back, and what ends data that nobody needs any more."""

from __future__ import annotations

from typing import Any

from pulumi_azure_native import storage

from .config import StackConfig


def retention(config: StackConfig) -> dict[str, Any]:
    """The blob service's arguments for soft delete, versions and turning back in time.

    Each is said even if it is off: the service keeps what it is not told about.
    """
    if config.account_kind == "Storage":
        # The first kind of accounts has none but this.
        return {"delete_retention_policy": _days(config.blob_soft_delete_days)}
    return {
        "delete_retention_policy": _days(config.blob_soft_delete_days),
        "container_delete_retention_policy": _days(config.container_soft_delete_days),
        "is_versioning_enabled": config.versioning,
        "change_feed": storage.ChangeFeedArgs(enabled=config.restore_days > 0),
        "restore_policy": storage.RestorePolicyPropertiesArgs(
            enabled=config.restore_days > 0, days=config.restore_days or None
        ),
    }


def lifecycle(config: StackConfig) -> list[storage.ManagementPolicyRuleArgs]:
    """The rules that Azure applies once a day; none of them deletes a blob that the site uses."""
    rules = []
    if config.quarantine_days:
        gone = storage.DateAfterCreationArgs(
            days_after_creation_greater_than=config.quarantine_days
        )
        rules.append(
            _rule(
                "abandoned-uploads",
                [f"{config.quarantine_container}/"],
                base_blob=storage.ManagementPolicyBaseBlobArgs(
                    delete=storage.DateAfterModificationArgs(
                        days_after_modification_greater_than=config.quarantine_days
                    )
                ),
                version=storage.ManagementPolicyVersionArgs(delete=gone)
                if config.versioning
                else None,
            )
        )
    if config.versioning and config.old_version_days:
        old = storage.DateAfterCreationArgs(
            days_after_creation_greater_than=config.old_version_days
        )
        rules.append(
            _rule(
                "old-versions",
                [
                    f"{container}/"
                    for container in (
                        config.static_container,
                        config.media_container,
                        config.quarantine_container,
                    )
                ],
                snapshot=storage.ManagementPolicySnapShotArgs(delete=old),
                version=storage.ManagementPolicyVersionArgs(delete=old),
            )
        )
    if config.cool_after_days:
        rules.append(
            _rule(
                "cool-media",
                [f"{config.media_container}/"],
                base_blob=storage.ManagementPolicyBaseBlobArgs(
                    tier_to_cool=storage.DateAfterModificationArgs(
                        days_after_modification_greater_than=config.cool_after_days
                    )
                ),
            )
        )
    return rules


def _days(days: int) -> storage.DeleteRetentionPolicyArgs:
    return storage.DeleteRetentionPolicyArgs(enabled=days > 0, days=days or None)


def _rule(name: str, prefixes: list[str], **actions: Any) -> storage.ManagementPolicyRuleArgs:
    return storage.ManagementPolicyRuleArgs(
        name=name,
        enabled=True,
        type=storage.RuleType.LIFECYCLE,
        definition=storage.ManagementPolicyDefinitionArgs(
            filters=storage.ManagementPolicyFilterArgs(
                blob_types=["blockBlob"], prefix_match=prefixes
            ),
            actions=storage.ManagementPolicyActionArgs(**actions),
        ),
    )
