"""Connections to the account of a storage, authorized as its options say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from azureblob.credentials import default_credential
from azureblob.rest.auth import Authorization, Bearer, SharedKey
from azureblob.rest.transport import Limits, Transport

if TYPE_CHECKING:
    from azureblob.staticfiles import StaticBlobStorage


class Account(Protocol):
    """The options of a storage that say which container it is, and how to sign in."""

    account_name: Any
    account_key: Any
    auth_mode: Any
    azure_container: Any
    blob_endpoint: str
    token_credential: Any


def open_transport(storage: StaticBlobStorage) -> Transport:
    """A transport to the static storage's container, with the limits of its options. Raises
    BlobServiceError for a malformed key."""
    limits = Limits(storage.connections, storage.attempts, storage.stall_seconds)
    return transport_to(storage, limits)


def transport_to(storage: Account, limits: Limits) -> Transport:
    """A transport to the container of any storage of this library. Raises BlobServiceError for a
    malformed key."""
    url = f"{storage.blob_endpoint.rstrip('/')}/{storage.azure_container}"
    return Transport(url, _authorization(storage), limits)


def _authorization(storage: Account) -> Authorization:
    if storage.token_credential:
        return Bearer(storage.token_credential)
    if storage.auth_mode == "identity":
        return Bearer(default_credential())
    return SharedKey(storage.account_name, storage.account_key)
