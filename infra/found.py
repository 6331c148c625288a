"""Compares an adopted account with the settings, and prints the commands that keep it as it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

import pulumi
from pulumi_azure_native import storage

from .config import DjangoBlobStorageArgs
from .rules import OWN_TAGS
from .settings import FIELDS, as_text

Value = str | bool | int | tuple[str, ...]


def differences(
    config: DjangoBlobStorageArgs,
    account: storage.GetStorageAccountResult,
    service: storage.GetBlobServicePropertiesResult,
    levels: Mapping[str, str | None],
    policy: storage.GetManagementPolicyResult | None,
) -> str:
    """The commands that make the settings describe the account; empty if they already do.

    `levels` has the containers' public access, None for a missing one. What the stack only makes
    stricter and has no setting for, such as TLS, is left out.
    """
    values: dict[str, Value] = {
        "sku": account.sku.name,
        **_access(config, account, levels),
        **_keys(account),
        **_retention(service),
        **_lifecycle(config, service, levels, policy),
        **_network(account),
    }
    commands = [
        f"    {FIELDS[field].command(value)}  # the setting is {as_text(now)}"
        for field, value in values.items()
        if (now := getattr(config, field)) != value
    ]
    commands += _tags(config, account)
    if not commands:
        return ""
    head = (
        f"Account {config.account_name} differs from the settings. With adopt off the stack "
        "changes it, or refuses to where that lowers its protection. To keep it as it is:"
    )
    return "\n".join([head, *commands])


def _access(
    config: DjangoBlobStorageArgs,
    account: storage.GetStorageAccountResult,
    levels: Mapping[str, str | None],
) -> dict[str, Value]:
    # Accounts that are older than the switch have no value, and allow public access.
    allowed = account.allow_blob_public_access is not False
    return {
        key: "public" if allowed and level != "None" else "private"
        for key, name in (
            ("media_access", config.media_container),
            ("static_access", config.static_container),
        )
        if (level := levels[name]) is not None
    }


def _keys(account: storage.GetStorageAccountResult) -> dict[str, Value]:
    values: dict[str, Value] = {
        "auth_mode": "identity" if account.allow_shared_key_access is False else "key"
    }
    # An account without these reminders gets them, which lowers nothing.
    if account.key_policy:
        values["key_expiry_days"] = int(account.key_policy.key_expiration_period_in_days)
    period = account.sas_policy.sas_expiration_period if account.sas_policy else ""
    parts = re.fullmatch(r"(\d+)\.(\d+):\d+:\d+", period)
    if parts:
        values["sas_expiry_hours"] = 24 * int(parts[1]) + int(parts[2])
    return values


def _retention(service: storage.GetBlobServicePropertiesResult) -> dict[str, Value]:
    def days(
        policy: storage.outputs.DeleteRetentionPolicyResponse
        | storage.outputs.RestorePolicyPropertiesResponse
        | None,
    ) -> int:
        return int(policy.days or 0) if policy and policy.enabled else 0

    return {
        "blob_soft_delete_days": days(service.delete_retention_policy),
        "container_soft_delete_days": days(service.container_delete_retention_policy),
        "versioning": service.is_versioning_enabled is True,
        "restore_days": days(service.restore_policy),
    }


def _lifecycle(
    config: DjangoBlobStorageArgs,
    service: storage.GetBlobServicePropertiesResult,
    levels: Mapping[str, str | None],
    policy: storage.GetManagementPolicyResult | None,
) -> dict[str, Value]:
    """Days after which existing blobs are deleted; 0 where no rule deletes them."""
    values: dict[str, Value] = {}
    if service.is_versioning_enabled:
        values["old_version_days"] = _deleted_after(policy, "version", config.media_container)
    if levels[config.quarantine_container] is not None:
        container = config.quarantine_container
        values["quarantine_days"] = _deleted_after(policy, "base_blob", container)
    return values


def _deleted_after(
    policy: storage.GetManagementPolicyResult | None, part: str, container: str
) -> int:
    """The smallest number of days after which a rule for this container, or for all, deletes."""
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
                for condition in ("modification", "creation")
                if (days := getattr(delete, f"days_after_{condition}_greater_than", None))
                is not None
            ]
    return min(found, default=0)


def _network(account: storage.GetStorageAccountResult) -> dict[str, Value]:
    rules = account.network_rule_set
    if account.public_network_access == "Disabled":
        return {"network_access": "closed"}
    if not rules or rules.default_action != "Deny":
        return {"network_access": "open"}
    return {
        "network_access": "firewall",
        "allowed_ip_ranges": tuple(each.i_p_address_or_range for each in rules.ip_rules or ()),
        "allowed_subnets": tuple(
            each.virtual_network_resource_id for each in rules.virtual_network_rules or ()
        ),
        "trusted_services": "AzureServices" in (rules.bypass or ""),
    }


def _tags(config: DjangoBlobStorageArgs, account: storage.GetStorageAccountResult) -> Iterator[str]:
    """The commands for the account's tags, except those that the stack sets itself."""
    own = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
    for name, value in sorted((account.tags or {}).items()):
        if config.tags.get(name) != value and not (name in OWN_TAGS and own[name] == value):
            path = f"tags.{name}" if re.fullmatch(r"[\w-]+", name) else f'tags["{name}"]'
            # Without a type, a tag such as 4711 would become a number.
            quoted = f"{shlex.quote(path)} {shlex.quote(value)}"
            yield f"    pulumi config set --path --type string {quoted}"
