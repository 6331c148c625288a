"""STORAGES of the settings, read for those storages that are of this app, without making them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from azureblob.credentials import Secret

# The tag of checks: manage.py check --tag azureblob.
TAG = "azureblob"


@dataclass(frozen=True)
class Configured:
    """An entry of STORAGES that is one of ours, not made yet; `values` are its options over the
    settings."""

    alias: str
    static: bool
    values: dict[str, Any]

    @property
    def where(self) -> str:
        return f"STORAGES[{self.alias!r}]"

    @property
    def container(self) -> str:
        return str(self.values["azure_container"] or "")

    @property
    def identity(self) -> bool:
        return bool(self.values["token_credential"]) or self.values["auth_mode"] == "identity"


def configured() -> Iterator[Configured]:
    from azureblob.staticfiles import StaticBlobStorage
    from azureblob.storage import BlobStorage

    for alias, entry in settings.STORAGES.items():
        kind = kind_of(alias)
        if kind and issubclass(kind, BlobStorage | StaticBlobStorage):
            given: Any = entry.get("OPTIONS") or {}
            values = {**kind.get_default_settings(kind.__new__(kind)), **given}
            values["account_key"] = Secret(values["account_key"] or "")
            yield Configured(alias, issubclass(kind, StaticBlobStorage), values)


def kind_of(alias: str) -> type[Any] | None:
    """The storage's class; None where there is none of this name, which Django tells by itself."""
    try:
        kind = import_string(settings.STORAGES.get(alias, {}).get("BACKEND", ""))
    except ImportError:
        return None
    return kind if isinstance(kind, type) else None


def made(alias: str) -> Any:
    """The storage, if it is one of ours; None also where its options are refused, which
    azureblob.E002 and others tell."""
    if alias not in {storage.alias for storage in configured()}:
        return None
    try:
        return storages[alias]
    except ImproperlyConfigured:
        return None


def address(storage: Any) -> str:
    """What the URLs of a storage's files begin with, with a slash at the end."""
    scheme, _, account = storage.blob_endpoint.rstrip("/").partition("://")
    host = account if getattr(storage, "signed", False) else storage.custom_domain
    return f"{scheme}://{host}/{storage.azure_container}/"
