"""What restores lost data, and what must not delete live data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.declared import UNKNOWN, Resource, at, items, text
from policy.rule import ADVISORY, Check, cis, every_account_has, expects, mcsb, of_each, of_stack
from policy.tokens import ACCOUNT, CONTAINER, LIFECYCLE, LOCK, SERVICE

# The benchmark's minimum; Azure keeps deleted data for at most 365 days.
LEAST_DAYS = 7


def keeps_deleted(path: str) -> Check:
    def check(resource: Resource) -> Iterable[str]:
        enabled, days = resource.at(f"{path}.enabled"), resource.at(f"{path}.days")
        if enabled is not True and enabled is not UNKNOWN:
            yield f"{path}.enabled is {text(enabled)}, not true"
        elif days is not UNKNOWN and (days is None or days < LEAST_DAYS):
            yield f"{path}.days is {text(days)}, less than {LEAST_DAYS}"

    return check


def live_blobs(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
    """Old versions and snapshots may be deleted, but no blob that a page links to."""
    containers = (each for each in resources if each.type == CONTAINER)
    quarantine = {_name_of(each) for each in containers if each.part == "quarantine"}
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


def protected(resource: Resource) -> Iterable[str]:
    if not resource.protect:
        yield "the account is not protected: `pulumi destroy` takes it with every blob"


def _name_of(container: Resource) -> object:
    """As the program sets it. Once the container exists, the provider returns it as `name`."""
    given = container.at("containerName")
    return container.at("name") if given is None else given


def _belongs(part: Resource, account: Resource) -> bool:
    """Whether it is declared for this account: by the origin of the name, or by the name."""
    if part.made_from("accountName", account):
        return True
    name = part.at("accountName")
    return isinstance(name, str) and name in (account.at("name"), account.at("accountName"))


def _locks(lock: Resource, account: Resource) -> bool:
    """Whether the lock is on the account or its resource group, and prevents deletion."""
    if lock.at("level") not in ("CanNotDelete", "ReadOnly"):
        return False
    groups = account.depends.get("resourceGroupName", frozenset())
    if ({account.urn} | groups) & lock.depends.get("scope", frozenset()):
        return True
    scope, account_id = lock.at("scope"), account.at("id")
    if not (isinstance(scope, str) and isinstance(account_id, str)):
        return False
    return f"{account_id}/".lower().startswith(f"{scope.rstrip('/')}/".lower())


def _is_in(prefix: object, containers: set[object]) -> bool:
    """Whether everything with the prefix, which begins with a container's name, is in one."""
    if prefix is UNKNOWN or UNKNOWN in containers:
        return True
    container, slash, _ = prefix.partition("/") if isinstance(prefix, str) else ("", "", "")
    return bool(slash) and container in containers


RULES = (
    ResourceValidationPolicy(
        name="blob-soft-delete",
        **cis("10.2.1", f"Deleted and overwritten blobs can be restored for {LEAST_DAYS} days"),
        remediation_steps=f"pulumi config set blobSoftDeleteDays {LEAST_DAYS}",
        validate=of_each(SERVICE, keeps_deleted("deleteRetentionPolicy")),
    ),
    ResourceValidationPolicy(
        name="container-soft-delete",
        **cis("10.3.6", f"Deleted containers can be restored for {LEAST_DAYS} days"),
        remediation_steps=f"pulumi config set containerSoftDeleteDays {LEAST_DAYS}",
        validate=of_each(SERVICE, keeps_deleted("containerDeleteRetentionPolicy")),
    ),
    StackValidationPolicy(
        name="blob-service-declared",
        **cis(
            "10.2.1", "Each account's blob service is declared: without it there is no soft delete"
        ),
        remediation_steps="infra/storage.py declares it; undo the change to it",
        validate=every_account_has(
            SERVICE, _belongs, "no BlobServiceProperties are declared for this account"
        ),
    ),
    ResourceValidationPolicy(
        name="versioning",
        **cis("10.2.2", "Previous versions of blobs are kept"),
        enforcement_level=ADVISORY,
        remediation_steps="pulumi config set versioning true",
        validate=of_each(SERVICE, expects("isVersioningEnabled", True)),
    ),
    StackValidationPolicy(
        name="delete-lock",
        **cis("10.3.10", "Azure refuses to delete the account"),
        remediation_steps="pulumi config set lock true",
        validate=every_account_has(LOCK, _locks, "no lock keeps this account from being deleted"),
    ),
    ResourceValidationPolicy(
        name="protected-account",
        **mcsb("BR-2", "Pulumi refuses to delete or replace the account"),
        enforcement_level=ADVISORY,
        remediation_steps="pulumi config set protect true",
        validate=of_each(ACCOUNT, protected),
    ),
    StackValidationPolicy(
        name="lifecycle-declared",
        **mcsb("AM-3", "Abandoned uploads and old versions are deleted automatically"),
        enforcement_level=ADVISORY,
        remediation_steps="pulumi config set quarantineDays 1",
        validate=every_account_has(
            LIFECYCLE, _belongs, "no lifecycle (ManagementPolicy) is declared for this account"
        ),
    ),
    StackValidationPolicy(
        name="lifecycle-spares-live-blobs",
        **mcsb("BR-2", "No lifecycle rule deletes a current blob outside quarantine"),
        remediation_steps=(
            "infra/blob_service.py complies; undo the change to it, or delete versions instead"
        ),
        validate=of_stack(live_blobs),
    ),
)
