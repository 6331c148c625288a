"""The contract with the site: the stack's outputs, named as the environment that the app reads."""

from __future__ import annotations

import pulumi

from infra.storage import DjangoBlobStorage

# Name to meaning; the README's table is held to this one.
OUTPUTS = {
    "AZURE_ACCOUNT_NAME": "the storage account",
    "AZURE_ACCOUNT_KEY": "its first key, a secret",
    "AZURE_BLOB_ENDPOINT": "the blob service's URL, with a slash at the end",
    "AZURE_CUSTOM_DOMAIN": "the host, and path if any, that pages link static files to",
    "AZURE_STATIC_CONTAINER": "the container for static files",
    "AZURE_MEDIA_CONTAINER": "the container for uploads",
    "AZURE_MEDIA_ACCESS": "`public` or `private`",
}


def values(storage: DjangoBlobStorage) -> dict[str, pulumi.Input[str]]:
    """An output for each name in `OUTPUTS`; the key stays secret."""
    return {
        "AZURE_ACCOUNT_NAME": storage.account.name,
        "AZURE_ACCOUNT_KEY": storage.account_key,
        "AZURE_BLOB_ENDPOINT": storage.blob_endpoint,
        "AZURE_CUSTOM_DOMAIN": storage.blob_endpoint.apply(without_scheme),
        "AZURE_STATIC_CONTAINER": storage.static.name,
        "AZURE_MEDIA_CONTAINER": storage.media.name,
        "AZURE_MEDIA_ACCESS": "public" if storage.config.media_is_public else "private",
    }


def export(storage: DjangoBlobStorage) -> None:
    for name, value in values(storage).items():
        pulumi.export(name, value)


def without_scheme(url: str) -> str:
    """`https://name.blob.core.windows.net/` as `name.blob.core.windows.net`."""
    return url.partition("://")[2].rstrip("/")
