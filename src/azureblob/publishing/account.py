"""The way from a storage's options to the connections to its container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from azureblob.publishing.authorization import Authorization, Bearer, SharedKey
from azureblob.publishing.channel import Channel, Limits

if TYPE_CHECKING:
    from azureblob.static import StaticBlobStorage


class Account(Protocol):
    """What a storage knows of the account that its container is in."""

    account_name: Any
    account_key: Any
    auth_mode: Any
    azure_container: Any
    blob_endpoint: str
    token_credential: Any


def open_channel(storage: StaticBlobStorage) -> Channel:
    """Connections to the storage's container, none of them opened yet."""
    limits = Limits(storage.connections, storage.attempts, storage.stall_seconds)
    return channel_to(storage, limits)


def channel_to(storage: Account, limits: Limits) -> Channel:
    """Connections to the container of any storage of this app."""
    url = f"{storage.blob_endpoint.rstrip('/')}/{storage.azure_container}"
    return Channel(url, _authorization(storage), limits)


def _authorization(storage: Account) -> Authorization:
    if storage.token_credential:
        return Bearer(storage.token_credential)
    if storage.auth_mode == "identity":
        from azureblob.credentials import default_credential

        return Bearer(default_credential())
    return SharedKey(storage.account_name, storage.account_key)
