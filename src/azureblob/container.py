"""A container of a storage account: its options and its SDK clients."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.storage.blob import BlobServiceClient, ContainerClient
from django.core.exceptions import SuspiciousFileOperation
from storages.backends.azure_storage import AzureStorage
from storages.utils import setting

from azureblob import options
from azureblob.circuit import Circuit, circuit_for
from azureblob.client import (
    BoundedCredential,
    RetryPolicy,
    SharedTransport,
    service_client,
    shared_transport,
)
from azureblob.credentials import auth_conflicts, default_credential
from azureblob.delegation import keys_for
from azureblob.endpoints import blob_endpoint, custom_domain
from azureblob.names import normalized
from azureblob.reconstruction import Reconstructible
from azureblob.rest.auth import SharedKey
from azureblob.rest.errors import InvalidKeyError
from azureblob.signing import LONGEST_SECONDS, Signer
from azureblob.single_upload import SingleUpload

# Uploads and downloads up to this size take one request; larger ones are split into parts of it.
ONE_REQUEST_BYTES = 4 * 1024 * 1024
_SIZES = ("max_single_put_size", "max_block_size", "max_single_get_size", "max_chunk_get_size")
_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 20}
_RETRIES = 2
# The client_options that SingleUpload follows. With any other one, the SDK sends all uploads.
_SIMPLE_OPTIONS = {
    *_SIZES,
    "connection_cert",
    "connection_timeout",
    "connection_verify",
    "min_large_block_upload_threshold",
    "read_timeout",
    "use_env_settings",
}


class Container(Reconstructible, AzureStorage):  # type: ignore[misc]  # django-storages has no types
    """The options of BlobStorage, and its connection to the account."""

    # Set by BaseStorage from the options and settings.
    account_name: str
    account_key: str
    azure_container: str
    blob_endpoint: str
    custom_domain: str
    location: str
    max_memory_size: int
    timeout: int
    upload_max_conn: int
    overwrite_files: bool
    signed: bool
    signed_seconds: int
    check_content: bool

    def __init__(self, **given: Any) -> None:
        self.connection_string = None  # AzureStorage reads it
        problems = options.unsupported_options(given)
        # Skips AzureStorage.__init__: it sets attributes that are not used here, with a function
        # that Python 3.12 deprecates.
        supported = {k: v for k, v in given.items() if k not in options.REPLACED}
        super(AzureStorage, self).__init__(**supported)
        self._mask_key()
        self._making = threading.RLock()
        self._made_by = 0
        self._transport: SharedTransport | None = None
        self._single_upload: SingleUpload | None = None
        problems += options.domain(self.custom_domain)
        self.blob_endpoint = blob_endpoint(self.blob_endpoint, self.account_name)
        self.custom_domain = custom_domain(self.custom_domain, self.blob_endpoint).rstrip("/")
        problems += options.numbers(
            self, ("timeout", "upload_max_conn", "max_memory_size", "signed_seconds")
        )
        problems += options.switches(self, ("overwrite_files", "signed", "check_content"))
        if isinstance(self.signed_seconds, int) and self.signed_seconds > LONGEST_SECONDS:
            problems.append(
                f"signed_seconds is {self.signed_seconds}: it must be between 1 and "
                f"{LONGEST_SECONDS}. URLs are valid for up to twice as long, and signatures by an "
                "identity for at most 7 days."
            )
        try:
            self.location = normalized(self.location)
        except SuspiciousFileOperation:
            problems.append(
                f"location is {self.location!r}: it must be a folder inside the container."
            )
        if (access := setting("AZURE_MEDIA_ACCESS", "public")) not in {"public", "private"}:
            problems.append(f"AZURE_MEDIA_ACCESS is {access!r}: it must be public or private.")
        if not self.azure_container:
            problems.append("azure_container is not set.")
        if not self.account_name:
            problems.append("AZURE_ACCOUNT_NAME is not set.")
        problems += auth_conflicts(
            key=self.account_key,
            identity=bool(self.token_credential) or self.auth_mode == "identity",
            endpoint=self.blob_endpoint,
        )
        if problems:
            raise options.OptionsError(f"{type(self).__name__}: {' '.join(problems)}", self)

    def get_default_settings(self) -> dict[str, Any]:
        inherited = super().get_default_settings()
        return {
            **{k: v for k, v in inherited.items() if k not in options.REPLACED},
            "location": "",
            "blob_endpoint": setting("AZURE_BLOB_ENDPOINT"),
            "auth_mode": setting("AZURE_AUTH_MODE", "key"),
            "azure_container": setting("AZURE_MEDIA_CONTAINER") or setting("AZURE_CONTAINER"),
            "signed": setting("AZURE_MEDIA_ACCESS", "public") != "public",
            "signed_seconds": setting("AZURE_MEDIA_URL_SECONDS", 3600),
            "check_content": setting("AZURE_CHECK_CONTENT", True),
        }

    @property
    def azure_protocol(self) -> str:
        return "http" if self.blob_endpoint.startswith("http://") else "https"

    def service(
        self, *, retries: int, connect: float, read: float, circuit: Circuit | None = None
    ) -> BlobServiceClient:
        """A client with these time-outs (seconds), which override those of client_options."""
        own = ("connection_timeout", "read_timeout", "retry_policy", "retry_total", "transport")
        others = {k: v for k, v in self.client_options.items() if k not in own}
        return service_client(
            self.blob_endpoint,
            self._credential(),
            others,
            retries=retries,
            connect=connect,
            read=read,
            circuit=circuit,
        )

    def _credential(self) -> AzureNamedKeyCredential | TokenCredential:
        if self.token_credential:
            return BoundedCredential(self.token_credential)
        if self.auth_mode == "identity":
            return BoundedCredential(default_credential())
        return AzureNamedKeyCredential(self.account_name, self.account_key)

    @cached_property
    def signer(self) -> Signer:
        """Signs URLs with the account key, or with user delegation keys of the identity."""
        if self.account_key:
            return Signer(account=self.account_name, account_key=self.account_key)
        circuit = circuit_for(self.blob_endpoint, None)
        keys = keys_for(
            self.blob_endpoint,
            lambda: self.service(retries=2, connect=5, read=10, circuit=circuit),
        )
        return Signer(account=self.account_name, delegation_keys=keys)

    def _get_service_client(self) -> BlobServiceClient:
        options = {
            **dict.fromkeys(_SIZES, ONE_REQUEST_BYTES),
            **_TIMEOUTS,
            **self.client_options,
        }
        if self.client_options.keys() <= _SIMPLE_OPTIONS:
            options["transport"] = self._transport = shared_transport(options)
        return service_client(
            self.blob_endpoint,
            self._credential(),
            options,
            retries=_RETRIES,
            connect=_TIMEOUTS["connection_timeout"],
            read=_TIMEOUTS["read_timeout"],
            circuit=self.circuit,
        )

    def _new_single_upload(self) -> SingleUpload | None:
        """Over the connections of the client. None if only the SDK can be sure to follow its
        options, or those of a subclass that creates a client of its own."""
        if self._transport is None:
            return None
        credential = self._credential()
        if isinstance(credential, AzureNamedKeyCredential):
            try:
                authorization: SharedKey | TokenCredential = SharedKey(*credential.named_key)
            except InvalidKeyError:  # the SDK says so
                return None
        else:
            authorization = credential
        return SingleUpload(
            f"{self.blob_endpoint.rstrip('/')}/{self.azure_container}",
            self._transport,
            RetryPolicy(self.circuit, _RETRIES),
            authorization,
        )

    @property
    def circuit(self) -> Circuit:
        return circuit_for(self.blob_endpoint, self.azure_container)

    @property
    def service_client(self) -> BlobServiceClient:
        self._connect()
        return self._service_client

    @property
    def client(self) -> ContainerClient:
        self._connect()
        return self._client

    @property
    def single_upload(self) -> SingleUpload | None:
        """Sends small files with less work than the client, or None."""
        self._connect()
        return self._single_upload

    @property
    def single_upload_bytes(self) -> int:
        """The size of the largest upload that is a single request."""
        size: int = self.client_options.get("max_single_put_size", ONE_REQUEST_BYTES)
        return size

    def _connect(self) -> None:
        """One client for all threads; a forked process creates its own, to share no connection."""
        if self._made_by == os.getpid():
            return
        with self._making:
            if self._made_by != os.getpid():
                self._transport = None
                service: BlobServiceClient = self._get_service_client()
                self._service_client = service
                self._client: ContainerClient = service.get_container_client(self.azure_container)
                self._single_upload = self._new_single_upload()
                self._made_by = os.getpid()
