"""What brings lost data back, and what must not take live data away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.declared import UNKNOWN, Resource, at, items, text
from policy.rule import Check, Level, Rule, cis, expects, mcsb
from policy.tokens import ACCOUNT, CONTAINER, LIFECYCLE, LOCK, SERVICE

# The benchmark's least; Azure keeps deleted data for 365 days at the most.
LEAST_DAYS = 7
# The container where uploads wait until the site has looked at them, by its name in the program.
QUARANTINE = "site-quarantine"


def keeps_deleted(path: str) -> Check:
    def check(resource: Resource) -> Iterable[str]:
        enabled, days = resource.at(f"{path}.enabled"), resource.at(f"{path}.days")
        if enabled is not True and enabled is not UNKNOWN:
            yield f"{path}.enabled is {text(enabled)}, not true"
        elif days is not UNKNOWN and (days is None or days < LEAST_DAYS):
            yield f"{path}.days is {text(days)}, less than {LEAST_DAYS}"

    return check


def blob_service(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    services = [each for each in resources if each.type == SERVICE]
    for account in (each for each in resources if each.type == ACCOUNT):
        if not any(_belongs(service, account) for service in services):
            yield account, "no BlobServiceProperties are declared for this account"


def lifecycle(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    policies = [each for each in resources if each.type == LIFECYCLE]
    for account in (each for each in resources if each.type == ACCOUNT):
        if not any(_belongs(policy, account) for policy in policies):
            yield account, "no lifecycle (ManagementPolicy) is declared for this account"


def live_blobs(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    """Old versions and snapshots may end; what a page links to may not."""
    quarantine = {
        _name_of(each) for each in resources if each.type == CONTAINER and each.name == QUARANTINE
    }
    for policy in (each for each in resources if each.type == LIFECYCLE):
        for wrong in _takes_live_blobs(policy, quarantine):
            yield policy, wrong


def _takes_live_blobs(policy: Resource, quarantine: set[object]) -> Iterable[str]:
    for rule in items(policy.at("policy.rules")):
        if at(rule, "enabled") is False or not at(rule, "definition.actions.baseBlob.delete"):
            continue
        prefixes = at(rule, "definition.filters.prefixMatch")
        if prefixes is UNKNOWN:
            continue
        wide = [each for each in items(prefixes) if not _is_in(each, quarantine)]
        if wide or not prefixes:
            where = ", ".join(text(each) for each in wide) or "every container"
            yield f"rule {text(at(rule, 'name'))} deletes current blobs in {where}"


def lock(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    locks = [
        each
        for each in resources
        if each.type == LOCK and each.at("level") in ("CanNotDelete", "ReadOnly")
    ]
    for account in (each for each in resources if each.type == ACCOUNT):
        if not any(_holds(each, account) for each in locks):
            yield account, "no lock keeps this account from being deleted"


def protected(resource: Resource) -> Iterable[str]:
    if not resource.protect:
        yield "the account is not protected: `pulumi destroy` takes it with every blob"


def _name_of(container: Resource) -> object:
    """As the program gives it; of a container that is made the provider tells it as `name`."""
    given = container.at("containerName")
    return container.at("name") if given is None else given


def _belongs(part: Resource, account: Resource) -> bool:
    """Whether it is declared for this account: by where the name came from, or by the name."""
    if part.made_from("accountName", account):
        return True
    name = part.at("accountName")
    return isinstance(name, str) and name in (account.at("name"), account.at("accountName"))


def _holds(lock: Resource, account: Resource) -> bool:
    """A lock on the account, or on the group that it is in."""
    groups = account.depends.get("resourceGroupName", frozenset())
    if ({account.urn} | groups) & lock.depends.get("scope", frozenset()):
        return True
    scope, account_id = lock.at("scope"), account.at("id")
    if not (isinstance(scope, str) and isinstance(account_id, str)):
        return False
    return f"{account_id}/".lower().startswith(f"{scope.rstrip('/')}/".lower())


def _is_in(prefix: object, containers: set[object]) -> bool:
    """Whether all that the prefix stands for, a container's name first, is in one of them."""
    if prefix is UNKNOWN or UNKNOWN in containers:
        return True
    container, slash, _ = prefix.partition("/") if isinstance(prefix, str) else ("", "", "")
    return bool(slash) and container in containers


RULES = (
    Rule(
        "blob-soft-delete",
        cis("10.2.1"),
        Level.MANDATORY,
        f"A deleted or overwritten blob can be brought back for {LEAST_DAYS} days at the least",
        f"pulumi config set blobSoftDeleteDays {LEAST_DAYS}",
        types=(SERVICE,),
        check=keeps_deleted("deleteRetentionPolicy"),
    ),
    Rule(
        "container-soft-delete",
        cis("10.3.6"),
        Level.MANDATORY,
        f"A deleted container can be brought back for {LEAST_DAYS} days at the least",
        f"pulumi config set containerSoftDeleteDays {LEAST_DAYS}",
        types=(SERVICE,),
        check=keeps_deleted("containerDeleteRetentionPolicy"),
    ),
    Rule(
        "blob-service-declared",
        cis("10.2.1"),
        Level.MANDATORY,
        "Each account's blob service is declared, for without it nothing is soft-deleted",
        "infra/storage.py declares it; undo the change to it",
        check_stack=blob_service,
    ),
    Rule(
        "versioning",
        cis("10.2.2"),
        Level.ADVISORY,
        "What a blob held before each change is kept",
        "pulumi config set versioning true",
        types=(SERVICE,),
        check=expects("isVersioningEnabled", True),
    ),
    Rule(
        "delete-lock",
        cis("10.3.10"),
        Level.MANDATORY,
        "Azure refuses to delete the account",
        "pulumi config set lock true",
        check_stack=lock,
    ),
    Rule(
        "protected-account",
        mcsb("BR-2"),
        Level.ADVISORY,
        "Pulumi refuses to delete or replace the account",
        "pulumi config set protect true",
        types=(ACCOUNT,),
        check=protected,
    ),
    Rule(
        "lifecycle-declared",
        mcsb("AM-3"),
        Level.ADVISORY,
        "Abandoned uploads and old versions end by themselves",
        "pulumi config set quarantineDays 1",
        check_stack=lifecycle,
    ),
    Rule(
        "lifecycle-spares-live-blobs",
        mcsb("BR-2"),
        Level.MANDATORY,
        "No lifecycle rule deletes a current blob outside quarantine",
        "infra/blob_service.py keeps to it; undo the change to it, or delete versions instead",
        check_stack=live_blobs,
    ),
)
