"""The site's two storages, each a container of the account."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from azureblob.storage import BlobStorage


class AzureStaticStorage(BlobStorage):
    """Static files: anyone reads them, publishing overwrites them."""

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "azure_container": settings.STATIC_LOCATION,
            # Names do not change with the content, so a browser has to ask again soon.
            "cache_control": "public, max-age=300",
            "overwrite_files": True,
        }


class AzureMediaStorage(BlobStorage):
    """Uploads: never overwritten; signed URLs where AZURE_MEDIA_ACCESS is private."""

    def get_default_settings(self) -> dict[str, Any]:
        private = settings.AZURE_MEDIA_ACCESS == "private"
        return {
            **super().get_default_settings(),
            "azure_container": settings.MEDIA_LOCATION,
            "cache_control": f"{'private' if private else 'public'}, max-age=3600",
            "overwrite_files": False,
            "signed": private,
        }
