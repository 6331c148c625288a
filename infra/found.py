"""The settings that describe an account as it was found, so that adopting it changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_azure_native import storage

from .config import StackConfig
from .rules import OWN_TAGS


def settings(
    config: StackConfig,
    account: storage.GetStorageAccountResult,
    service: storage.GetBlobServicePropertiesResult,
    levels: Mapping[str, str | None],
    policy: storage.GetManagementPolicyResult | None,
) -> list[tuple[str, str]]:
    """Setting (by path for entries of lists and objects) and value, where `config` says otherwise.

    `levels` has the containers' public access, None for one that is not there. What the stack only
    makes stricter and has no setting for, such as TLS, is not in here.
    """
    values = {
        "sku": account.sku.name,
        **_access(config, account, levels),
        **_keys(account),
        **_retention(service),
        **_lifecycle(config, service, levels, policy),
        **_network(account),
    }
    kept = []
    for key, value in values.items():
        field = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key)
        now = getattr(config, field)
        if isinstance(value, tuple):
            kept += [(f"{key}[{n}]", item) for n, item in enumerate(value) if value != now]
        elif text(value) != text(now):
            kept.append((key, text(value)))
    return [*kept, *_tags(config, account)]


def text(value: Any) -> str:
    """A setting's value as it is typed."""
    return value if isinstance(value, str) else json.dumps(value)


def _access(
    config: StackConfig,
    account: storage.GetStorageAccountResult,
    levels: Mapping[str, str | None],
) -> dict[str, Any]:
    # Accounts that are older than the switch have no value, and allow public access.
    allowed = account.allow_blob_public_access is not False
    return {
        key: "public" if allowed and level != "None" else "private"
        for key, name in (
            ("mediaAccess", config.media_container),
            ("staticAccess", config.static_container),
        )
        if (level := levels[name]) is not None
    }


def _keys(account: storage.GetStorageAccountResult) -> dict[str, Any]:
    values: dict[str, Any] = {
        "authMode": "identity" if account.allow_shared_key_access is False else "key"
    }
    # A stack without these reminders gets them: that is no loss.
    if account.key_policy:
        values["keyExpiryDays"] = account.key_policy.key_expiration_period_in_days
    period = account.sas_policy.sas_expiration_period if account.sas_policy else ""
    parts = re.fullmatch(r"(\d+)\.(\d+):\d+:\d+", period)
    if parts:
        values["sasExpiryHours"] = 24 * int(parts[1]) + int(parts[2])
    return values


def _retention(service: storage.GetBlobServicePropertiesResult) -> dict[str, Any]:
    def days(policy: Any) -> int:
        return int(policy.days or 0) if policy and policy.enabled else 0

    return {
        "blobSoftDeleteDays": days(service.delete_retention_policy),
        "containerSoftDeleteDays": days(service.container_delete_retention_policy),
        "versioning": service.is_versioning_enabled is True,
        "restoreDays": days(service.restore_policy),
    }


def _lifecycle(
    config: StackConfig,
    service: storage.GetBlobServicePropertiesResult,
    levels: Mapping[str, str | None],
    policy: storage.GetManagementPolicyResult | None,
) -> dict[str, Any]:
    """Days after which blobs are deleted that are there now; 0 where no rule deletes them."""
    values = {}
    if service.is_versioning_enabled:
        values["oldVersionDays"] = _deleted_after(policy, "version", config.media_container)
    if levels[config.quarantine_container] is not None:
        container = config.quarantine_container
        values["quarantineDays"] = _deleted_after(policy, "base_blob", container)
    return values


def _deleted_after(policy: Any, part: str, container: str) -> int:
    """The least number of days after which a rule for this container, or for all, deletes."""
    found = []
    for rule in policy.policy.rules if policy else ():
        filters = rule.definition.filters
        prefixes = (filters.prefix_match if filters else None) or [""]
        actions = getattr(rule.definition.actions, part)
        delete = actions.delete if actions else None
        applies = any(f"{container}/".startswith(prefix) for prefix in prefixes)
        if rule.enabled is not False and delete and applies:
            found += [
                int(days)
                for days in (
                    getattr(delete, "days_after_modification_greater_than", None),
                    getattr(delete, "days_after_creation_greater_than", None),
                )
                if days is not None
            ]
    return min(found, default=0)


def _network(account: storage.GetStorageAccountResult) -> dict[str, Any]:
    rules = account.network_rule_set
    if account.public_network_access == "Disabled":
        return {"networkAccess": "closed"}
    if not rules or rules.default_action != "Deny":
        return {"networkAccess": "open"}
    return {
        "networkAccess": "firewall",
        "allowedIpRanges": tuple(each.i_p_address_or_range for each in rules.ip_rules or ()),
        "allowedSubnets": tuple(
            each.virtual_network_resource_id for each in rules.virtual_network_rules or ()
        ),
        "trustedServices": "AzureServices" in (rules.bypass or ""),
    }


def _tags(config: StackConfig, account: storage.GetStorageAccountResult) -> list[tuple[str, str]]:
    """The account's tags, but those that the stack sets itself."""
    own = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
    return [
        (f"tags.{name}" if re.fullmatch(r"[\w-]+", name) else f'tags["{name}"]', value)
        for name, value in sorted((account.tags or {}).items())
        if config.tags.get(name) != value and not (name in OWN_TAGS and own[name] == value)
    ]
