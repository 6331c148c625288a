"""Access without an identity (anonymous, by a key, by a signature), and by a role."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy

from policy.declared import UNKNOWN, Resource, text
from policy.rule import ADVISORY, cis, expects, mcsb, of_each
from policy.tokens import ACCOUNT, CONTAINER, ROLE_ASSIGNMENT

# "Ensure that 'Enable key rotation reminders' is enabled" recommends 90 days.
MOST_DAYS = 90
# "Azure built-in roles": those with access to blobs or secrets, but not to the account or the vault
# itself.
DATA_ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
}
ACCOUNT_OR_VAULT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"(Microsoft\.Storage/storageAccounts|Microsoft\.KeyVault/vaults)/[^/]+(/.+)?",
    re.IGNORECASE,
)
KINDS = ("ServicePrincipal", "User", "Group", "ForeignGroup", "Device")


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


def scope(resource: Resource) -> Iterable[str]:
    value = resource.at("scope")
    if value is not UNKNOWN and not ACCOUNT_OR_VAULT.fullmatch(str(value)):
        yield f"scope is {text(value)}, wider than a storage account or a key vault"


def role(resource: Resource) -> Iterable[str]:
    value = resource.at("roleDefinitionId")
    if value is not UNKNOWN and str(value).rpartition("/")[2].lower() not in DATA_ROLES:
        yield f"roleDefinitionId is {text(value)}, none of {', '.join(DATA_ROLES.values())}"


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
    ResourceValidationPolicy(
        name="entra-by-default",
        **cis("10.3.3.1", "The portal opens blobs as the user who signed in, not with a key"),
        remediation_steps=(
            "infra/account.py declares it; undo the change to it (default_to_o_auth_authentication)"
        ),
        validate=of_each(ACCOUNT, expects("defaultToOAuthAuthentication", True)),
    ),
    ResourceValidationPolicy(
        name="role-within-account",
        **mcsb("PA-7", "A role is limited to one storage account or key vault, or a part of it"),
        remediation_steps=(
            "in infra/access.py set the role's scope to the id of the account, of a container or "
            "of the vault"
        ),
        validate=of_each(ROLE_ASSIGNMENT, scope),
    ),
    ResourceValidationPolicy(
        name="role-for-data-only",
        **mcsb(
            "PA-7", "A role accesses blobs or secrets only, not an account, its keys or other roles"
        ),
        remediation_steps=(
            "use Storage Blob Data Contributor, Data Reader or Delegator, or Key Vault Secrets "
            "User (infra/access.py); "
            "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID grants them"
        ),
        validate=of_each(ROLE_ASSIGNMENT, role),
    ),
    ResourceValidationPolicy(
        name="principal-type",
        **mcsb("IM-3", "A role names the kind of its identity, so that a new one is found"),
        remediation_steps=(
            "write TYPE:OBJECT_ID, for example "
            "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID"
        ),
        validate=of_each(ROLE_ASSIGNMENT, expects("principalType", *KINDS)),
    ),
)
