"""Takes over an account that already exists, without changing it.

The first `up` imports what exists, as it is, and creates the containers that are missing. Then
`adopt` is switched off, and the next preview shows what the stack would change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pulumi
from pulumi_azure_native import storage

from . import found
from .config import DjangoBlobStorageArgs
from .errors import AzureRefusal, ConfigError, Problem, look_up

T = TypeVar("T")
# "Common REST API error codes" of the blob service, which the resource provider passes on; and the
# storage resource provider's own.
NO_CONTAINER, NO_POLICY = "ContainerNotFound", "ManagementPolicyNotFound"


@dataclass(frozen=True)
class Adoption:
    """What exists already: the resources' Azure ids, by the names that DjangoBlobStorage has for
    them. Without any, because `adopt` is off, the stack creates everything."""

    ids: Mapping[str, str] = field(default_factory=dict)
    allows_public_access: bool = True

    def options(self, resource: str) -> pulumi.ResourceOptions:
        """Options that import a resource with whatever properties it has, if it exists."""
        if resource not in self.ids:
            return pulumi.ResourceOptions()
        return pulumi.ResourceOptions(import_=self.ids[resource], ignore_changes=["*"])


def adopt(config: DjangoBlobStorageArgs, group_id: str) -> Adoption:
    """Looks at the account, and warns of what the stack would change in it.

    Raises RunError if it cannot be read, ConfigError if it has what cannot be changed and the
    configuration says otherwise.
    """
    name, group = str(config.account_name), str(config.resource_group_name)
    try:
        account = look_up(
            lambda: storage.get_storage_account(account_name=name, resource_group_name=group)
        )
        service = look_up(
            lambda: storage.get_blob_service_properties(
                account_name=name, resource_group_name=group, blob_services_name="default"
            )
        )
    except AzureRefusal as error:
        raise pulumi.RunError(
            f"adopt is on, and account '{name}' in resource group '{group}' could not be read: "
            f"{error}\nCorrect accountName and resourceGroupName, or create a new account:\n"
            "    pulumi config set adopt false"
        ) from None

    def level(container: str) -> str | None:
        read = _existing(
            f"container '{container}'",
            NO_CONTAINER,
            lambda: storage.get_blob_container(
                account_name=name, resource_group_name=group, container_name=container
            ),
        )
        return None if read is None else str(read.public_access or "None")

    levels = {container: level(container) for container in config.containers.values()}
    policy = _existing(
        "the lifecycle policy",
        NO_POLICY,
        lambda: storage.get_management_policy(
            account_name=name, resource_group_name=group, management_policy_name="default"
        ),
    )
    if problems := _unchangeable(config, account, levels):
        raise ConfigError(problems)
    for text in (
        cors_text(config, service.cors.cors_rules or [] if service.cors else []),
        found.differences(config, account, service, levels, policy),
        policy_text(config, policy),
    ):
        if text:
            pulumi.log.warn(text)
    account_id = f"{group_id}/providers/Microsoft.Storage/storageAccounts/{name}"
    ids = {
        "resource_group": group_id,
        "account": account_id,
        "service": f"{account_id}/blobServices/default",
    }
    if policy:
        ids["policy"] = f"{account_id}/managementPolicies/default"
    for role, container in config.containers.items():
        if levels[container] is not None:
            ids[role] = f"{ids['service']}/containers/{container}"
    return Adoption(ids, account.allow_blob_public_access is True)


def _existing(what: str, missing: str, call: Callable[[], T]) -> T | None:
    """What a look-up returns, None if Azure's code is `missing`. Raises RunError otherwise."""
    try:
        return look_up(call)
    except AzureRefusal as error:
        if missing in str(error):
            return None
        raise pulumi.RunError(f"adopt: {what} could not be read: {error}") from None


def _unchangeable(
    config: DjangoBlobStorageArgs,
    account: storage.GetStorageAccountResult,
    levels: Mapping[str, str | None],
) -> list[Problem]:
    """What is fixed when an account is created (changing it would replace the account), and a
    missing container for uploads: adopting an account means taking over its uploads."""
    project, name = pulumi.get_project(), str(config.account_name)
    existing = {
        "location": (str(config.location), account.location.replace(" ", "").lower()),
        "accountKind": (config.account_kind, account.kind),
    }
    problems = [
        Problem(
            f"{project}:{key}",
            wanted,
            f"account '{name}' has {actual}, and that cannot be changed",
            f"pulumi config set {key} {actual}",
        )
        for key, (wanted, actual) in existing.items()
        if wanted != actual
    ]
    if levels[config.media_container] is None:
        problems.append(
            Problem(
                f"{project}:mediaContainer",
                config.media_container,
                f"account '{name}' has no such container, and adopting the account takes over its "
                "uploads: set the name of the container that holds them, or create it",
                f"az storage container create --name {config.media_container} "
                f"--account-name {name} --auth-mode login",
            )
        )
    if account.is_hns_enabled:
        problems.append(
            Problem(
                f"{project}:accountName",
                name,
                "an account with a hierarchical namespace supports neither versions nor restore; "
                "this stack is for accounts without",
                "pulumi config set adopt false",
            )
        )
    return problems


def cors_text(
    config: DjangoBlobStorageArgs, rules: Sequence[storage.outputs.CorsRuleResponse]
) -> str:
    """The account's current CORS rules, which the stack replaces once `adopt` is off."""
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


def policy_text(
    config: DjangoBlobStorageArgs, policy: storage.GetManagementPolicyResult | None
) -> str:
    """The lifecycle rules that exist, which the stack replaces once `adopt` is off."""
    names = [str(rule.name) for rule in policy.policy.rules] if policy else []
    if not names:
        return ""
    return (
        f"Account {config.account_name} has these lifecycle rules now: {', '.join(names)}. With "
        "adopt off the stack sets its own instead (quarantineDays, oldVersionDays, coolAfterDays)."
    )
