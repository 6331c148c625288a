"""Who may do what: roles, and how people sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy.declared import UNKNOWN, Resource, text
from policy.rule import Level, Rule, cis, expects, mcsb
from policy.tokens import ACCOUNT, ROLE_ASSIGNMENT

# "Azure built-in roles", Storage: those that reach blobs, and nothing of the account itself.
DATA_ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
}
ACCOUNT_OR_BELOW = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Storage/storageAccounts/[^/]+"
    r"(/.+)?",
    re.IGNORECASE,
)
KINDS = ("ServicePrincipal", "User", "Group", "ForeignGroup", "Device")


def scope(resource: Resource) -> Iterable[str]:
    value = resource.at("scope")
    if value is not UNKNOWN and not ACCOUNT_OR_BELOW.fullmatch(str(value)):
        yield f"scope is {text(value)}, wider than a storage account"


def role(resource: Resource) -> Iterable[str]:
    value = resource.at("roleDefinitionId")
    if value is not UNKNOWN and str(value).rpartition("/")[2].lower() not in DATA_ROLES:
        yield f"roleDefinitionId is {text(value)}, none of {', '.join(DATA_ROLES.values())}"


RULES = (
    Rule(
        "entra-by-default",
        cis("10.3.3.1"),
        Level.MANDATORY,
        "The portal opens blobs as the user who signed in, not with a key",
        "infra/account.py declares it; undo the change to it (default_to_o_auth_authentication)",
        types=(ACCOUNT,),
        check=expects("defaultToOAuthAuthentication", True),
    ),
    Rule(
        "role-within-account",
        mcsb("PA-7"),
        Level.MANDATORY,
        "A role reaches one storage account, or less",
        "give the role in infra/access.py the account's id, or a container's, as its scope",
        types=(ROLE_ASSIGNMENT,),
        check=scope,
    ),
    Rule(
        "role-for-data-only",
        mcsb("PA-7"),
        Level.MANDATORY,
        "A role reads and writes blobs: none manages the account, its keys or other roles",
        "take Storage Blob Data Contributor, Data Reader or Delegator (infra/access.py); "
        "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID grants them",
        types=(ROLE_ASSIGNMENT,),
        check=role,
    ),
    Rule(
        "principal-type",
        mcsb("IM-3"),
        Level.MANDATORY,
        "A role says what kind of identity it is for, so that one made a moment ago is found",
        "write TYPE:OBJECT_ID, for example "
        "pulumi config set --path 'dataPrincipals[0]' ServicePrincipal:OBJECT_ID",
        types=(ROLE_ASSIGNMENT,),
        check=expects("principalType", *KINDS),
    ),
)
