"""The contract with the site: the stack's outputs are the environment variables that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:  # which imports this module
    from .storage import DjangoBlobStorage

# Name to meaning. A test compares the README's table with this one.
OUTPUTS = {
    "AZURE_ACCOUNT_NAME": "the storage account",
    "AZURE_ACCOUNT_KEY": "the active key, a secret; absent with `authMode: identity`",
    "AZURE_AUTH_MODE": "`identity`; absent with `authMode: key`",
    "AZURE_BLOB_ENDPOINT": "the blob service's URL, with a slash at the end",
    "AZURE_BLOB_SECONDARY_ENDPOINT": "the URL that reads from the second region; only with the "
    "SKUs `Standard_RAGRS` and `Standard_RAGZRS`, and not read by the site",
    "AZURE_CUSTOM_DOMAIN": "the host, and path if any, that pages link public files to",
    "AZURE_STATIC_CONTAINER": "the container for static files",
    "AZURE_MEDIA_CONTAINER": "the container for uploads",
    "AZURE_QUARANTINE_CONTAINER": "the private container for uploads that are not checked yet",
    "AZURE_MEDIA_ACCESS": "`public` or `private`",
    "AZURE_DIRECT_UPLOAD": "`true` if browsers may send uploads to the account itself, or `false`",
    "SITE_URL": "the URL of the site; only with `host: appService`, and not read by the site",
}


def values(storage: DjangoBlobStorage) -> dict[str, pulumi.Input[str]]:
    """The values of the AZURE_ names in `OUTPUTS` that apply to the stack; the key is a secret."""
    config = storage.config
    found: dict[str, pulumi.Input[str] | None] = {
        "AZURE_ACCOUNT_NAME": storage.account_name,
        "AZURE_ACCOUNT_KEY": storage.account_key,
        "AZURE_AUTH_MODE": None if config.uses_keys else "identity",
        "AZURE_BLOB_ENDPOINT": storage.blob_endpoint,
        "AZURE_BLOB_SECONDARY_ENDPOINT": storage.secondary_blob_endpoint,
        "AZURE_CUSTOM_DOMAIN": storage.public_host,
        "AZURE_STATIC_CONTAINER": storage.static_container,
        "AZURE_MEDIA_CONTAINER": storage.media_container,
        "AZURE_QUARANTINE_CONTAINER": storage.quarantine_container,
        "AZURE_MEDIA_ACCESS": config.media_access,
        "AZURE_DIRECT_UPLOAD": "true" if config.takes_direct_uploads else "false",
    }
    return {name: value for name, value in found.items() if value is not None}


def export(storage: DjangoBlobStorage) -> None:
    for name, value in values(storage).items():
        pulumi.export(name, value)
    if storage.site_url is not None:
        pulumi.export("SITE_URL", storage.site_url)
