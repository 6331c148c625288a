"""How a process signs in: its identity, and keys that debugging output does not show."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from azureblob.extras import require

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class Secret(str):
    """A str that debugging output does not show: error pages and tracebacks print the `repr` of
    local variables and of the objects around them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'" if self else "''"


def default_credential() -> TokenCredential:
    """Workload identity, managed identity, or `az login`, in the order of azure-identity.

    It caches its token and renews it by itself. No token is requested before the first use. A
    forked process gets its own, because processes must not share a connection.
    """
    return _credential_of(os.getpid())


@lru_cache(maxsize=1)
def _credential_of(pid: int) -> TokenCredential:
    require("identity", "Signing in as an identity")
    # Imported here for start-up time: sites with an account key do not need it.
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(exclude_interactive_browser_credential=True)


def auth_conflicts(*, key: str | None, identity: bool, endpoint: str) -> list[str]:
    """The problems with settings that name both a key and an identity, or neither."""
    if key and identity:
        return [
            "Both an account key and an identity are set: remove AZURE_ACCOUNT_KEY, or set "
            "AZURE_AUTH_MODE=key and remove AZURE_TOKEN_CREDENTIAL."
        ]
    if identity and endpoint.startswith("http://"):
        return [f"AZURE_BLOB_ENDPOINT is {endpoint!r}: tokens are only sent over https."]
    if not key and not identity:
        return ["AZURE_ACCOUNT_KEY is not set, and AZURE_AUTH_MODE is not identity."]
    return []
