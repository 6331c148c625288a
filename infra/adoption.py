"""Bringing an account that exists already under the stack, without changing it on the way.

The first `up` imports what is there, as it is. Then `adopt` is switched off, and the next preview
shows what the stack would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_azure_native import authorization, storage

from .config import StackConfig
from .problems import ConfigError, Problem

# "Common REST API error codes" of the blob service, which the resource provider passes on.
NO_CONTAINER = "ContainerNotFound"


class Adoption:
    """The ids of what is there, and the options that import it."""

    def __init__(self, config: StackConfig) -> None:
        """Looks at the account. Raises RunError if there is none, ConfigError if it has what cannot
        be changed and the configuration says otherwise."""
        self._config = config
        subscription = authorization.get_client_config().subscription_id
        self.group = f"/subscriptions/{subscription}/resourceGroups/{config.resource_group_name}"
        self.account = (
            f"{self.group}/providers/Microsoft.Storage/storageAccounts/{config.account_name}"
        )
        self.service = f"{self.account}/blobServices/default"
        where: dict[str, Any] = {
            "account_name": config.account_name,
            "resource_group_name": config.resource_group_name,
        }
        try:
            found = storage.get_storage_account(**where)
            service = storage.get_blob_service_properties(**where, blob_services_name="default")
        except Exception as error:
            raise pulumi.RunError(
                f"adopt is on, and account '{config.account_name}' in resource group "
                f"'{config.resource_group_name}' could not be read: {error}\n"
                "Correct accountName and resourceGroupName, or make a new one:\n"
                "    pulumi config set adopt false"
            ) from None
        _refuse_what_cannot_change(config, found)
        rules = service.cors.cors_rules if service.cors else None
        pulumi.log.warn(cors_text(config, rules or []))

    def container(self, name: str) -> str:
        return f"{self.service}/containers/{name}"

    def has_container(self, name: str) -> bool:
        """Whether the account has it. Raises RunError if Azure does not say."""
        config = self._config
        try:
            storage.get_blob_container(
                account_name=str(config.account_name),
                resource_group_name=str(config.resource_group_name),
                container_name=name,
            )
        except Exception as error:
            if NO_CONTAINER in str(error):
                return False
            raise pulumi.RunError(f"adopt: container '{name}' could not be read: {error}") from None
        return True

    @staticmethod
    def options(resource_id: str) -> pulumi.ResourceOptions:
        """Import this id, whatever its properties are."""
        return pulumi.ResourceOptions(import_=resource_id, ignore_changes=["*"])


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


def _refuse_what_cannot_change(config: StackConfig, found: storage.GetStorageAccountResult) -> None:
    """The properties that are fixed at an account's birth: changing one would be a new account."""
    is_so = {
        "location": (str(config.location), found.location.replace(" ", "").lower()),
        "accountKind": (config.account_kind, found.kind),
    }
    problems = [
        Problem(
            f"{pulumi.get_project()}:{key}",
            wanted,
            f"account '{config.account_name}' has {there}, and that cannot be changed",
            f"pulumi config set {key} {there}",
        )
        for key, (wanted, there) in is_so.items()
        if wanted != there
    ]
    if found.is_hns_enabled:
        problems.append(
            Problem(
                f"{pulumi.get_project()}:accountName",
                str(config.account_name),
                "an account with a hierarchical namespace has no versions and no restore; this "
                "stack is for accounts without",
                "pulumi config set adopt false",
            )
        )
    if problems:
        raise ConfigError(problems)
