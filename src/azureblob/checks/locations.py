"""Checks of where files are: each kind in a container of its own, with the right URL setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from storages.utils import setting

from azureblob.checks.configuration import (
    TAG,
    address,
    entries,
    is_azure_storage,
    storage_class,
)
from azureblob.direct.conf import DEPRECATED_SETTING, SETTING, quarantine_container
from azureblob.endpoints import blob_endpoint, custom_domain


@register(TAG)
def containers_are_separate(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Static files, uploads and unchecked uploads each have a container."""
    all_entries = list(entries())
    static = {entry.container for entry in all_entries if entry.is_static}
    quarantine = quarantine_container()
    found: list[CheckMessage] = []
    for entry in all_entries:
        other = SETTING if entry.container == quarantine else ""
        if not entry.is_static and entry.container in static:
            other = "STORAGES['staticfiles']"
        if other and entry.container:
            found.append(
                Error(
                    f"{entry.where} and {other} have the same container, {entry.container!r}.",
                    hint="Give each a container of its own: deleting or publishing the files of "
                    "one would affect those of the other.",
                    id="azureblob.E009",
                )
            )
    return found


@register(TAG)
def quarantine_setting_is_renamed(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    if not hasattr(settings, DEPRECATED_SETTING):
        return []
    ignored = hasattr(settings, SETTING)
    consequence = "is ignored" if ignored else "will be ignored by the next version"
    remedy = "Remove it" if ignored else f"Rename it to {SETTING}"
    return [
        Warning(
            f"The setting {DEPRECATED_SETTING} is deprecated and {consequence}.",
            hint=f"{remedy}.",
            id="azureblob.W010",
        )
    ]


@register(TAG)
def urls_match_the_storages(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """STATIC_URL and MEDIA_URL are the addresses of the containers."""
    found: list[CheckMessage] = []
    usable = {entry.alias: entry for entry in entries() if not entry.error}
    static, uploads = usable.get("staticfiles"), usable.get("default")
    if static and static.is_static:
        base = address(static.storage)
        if base != settings.STATIC_URL:
            found.append(_differs("STATIC_URL", settings.STATIC_URL, base, "azureblob.W004"))
    kind, url = storage_class("default"), settings.MEDIA_URL
    if uploads and not uploads.is_static:
        base = address(uploads.storage)
        if url.strip("/") and url not in {base, f"{base}{uploads.storage.location}/"}:
            found.append(_differs("MEDIA_URL", url, base, "azureblob.W006"))
    elif kind and not is_azure_storage(kind) and _points_to_the_account(url):
        found.append(
            Warning(
                "MEDIA_URL is an address of the storage account, but uploads are not stored there: "
                f"STORAGES['default'] is {kind.__name__}.",
                hint="Set STORAGES['default'] = {'BACKEND': 'azureblob.storage.BlobStorage', …}.",
                id="azureblob.W005",
            )
        )
    return found


def _differs(name: str, given: str | None, base: str, identity: str) -> CheckMessage:
    purpose = "the Content-Security-Policy of pages is made from it"
    if name == "STATIC_URL":
        purpose += ", and url() in style sheets is resolved with it"
    return Warning(
        f"{name} is {given!r}, but the URLs of these files begin with {base!r}.",
        hint=f"Set {name} = {base!r}: {purpose}.",
        id=identity,
    )


def _points_to_the_account(url: str) -> bool:
    endpoint = blob_endpoint(setting("AZURE_BLOB_ENDPOINT"), setting("AZURE_ACCOUNT_NAME"))
    bare = url.partition("://")[2]
    hosts = [custom_domain(setting("AZURE_CUSTOM_DOMAIN"), endpoint), custom_domain("", endpoint)]
    return any(host and bare.startswith(f"{host.rstrip('/')}/") for host in hosts)
