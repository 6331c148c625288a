"""What those who run the stack later need: its requests' log, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from policy.declared import UNKNOWN, Resource, at, items
from policy.rule import Level, Rule, mcsb
from policy.tokens import ACCOUNT, DIAGNOSTICS, GROUP, PROFILE

TAGS = ("project", "stack")


def request_log(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    settings = [each for each in resources if each.type == DIAGNOSTICS and _logs(each)]
    for account in (each for each in resources if each.type == ACCOUNT):
        if not any(_watches(setting, account) for setting in settings):
            yield account, "no diagnostic setting logs the requests to this account's blobs"


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
    """The log is the blob service's: the account's own setting has metrics only."""
    if setting.made_from("resourceUri", account):
        return True
    uri, account_id = setting.at("resourceUri"), account.at("id")
    if not (isinstance(uri, str) and isinstance(account_id, str)):
        return False
    return uri.lower() == f"{account_id}/blobServices/default".lower()


RULES = (
    Rule(
        "request-log",
        mcsb("LT-3"),
        Level.ADVISORY,
        "Every request to the account's blobs is logged",
        "pulumi config set logAnalyticsWorkspace /subscriptions/…/workspaces/NAME",
        check_stack=request_log,
    ),
    Rule(
        "tags",
        mcsb("AM-1"),
        Level.ADVISORY,
        "What costs money says which project and stack it belongs to",
        "infra/storage.py sets them; your own come beside them: "
        "pulumi config set --path tags.team web",
        types=(GROUP, ACCOUNT, PROFILE),
        check=tags,
    ),
)
