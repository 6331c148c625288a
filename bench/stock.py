"""The stock storage with hashed names, repaired so that it gets through its first run."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from django.contrib.staticfiles.storage import ManifestFilesMixin
from storages.backends.azure_storage import AzureStorage


class ManifestAzureStorage(ManifestFilesMixin, AzureStorage):  # type: ignore[misc]  # no types
    """Without `read_manifest` its first run ends with ResourceNotFoundError: Django waits for
    FileNotFoundError where there is no manifest yet."""

    def read_manifest(self) -> Any:
        try:
            return super().read_manifest()
        except ResourceNotFoundError:
            return None
