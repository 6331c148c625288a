"""django-storages with hashed names, with a fix for its first run."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from django.contrib.staticfiles.storage import ManifestFilesMixin
from storages.backends.azure_storage import AzureStorage


class ManifestAzureStorage(ManifestFilesMixin, AzureStorage):  # type: ignore[misc]  # no types
    """Without this `read_manifest` the first run fails with ResourceNotFoundError: Django expects
    FileNotFoundError if there is no manifest yet."""

    def read_manifest(self) -> Any:
        try:
            return super().read_manifest()
        except ResourceNotFoundError:
            return None
