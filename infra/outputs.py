"""The contract with the site: the stack's outputs, named as the environment that the app reads."""

from __future__ import annotations

import pulumi

from infra.storage import DjangoBlobStorage

# Name to meaning; the README's table is held to this one.
OUTPUTS = {
    "AZURE_ACCOUNT_NAME": "the storage account",
    "AZURE_ACCOUNT_KEY": "the active key, a secret; absent with `authMode: identity`",
    "AZURE_AUTH_MODE": "`identity`; absent with `authMode: key`",
    "AZURE_BLOB_ENDPOINT": "the blob service's URL, with a slash at the end",
    "AZURE_CUSTOM_DOMAIN": "the host, and path if any, that pages link public files to",
    "AZURE_STATIC_CONTAINER": "the container for static files",
    "AZURE_MEDIA_CONTAINER": "the container for uploads",
    "AZURE_QUARANTINE_CONTAINER": "the private container for uploads that are not checked yet",
    "AZURE_MEDIA_ACCESS": "`public` or `private`",
    "AZURE_DIRECT_UPLOAD": "`true` if browsers may send uploads to the account itself, or `false`",
}


def values(storage: DjangoBlobStorage) -> dict[str, pulumi.Input[str]]:
    """An output for each name in `OUTPUTS` that the way to sign in has; the key stays secret."""
    sign_in: dict[str, pulumi.Input[str]] = (
        {"AZURE_AUTH_MODE": "identity"}
        if storage.account_key is None
        else {"AZURE_ACCOUNT_KEY": storage.account_key}
    )
    return {
        "AZURE_ACCOUNT_NAME": storage.account.name,
        **sign_in,
        "AZURE_BLOB_ENDPOINT": storage.blob_endpoint,
        "AZURE_CUSTOM_DOMAIN": storage.public_host,
        "AZURE_STATIC_CONTAINER": storage.static.name,
        "AZURE_MEDIA_CONTAINER": storage.media.name,
        "AZURE_QUARANTINE_CONTAINER": storage.quarantine_container,
        "AZURE_MEDIA_ACCESS": storage.config.media_access,
        "AZURE_DIRECT_UPLOAD": "true" if storage.config.takes_direct_uploads else "false",
    }


def export(storage: DjangoBlobStorage) -> None:
    for name, value in values(storage).items():
        pulumi.export(name, value)
