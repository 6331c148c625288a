"""The storages of this library in STORAGES, with the options and settings that they were given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from azureblob.options import OptionsError

if TYPE_CHECKING:
    from azureblob.advice import Advice

# The tag of the checks: manage.py check --tag azureblob.
TAG = "azureblob"


@dataclass(frozen=True)
class StorageEntry:
    """An entry of STORAGES that is a storage of this library.

    `storage` has its options as attributes. If they are refused, `error` says why and `storage` is
    only good for reading them; it is None if not even that is possible.
    """

    alias: str
    is_static: bool
    storage: Any
    error: ImproperlyConfigured | None = None

    @property
    def where(self) -> str:
        return f"STORAGES[{self.alias!r}]"

    @property
    def container(self) -> str:
        return str(getattr(self.storage, "azure_container", None) or "")

    @property
    def signs_urls(self) -> bool:
        return bool(getattr(self.storage, "signed", False))

    @property
    def uses_identity(self) -> bool:
        return bool(self.storage.token_credential) or self.storage.auth_mode == "identity"

    @property
    def advice(self) -> Advice:
        # Start-up: every process loads the checks, and advice is needed only if one fails.
        from azureblob.advice import Account, advice

        storage = self.storage
        return advice(Account(str(storage.account_name or ""), str(storage.blob_endpoint or "")))


def entries() -> Iterator[StorageEntry]:
    # Start-up: every process loads the checks, and azure-storage-blob is slow to load.
    from azureblob.staticfiles import StaticBlobStorage
    from azureblob.storage import BlobStorage

    for alias in settings.STORAGES:
        kind = storage_class(alias)
        if kind is None or not issubclass(kind, BlobStorage | StaticBlobStorage):
            continue
        storage: Any = None
        problem: ImproperlyConfigured | None = None
        try:
            storage = storages[alias]
        except OptionsError as error:
            storage, problem = error.storage, error
        except ImproperlyConfigured as error:
            problem = error
        yield StorageEntry(alias, issubclass(kind, StaticBlobStorage), storage, problem)


def storage_class(alias: str) -> type[Any] | None:
    """The class of the storage; None if it cannot be imported, which Django reports itself."""
    try:
        kind = import_string(settings.STORAGES.get(alias, {}).get("BACKEND", ""))
    except ImportError:
        return None
    return kind if isinstance(kind, type) else None


def is_azure_storage(kind: type[Any]) -> bool:
    """Whether this is the storage of django-storages, or a subclass of it."""
    # Start-up: every process loads the checks, and azure-storage-blob is slow to load.
    from storages.backends.azure_storage import AzureStorage

    return issubclass(kind, AzureStorage)


def created(alias: str) -> Any:
    """The storage, if it is one of this library; None also if its options are refused, which other
    checks report."""
    for entry in entries():
        if entry.alias == alias:
            return None if entry.error else entry.storage
    return None


def address(storage: Any) -> str:
    """The beginning of the URLs of a storage's files, with a slash at the end."""
    scheme, _, account = storage.blob_endpoint.rstrip("/").partition("://")
    host = account if getattr(storage, "signed", False) else storage.custom_domain
    return f"{scheme}://{host}/{storage.azure_container}/"
