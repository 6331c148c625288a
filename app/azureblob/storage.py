"""A container of a storage account as a Django storage.

django-storages brings reading and writing; this adds what its Azure backend lacks: endpoints of
any shape, URLs without a network call, identities as well as keys, errors of Python, and saves that
do not collide.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import quote

from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobPrefix, BlobServiceClient, ExponentialRetry
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from storages.backends.azure_storage import AzureStorage, AzureStorageFile
from storages.utils import setting

from azureblob.content_types import content_type
from azureblob.credentials import default_credential
from azureblob.delegation import keys_for
from azureblob.signing import LONGEST_SECONDS, Signer

_SAVE_ATTEMPTS = 5


class BlobStorage(AzureStorage):  # type: ignore[misc]  # django-storages has no types
    """Reads the settings AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY, AZURE_BLOB_ENDPOINT and
    AZURE_CUSTOM_DOMAIN; each may be given as an option in STORAGES, in lower case without AZURE_.

    AZURE_AUTH_MODE says how it signs in: `key`, or `identity`, for which it takes the option
    `token_credential` (AZURE_TOKEN_CREDENTIAL) or else what the environment offers.

    `signed` makes `url()` give a read signature that stays the same for `signed_seconds`, and leads
    to the account itself, whatever stands in front of it. Raises ImproperlyConfigured for a period
    of over three days, and for a key where an identity is to sign in.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not 0 < self.signed_seconds <= LONGEST_SECONDS:
            raise ImproperlyConfigured(
                f"signed_seconds is {self.signed_seconds}: 1 to {LONGEST_SECONDS}. A URL is valid "
                "for up to twice as long, and Azure signs with an identity for 7 days at the most."
            )
        if self.account_key and (self.token_credential or self.auth_mode == "identity"):
            raise ImproperlyConfigured(
                "There is an account key beside an identity to sign in with: take out "
                "AZURE_ACCOUNT_KEY, or set AZURE_AUTH_MODE to key and no AZURE_TOKEN_CREDENTIAL."
            )

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "blob_endpoint": setting("AZURE_BLOB_ENDPOINT"),
            "auth_mode": setting("AZURE_AUTH_MODE", "key"),
            "signed": False,
            "signed_seconds": 3600,
        }

    @property
    def azure_protocol(self) -> str:
        return "http" if self.blob_endpoint.startswith("http://") else "https"

    def service(self, *, retries: int, connect: float, read: float) -> BlobServiceClient:
        """A client with time-outs in seconds. The library's own are meant for batch jobs: 20 s to
        connect, 60 s to read, 15 s and more before it tries again."""
        return BlobServiceClient(
            self.blob_endpoint.rstrip("/"),
            credential=self._credential(),
            connection_timeout=connect,
            read_timeout=read,
            retry_policy=ExponentialRetry(
                initial_backoff=1, increment_base=2, retry_total=retries, random_jitter_range=1
            ),
        )

    def _credential(self) -> AzureNamedKeyCredential | TokenCredential:
        if self.token_credential:
            credential: TokenCredential = self.token_credential
            return credential
        if self.auth_mode == "identity":
            return default_credential()
        return AzureNamedKeyCredential(self.account_name, self.account_key)

    def _signer(self) -> Signer:
        """What signs URLs: the account's key, or a key that Azure lends to the identity."""
        if self.account_key:
            return Signer(account=self.account_name, account_key=self.account_key)
        keys = keys_for(self.blob_endpoint, lambda: self.service(retries=2, connect=5, read=10))
        return Signer(account=self.account_name, delegation_keys=keys)

    def _get_service_client(self) -> BlobServiceClient:
        return self.service(retries=2, connect=5, read=20)

    # --- Names and URLs ---------------------------------------------------------------------------

    def url(self, name: str) -> str:
        """The blob's address for a page; no request is made."""
        path = self._get_valid_path(name) if name.strip("./") else ""
        slash = "/" if path and name.endswith("/") else ""
        blob = f"{self.azure_container}/{quote(path, safe='/~')}{slash}"
        if not self.signed:
            return f"{self.azure_protocol}://{self.custom_domain}/{blob}"
        signature = self._signer().read(
            container=self.azure_container,
            blob=path,
            period=self.signed_seconds,
            https_only=self.azure_protocol == "https",
        )
        return f"{self.blob_endpoint.rstrip('/')}/{blob}?{signature}"

    def listdir(self, path: str = "") -> tuple[list[str], list[str]]:
        """Folders and files directly below `path`, by their last name."""
        prefix = f"{self._get_valid_path(path)}/" if path.strip("./") else ""
        folders, files = [], []
        for item in self.client.walk_blobs(name_starts_with=prefix, timeout=self.timeout):
            if isinstance(item, BlobPrefix):
                folders.append(item.name[len(prefix) :].rstrip("/"))
            elif item.name != prefix:
                files.append(item.name[len(prefix) :])
        return folders, files

    # --- Reading ----------------------------------------------------------------------------------

    def _open(self, name: str, mode: str = "rb") -> AzureStorageFile:
        """Downloads at once when reading, so that a missing blob is told here.

        Raises FileNotFoundError. Who opens for writing means to replace what is there.
        """
        storage = self
        if "r" not in mode:
            storage = copy.copy(self)
            storage.overwrite_files = True
        file = AzureStorageFile(name, mode, storage)
        if "r" in mode:
            file.file = self._downloaded(name)
        return file

    def _downloaded(self, name: str) -> SpooledTemporaryFile[bytes]:
        """The blob's bytes, at their beginning; on disk if there are many."""
        with _missing(name):
            download = self.client.download_blob(self._get_valid_path(name), timeout=self.timeout)
        file = SpooledTemporaryFile(  # noqa: SIM115  # whoever opened it closes it
            max_size=self.max_memory_size, dir=setting("FILE_UPLOAD_TEMP_DIR", None)
        )
        try:
            download.readinto(file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    def size(self, name: str) -> int:
        """In bytes. Raises FileNotFoundError."""
        with _missing(name):
            size: int = super().size(name)
        return size

    def get_modified_time(self, name: str) -> datetime:
        """Raises FileNotFoundError."""
        with _missing(name):
            modified: datetime = super().get_modified_time(name)
        return modified

    # --- Writing ----------------------------------------------------------------------------------

    def save(self, name: str | None, content: File[Any], max_length: int | None = None) -> str:
        """Store under a free name and return it.

        Between the look at a name and the upload another process may take it: the service refuses
        the second upload, which then gets another name.
        """
        for attempt in range(1, _SAVE_ATTEMPTS + 1):
            try:
                saved: str = super().save(name, content, max_length)
                return saved
            except ResourceExistsError:
                if attempt == _SAVE_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _get_content_settings_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        return {
            "cache_control": self.cache_control,
            "content_type": content_type(name),
            **self.get_object_parameters(name),
        }


@contextmanager
def _missing(name: str) -> Iterator[None]:
    """A blob that is not there is a file that is not there."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise FileNotFoundError(f"There is no blob {name!r}") from error
