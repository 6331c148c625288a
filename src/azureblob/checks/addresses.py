"""STATIC_URL and MEDIA_URL, against where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from storages.utils import setting

from azureblob.checks.configured import TAG, address, kind_of, made
from azureblob.endpoints import blob_endpoint, custom_domain


@register(TAG)
def addresses_agree(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    from storages.backends.azure_storage import AzureStorage

    from azureblob.staticfiles import StaticBlobStorage
    from azureblob.storage import BlobStorage

    found: list[CheckMessage] = []
    static = made("staticfiles")
    if isinstance(static, StaticBlobStorage):
        base = address(static)
        if base != settings.STATIC_URL:
            found.append(_differs("STATIC_URL", settings.STATIC_URL, base, "azureblob.W004"))
    kind, url = kind_of("default"), settings.MEDIA_URL
    uploads = made("default")
    if isinstance(uploads, BlobStorage):
        base = address(uploads)
        if url.strip("/") and url not in {base, f"{base}{uploads.location}/"}:
            found.append(_differs("MEDIA_URL", url, base, "azureblob.W006"))
    elif kind and not issubclass(kind, AzureStorage) and _leads_to_the_account(url):
        found.append(
            Warning(
                "MEDIA_URL leads to the storage account, and uploads do not go there: "
                f"STORAGES['default'] is {kind.__name__}.",
                hint="Set STORAGES['default'] = {'BACKEND': 'azureblob.storage.BlobStorage', …}.",
                id="azureblob.W005",
            )
        )
    return found


def _differs(name: str, given: str | None, base: str, identity: str) -> CheckMessage:
    return Warning(
        f"{name} is {given!r}, and the URLs of these files begin with {base!r}.",
        hint=f"Set {name} = {base!r}: the pages' Content-Security-Policy is made from it"
        + (", and url() in style sheets is resolved by it." if name == "STATIC_URL" else "."),
        id=identity,
    )


def _leads_to_the_account(url: str) -> bool:
    endpoint = blob_endpoint(setting("AZURE_BLOB_ENDPOINT"), setting("AZURE_ACCOUNT_NAME"))
    bare = url.partition("://")[2]
    hosts = [custom_domain(setting("AZURE_CUSTOM_DOMAIN"), endpoint), custom_domain("", endpoint)]
    return any(host and bare.startswith(f"{host.rstrip('/')}/") for host in hosts)
