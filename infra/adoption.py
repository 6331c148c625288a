"""Bringing an account that exists already under the stack, without changing it on the way.

The first `up` imports what is there, as it is, and creates the containers that are missing. Then
`adopt` is switched off, and the next preview shows what the stack would change.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import storage

from . import found
from .config import SETTINGS, StackConfig
from .problems import ConfigError, Problem

# "Common REST API error codes" of the blob service, which the resource provider passes on; and the
# storage resource provider's own.
NO_CONTAINER, NO_POLICY = "ContainerNotFound", "ManagementPolicyNotFound"


class Adoption:
    """The ids of what is there, and the options that import it."""

    def __init__(self, config: StackConfig, group: str) -> None:
        """Looks at the account in the group of that id.

        Raises RunError if there is none, ConfigError if it has what cannot be changed and the
        configuration says otherwise.
        """
        self._config = config
        self._where: dict[str, Any] = {
            "account_name": config.account_name,
            "resource_group_name": config.resource_group_name,
        }
        self.account = f"{group}/providers/Microsoft.Storage/storageAccounts/{config.account_name}"
        self.service = f"{self.account}/blobServices/default"
        self.policy = f"{self.account}/managementPolicies/default"
        try:
            account = storage.get_storage_account(**self._where)
            service = storage.get_blob_service_properties(
                **self._where, blob_services_name="default"
            )
        except Exception as error:
            raise pulumi.RunError(
                f"adopt is on, and account '{config.account_name}' in resource group "
                f"'{config.resource_group_name}' could not be read: {error}\n"
                "Correct accountName and resourceGroupName, or make a new one:\n"
                "    pulumi config set adopt false"
            ) from None
        names = (config.static_container, config.media_container, config.quarantine_container)
        self._levels = {name: self._level(name) for name in names}
        self.allows_public_access = account.allow_blob_public_access is True
        policy = self._read(
            "the lifecycle policy",
            lambda: storage.get_management_policy(**self._where, management_policy_name="default"),
            NO_POLICY,
        )
        self.has_policy = policy is not None
        self._refuse_what_cannot_change(account)
        rules = service.cors.cors_rules if service.cors else None
        pulumi.log.warn(cors_text(config, rules or []))
        kept = found.settings(config, account, service, self._levels, policy)
        for text in (settings_text(config, kept), policy_text(config, policy)):
            if text:
                pulumi.log.warn(text)

    def container(self, name: str) -> str:
        return f"{self.service}/containers/{name}"

    def has_container(self, name: str) -> bool:
        return self._levels[name] is not None

    @staticmethod
    def options(resource_id: str) -> pulumi.ResourceOptions:
        """Import this id, whatever its properties are."""
        return pulumi.ResourceOptions(import_=resource_id, ignore_changes=["*"])

    def _level(self, name: str) -> str | None:
        """A container's level of public access; None if there is no such container."""
        read = self._read(
            f"container '{name}'",
            lambda: storage.get_blob_container(**self._where, container_name=name),
            NO_CONTAINER,
        )
        return None if read is None else str(read.public_access or "None")

    def _read(self, what: str, call: Callable[[], Any], missing: str) -> Any:
        """What a function returns; None if Azure's code is `missing`. Raises RunError otherwise."""
        try:
            return call()
        except Exception as error:
            if missing in str(error):
                return None
            raise pulumi.RunError(f"adopt: {what} could not be read: {error}") from None

    def _refuse_what_cannot_change(self, account: storage.GetStorageAccountResult) -> None:
        """Refuse what is fixed at an account's birth (changing it would be a new account), and a
        container for uploads that is not there: adopting an account is taking over its uploads."""
        config, project = self._config, pulumi.get_project()
        is_so = {
            "location": (str(config.location), account.location.replace(" ", "").lower()),
            "accountKind": (config.account_kind, account.kind),
        }
        problems = [
            Problem(
                f"{project}:{key}",
                wanted,
                f"account '{config.account_name}' has {there}, and that cannot be changed",
                f"pulumi config set {key} {there}",
            )
            for key, (wanted, there) in is_so.items()
            if wanted != there
        ]
        if not self.has_container(config.media_container):
            create = (
                f"az storage container create --name {config.media_container} "
                f"--account-name {config.account_name} --auth-mode login"
            )
            problems.append(
                Problem(
                    f"{project}:mediaContainer",
                    config.media_container,
                    f"account '{config.account_name}' has no such container, and adopting the "
                    "account takes over its uploads: set the name of the one that holds them, or "
                    "create it",
                    create,
                )
            )
        if account.is_hns_enabled:
            problems.append(
                Problem(
                    f"{project}:accountName",
                    str(config.account_name),
                    "an account with a hierarchical namespace has no versions and no restore; this "
                    "stack is for accounts without",
                    "pulumi config set adopt false",
                )
            )
        if problems:
            raise ConfigError(problems)


def cors_text(config: StackConfig, rules: Sequence[Any]) -> str:
    """The account's present CORS rules, which the stack replaces once `adopt` is off."""
    if not rules:
        return f"Account {config.account_name} has no CORS rules now."
    lines = [f"Account {config.account_name} has these CORS rules now:"]
    for rule in rules:
        lines.append(
            f"  origins {', '.join(rule.allowed_origins)}; methods "
            f"{', '.join(str(method) for method in rule.allowed_methods)}; headers "
            f"{', '.join(rule.allowed_headers) or 'none'}; max age {rule.max_age_in_seconds} s"
        )
    wanted = ", ".join(map(str, config.cors_origins)) or "none"
    lines.append(
        f"With adopt off the stack sets its own instead, for the origins in corsOrigins: {wanted}."
    )
    return "\n".join(lines)


def settings_text(config: StackConfig, kept: Sequence[tuple[str, str]]) -> str:
    """The commands that make the settings say what the account has; empty if they do already."""
    if not kept:
        return ""
    lines = [
        f"Account {config.account_name} differs from the settings. With adopt off the stack "
        "changes it, or refuses to where that lowers its protection. To keep it as it is:"
    ]
    for path, value in kept:
        key = path.partition(".")[0].partition("[")[0]
        about = SETTINGS[key]
        # Without a type, a tag such as 4711 would become a number.
        typed = " --type string" if about.type == "object" else ""
        by_path = " --path" if path != key else ""
        set_ = f"pulumi config set{by_path}{typed} {shlex.quote(path)} {shlex.quote(value)}"
        now = getattr(config, about.field)
        lines.append(f"    {set_}" + ("" if by_path else f"  # the setting is {found.text(now)}"))
    return "\n".join(lines)


def policy_text(config: StackConfig, policy: Any) -> str:
    """The lifecycle rules that are there, which the stack replaces once `adopt` is off."""
    names = [rule.name for rule in policy.policy.rules] if policy else []
    if not names:
        return ""
    return (
        f"Account {config.account_name} has these lifecycle rules now: {', '.join(names)}. With "
        "adopt off the stack sets its own instead (quarantineDays, oldVersionDays, coolAfterDays)."
    )
