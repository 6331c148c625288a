"""The identity that the process runs as, one for all its storages."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


@lru_cache(maxsize=1)
def default_credential() -> TokenCredential:
    """Workload identity, managed identity, or `az login`, in the order of azure-identity.

    It keeps its token and renews it by itself. Nothing is asked for before the first request.
    """
    # Imported here: a site with a key needs none of it, and it is slow to load.
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(exclude_interactive_browser_credential=True)
