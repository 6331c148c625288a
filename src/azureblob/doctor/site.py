"""The site under test: its storages, its quarantine container and the origins of its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobServiceClient
from django.conf import settings
from storages.utils import setting

from azureblob.advice import Account, Advice, advice
from azureblob.checks.configuration import created
from azureblob.direct.conf import quarantine_container
from azureblob.doctor.anonymous import REQUEST_SECONDS, connection_failure
from azureblob.doctor.results import ProbeFailed
from azureblob.outages import error_code
from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage

_LOCAL_ORIGIN = "http://127.0.0.1:8000"
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@dataclass(frozen=True)
class Site:
    """`storage` provides the account and the credentials. `direct` is true if browsers upload
    straight to the account."""

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
        """Whether the account is an emulator, which has no TLS."""
        return self._account.local

    @property
    def advice(self) -> Advice:
        return advice(self._account)

    @property
    def _account(self) -> Account:
        return Account(str(self.storage.account_name), self.endpoint)

    @property
    def uses_identity(self) -> bool:
        return not self.storage.account_key

    def client(self, seconds: float) -> BlobServiceClient:
        return self.storage.service(retries=0, connect=seconds, read=seconds)

    @contextmanager
    def service(self, container: str = "") -> Iterator[BlobServiceClient]:
        """A client of the account. Errors of azure-storage-blob are raised as ProbeFailed, with
        advice about `container`."""
        with self.errors_explained(container), self.client(REQUEST_SECONDS) as service:
            yield service

    @contextmanager
    def errors_explained(self, container: str = "") -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            if isinstance(error, HttpResponseError) and error.status_code is not None:
                code = error_code(error)
                raise self._refusal(error.status_code, code, container) from None
            if isinstance(error, ClientAuthenticationError):
                # No credential was found. The error's own text is pages long and may contain
                # addresses.
                raise ProbeFailed(
                    "No identity is signed in on this machine.", self.advice.no_identity()
                ) from None
            raise ProbeFailed(
                f"The request got no response: {connection_failure(error)}.",
                "Check the network between this machine and the account, and try again.",
            ) from None

    def _refusal(self, status: int, code: str, container: str) -> ProbeFailed:
        """What an error code means, by "Common REST API error codes", and what to do."""
        summary = f"{status} {code}".rstrip()
        advice = self.advice
        if code == "KeyBasedAuthenticationNotPermitted":
            return ProbeFailed(
                f"The account does not allow shared keys ({summary}).", advice.keys_not_allowed()
            )
        if code in {"AuthorizationPermissionMismatch", "InsufficientAccountPermissions"}:
            return ProbeFailed(f"The identity lacks a role ({summary}).", advice.role_missing())
        if code == "AuthorizationFailure" and not self.local:
            return ProbeFailed(
                f"The account's firewall blocks this machine ({summary}).", advice.firewall()
            )
        rejected = {"AuthenticationFailed", "AuthorizationFailure"}
        if code in rejected and not self.uses_identity:
            return ProbeFailed(
                f"The account key is wrong or was renewed ({summary}).", advice.key_refused()
            )
        if status == 401 or code in {"AuthenticationFailed", "InvalidAuthenticationInfo"}:
            return ProbeFailed(
                f"The service rejected the identity's token ({summary}).",
                "Sign in to the tenant of the account's subscription.",
                "az login --tenant <tenant>",
            )
        if code == "ContainerBeingDeleted":
            return ProbeFailed(
                f"A container of this name is being deleted ({summary}).",
                advice.container_being_deleted(container),
            )
        if code == "ContainerNotFound":
            return ProbeFailed(
                f"The container does not exist ({summary}).", advice.container_missing(container)
            )
        if status >= 500:
            return ProbeFailed(f"The service failed ({summary}).", "Try again in some minutes.")
        return ProbeFailed(f"The service refused the request ({summary}).", advice.refused())


def site(origins: Sequence[str] = ()) -> Site | None:
    """The site of the settings; None if STORAGES has no storage of this library that can be
    created."""
    media = created("default")
    static = created("staticfiles")
    media = media if isinstance(media, BlobStorage) else None
    static = static if isinstance(static, StaticBlobStorage) else None
    if media is None and static is None:
        return None
    storage: Any = media or (static and static.blobs)
    return Site(
        storage=storage,
        media=media,
        static=static,
        quarantine=quarantine_container(),
        origins=tuple(dict.fromkeys(origins or _origins(storage.azure_protocol == "http"))),
        direct=bool(setting("AZURE_DIRECT_UPLOAD", True)),
    )


def _origins(local: bool) -> list[str]:
    """The origins named in the settings. Wildcards are left out: there is no page to ask for."""
    origins = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    hosts = {urlsplit(origin).hostname for origin in origins}
    origins += [
        f"https://{host}"
        for host in settings.ALLOWED_HOSTS
        if not host.startswith(".") and "*" not in host and host not in _LOOPBACK | hosts
    ]
    return origins or ([_LOCAL_ORIGIN] if local or settings.DEBUG else [])
