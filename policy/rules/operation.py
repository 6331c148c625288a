"""What operation needs: a log of requests, and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.declared import UNKNOWN, Resource, at, items
from policy.rule import ADVISORY, every_account_has, mcsb, of_each, of_stack
from policy.tokens import ACCOUNT, DIAGNOSTICS, GROUP, PROFILE

TAGS = ("project", "stack")


def tags(resource: Resource) -> Iterable[str]:
    there = resource.at("tags")
    if there is UNKNOWN:
        return
    missing = [tag for tag in TAGS if not (isinstance(there, Mapping) and there.get(tag))]
    if missing:
        yield f"there is no tag {' and no tag '.join(missing)}"


def _logs(setting: Resource) -> bool:
    logs = setting.at("logs")
    return logs is UNKNOWN or any(at(log, "enabled") is True for log in items(logs))


def _watches(setting: Resource, account: Resource) -> bool:
    """The blob service has the log: the account's own setting has metrics only."""
    if not _logs(setting):
        return False
    if setting.made_from("resourceUri", account):
        return True
    uri, account_id = setting.at("resourceUri"), account.at("id")
    if not (isinstance(uri, str) and isinstance(account_id, str)):
        return False
    return uri.lower() == f"{account_id}/blobServices/default".lower()


RULES = (
    StackValidationPolicy(
        name="request-log",
        **mcsb("LT-3", "Every request to the account's blobs is logged"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "pulumi config set logAnalyticsWorkspace /subscriptions/…/workspaces/NAME"
        ),
        validate=of_stack(
            every_account_has(
                DIAGNOSTICS,
                _watches,
                "no diagnostic setting logs the requests to this account's blobs",
            )
        ),
    ),
    ResourceValidationPolicy(
        name="tags",
        **mcsb("AM-1", "Resources that cost money have tags for their project and stack"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "infra/storage.py sets them; to add your own: pulumi config set --path tags.team web"
        ),
        validate=of_each((GROUP, ACCOUNT, PROFILE), tags),
    ),
)
