"""The way from a storage's options to the connections to its container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from azureblob.rest.auth import Authorization, Bearer, SharedKey
from azureblob.rest.transport import Limits, Transport

if TYPE_CHECKING:
    from azureblob.staticfiles import StaticBlobStorage


class Account(Protocol):
    """What a storage knows of the account that its container is in."""

    account_name: Any
    account_key: Any
    auth_mode: Any
    azure_container: Any
    blob_endpoint: str
    token_credential: Any


def open_transport(storage: StaticBlobStorage) -> Transport:
    """Connections to the storage's container, none of them opened yet."""
    limits = Limits(storage.connections, storage.attempts, storage.stall_seconds)
    return transport_to(storage, limits)


def transport_to(storage: Account, limits: Limits) -> Transport:
    """Connections to the container of any storage of this app."""
    url = f"{storage.blob_endpoint.rstrip('/')}/{storage.azure_container}"
    return Transport(url, _authorization(storage), limits)


def _authorization(storage: Account) -> Authorization:
    if storage.token_credential:
        return Bearer(storage.token_credential)
    if storage.auth_mode == "identity":
        from azureblob.credentials import default_credential

        return Bearer(default_credential())
    return SharedKey(storage.account_name, storage.account_key)
