"""Who gets in without signing in as somebody: strangers, keys and signatures."""

from __future__ import annotations

from collections.abc import Iterable

from policy.declared import UNKNOWN, Resource, text
from policy.rule import Level, Rule, cis, expects, mcsb
from policy.tokens import ACCOUNT, CONTAINER

# "Ensure that 'Enable key rotation reminders' is enabled" recommends 90 days.
MOST_DAYS = 90


def anonymous(resource: Resource) -> Iterable[str]:
    level = resource.at("publicAccess")
    if level not in (None, "None", UNKNOWN):
        yield f"publicAccess is {text(level)}: whoever knows a blob's address reads it"


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
    Rule(
        "no-anonymous-access",
        cis("10.3.9"),
        Level.MANDATORY,
        "The account lets nobody read without signing in",
        "pulumi config set frontDoor standard; pulumi config set staticAccess private; "
        "pulumi config set mediaAccess private",
        types=(ACCOUNT,),
        check=expects("allowBlobPublicAccess", False),
    ),
    Rule(
        "no-anonymous-container",
        cis("10.3.9"),
        Level.MANDATORY,
        "A container's blobs are not readable without signing in",
        "pulumi config set mediaAccess private; for static files "
        "pulumi config set frontDoor standard; pulumi config set staticAccess private",
        types=(CONTAINER,),
        check=anonymous,
    ),
    Rule(
        "no-container-listing",
        cis("10.3.9"),
        Level.MANDATORY,
        "Nobody lists a container without signing in, whatever else is public",
        "infra/account.py has Blob as the widest level; undo the change to it",
        types=(CONTAINER,),
        check=listing,
    ),
    Rule(
        "no-shared-keys",
        cis("10.3.1.3"),
        Level.MANDATORY,
        "The account's keys open nothing: everybody signs in as an identity",
        "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID; "
        "pulumi config set authMode identity",
        types=(ACCOUNT,),
        check=expects("allowSharedKeyAccess", False),
    ),
    Rule(
        "key-rotation-reminder",
        cis("10.3.1.1"),
        Level.MANDATORY,
        f"Azure reports a key that is older than {MOST_DAYS} days",
        f"pulumi config set keyExpiryDays {MOST_DAYS}",
        types=(ACCOUNT,),
        check=reminder,
    ),
    Rule(
        "sas-expiry",
        mcsb("IM-8"),
        Level.ADVISORY,
        "Azure logs a signature that lasts longer than it should",
        "pulumi config set sasExpiryHours 24",
        types=(ACCOUNT,),
        check=signature_period,
    ),
)
