"""The identity that the process runs as, one for all its storages."""

from __future__ import annotations

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


@lru_cache(maxsize=1)
def default_credential() -> TokenCredential:
    """Workload identity, managed identity, or `az login`, in the order of azure-identity.

    It keeps its token and renews it by itself. Nothing is asked for before the first request.
    """
    require("identity", "Signing in as an identity")
    # Imported here: a site with a key needs none of it, and it is slow to load.
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(exclude_interactive_browser_credential=True)


def auth_conflicts(*, key: str | None, identity: bool, endpoint: str) -> list[str]:
    """What is wrong with a key and an identity beside each other, or with neither."""
    if key and identity:
        return [
            "There is an account key beside an identity to sign in with: take out "
            "AZURE_ACCOUNT_KEY, or set AZURE_AUTH_MODE to key and no AZURE_TOKEN_CREDENTIAL."
        ]
    if identity and endpoint.startswith("http://"):
        return [f"AZURE_BLOB_ENDPOINT is {endpoint!r}: a token is sent over https only."]
    if not key and not identity:
        return ["AZURE_ACCOUNT_KEY is not set, and AZURE_AUTH_MODE is not identity."]
    return []
