"""Access without an identity: anonymous, by a key, by a signature."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy

from policy.declared import UNKNOWN, Resource, text
from policy.rule import ADVISORY, cis, expects, mcsb, of_each
from policy.tokens import ACCOUNT, CONTAINER

# "Ensure that 'Enable key rotation reminders' is enabled" recommends 90 days.
MOST_DAYS = 90


def anonymous(resource: Resource) -> Iterable[str]:
    level = resource.at("publicAccess")
    if level not in (None, "None", UNKNOWN):
        yield f"publicAccess is {text(level)}: anyone who knows a blob's URL can read it"


def listing(resource: Resource) -> Iterable[str]:
    if resource.at("publicAccess") == "Container":
        yield "publicAccess is 'Container', at which anyone can list every blob that there is"


def reminder(resource: Resource) -> Iterable[str]:
    """Accounts without keys need no reminder to renew them."""
    if resource.at("allowSharedKeyAccess") in (False, UNKNOWN):
        return
    days = resource.at("keyPolicy.keyExpirationPeriodInDays")
    if days is not UNKNOWN and not (days and 1 <= days <= MOST_DAYS):
        yield f"keyPolicy.keyExpirationPeriodInDays is {text(days)}, not 1 to {MOST_DAYS}"


def signature_period(resource: Resource) -> Iterable[str]:
    if resource.at("allowSharedKeyAccess") in (False, UNKNOWN):
        return
    if resource.at("sasPolicy.sasExpirationPeriod") is None:
        yield "sasPolicy.sasExpirationPeriod is not set"


RULES = (
    ResourceValidationPolicy(
        name="no-anonymous-access",
        **cis("10.3.9", "The account allows no anonymous reads"),
        remediation_steps=(
            "pulumi config set frontDoor standard; pulumi config set staticAccess private; "
            "pulumi config set mediaAccess private"
        ),
        validate=of_each(ACCOUNT, expects("allowBlobPublicAccess", False)),
    ),
    ResourceValidationPolicy(
        name="no-anonymous-container",
        **cis("10.3.9", "A container allows no anonymous reads"),
        remediation_steps=(
            "pulumi config set mediaAccess private; for static files "
            "pulumi config set frontDoor standard; pulumi config set staticAccess private"
        ),
        validate=of_each(CONTAINER, anonymous),
    ),
    ResourceValidationPolicy(
        name="no-container-listing",
        **cis("10.3.9", "No container can be listed anonymously"),
        remediation_steps="infra/account.py has Blob as the widest level; undo the change to it",
        validate=of_each(CONTAINER, listing),
    ),
    ResourceValidationPolicy(
        name="no-shared-keys",
        **cis("10.3.1.3", "The account accepts no keys: everybody signs in as an identity"),
        remediation_steps=(
            "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID; "
            "pulumi config set authMode identity"
        ),
        validate=of_each(ACCOUNT, expects("allowSharedKeyAccess", False)),
    ),
    ResourceValidationPolicy(
        name="key-rotation-reminder",
        **cis("10.3.1.1", f"Azure reports keys that are older than {MOST_DAYS} days"),
        remediation_steps=f"pulumi config set keyExpiryDays {MOST_DAYS}",
        validate=of_each(ACCOUNT, reminder),
    ),
    ResourceValidationPolicy(
        name="sas-expiry",
        **mcsb("IM-8", "Azure logs signatures that are valid for too long"),
        enforcement_level=ADVISORY,
        remediation_steps="pulumi config set sasExpiryHours 24",
        validate=of_each(ACCOUNT, signature_period),
    ),
)
