"""The app `azureblob`, which registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig


class AzureBlobConfig(AppConfig):
    name = "azureblob"
    verbose_name = "Azure Blob Storage"

    def ready(self) -> None:
        from azureblob import checks  # noqa: F401 - importing registers them
