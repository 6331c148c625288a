"""The site's two storages, each a container of the account."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage


class AzureStaticStorage(StaticBlobStorage):
    """Static files: anyone reads them, collectstatic publishes them under hashed names."""

    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "azure_container": settings.STATIC_LOCATION}


class AzureMediaStorage(BlobStorage):
    """Uploads: never overwritten, stored as what they are; signed URLs where AZURE_MEDIA_ACCESS is
    private."""

    def get_default_settings(self) -> dict[str, Any]:
        private = settings.AZURE_MEDIA_ACCESS == "private"
        return {
            **super().get_default_settings(),
            "azure_container": settings.MEDIA_LOCATION,
            "cache_control": f"{'private' if private else 'public'}, max-age=3600",
            "overwrite_files": False,
        }
