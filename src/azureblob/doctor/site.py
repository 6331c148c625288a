"""The site as it is examined: its storages, its quarantine and the origins of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.storage.blob import BlobServiceClient
from django.conf import settings
from storages.utils import setting

from azureblob.advice import Account, Advice, advice
from azureblob.checks.configured import made
from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage

_LOCAL_ORIGIN = "http://127.0.0.1:8000"
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@dataclass(frozen=True)
class Site:
    """`storage` signs in and knows the account. `direct` is whether browsers send uploads there."""

    storage: BlobStorage
    media: BlobStorage | None
    static: StaticBlobStorage | None
    quarantine: str
    origins: tuple[str, ...]
    direct: bool

    @property
    def endpoint(self) -> str:
        return str(self.storage.blob_endpoint)

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or ""

    @property
    def local(self) -> bool:
        """Whether it is an emulator, which has no TLS."""
        return self._account.local

    @property
    def advice(self) -> Advice:
        return advice(self._account)

    @property
    def _account(self) -> Account:
        return Account(str(self.storage.account_name), self.endpoint)

    @property
    def identity(self) -> bool:
        return not self.storage.account_key

    def client(self, seconds: float) -> BlobServiceClient:
        return self.storage.service(retries=0, connect=seconds, read=seconds)


def site(origins: Sequence[str] = ()) -> Site | None:
    """That of the settings; None if no storage of STORAGES is one of ours."""
    media = made("default")
    static = made("staticfiles")
    media = media if isinstance(media, BlobStorage) else None
    static = static if isinstance(static, StaticBlobStorage) else None
    if media is None and static is None:
        return None
    storage: Any = media or (static and static.blobs)
    return Site(
        storage=storage,
        media=media,
        static=static,
        quarantine=str(setting("QUARANTINE_LOCATION", "quarantine")),
        origins=tuple(dict.fromkeys(origins or _origins(storage.azure_protocol == "http"))),
        direct=bool(setting("AZURE_DIRECT_UPLOAD", True)),
    )


def _origins(local: bool) -> list[str]:
    """Those that the settings tell of; a wildcard is none that could be asked for."""
    named = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    hosts = {urlsplit(origin).hostname for origin in named}
    named += [
        f"https://{host}"
        for host in settings.ALLOWED_HOSTS
        if not host.startswith(".") and "*" not in host and host not in _LOOPBACK | hosts
    ]
    return named or ([_LOCAL_ORIGIN] if local or settings.DEBUG else [])
