"""The container for uploads that are not inspected yet. It is private, whatever the media are.

A signature binds neither type nor size: in a public container anyone could make the site's storage
serve any file, under any type, as soon as it is sent.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobProperties, ContentSettings
from django.core.signals import setting_changed
from django.dispatch import receiver

from azureblob.direct.blob_reader import LIMIT_BYTES, BlobReader
from azureblob.direct.conf import quarantine_container
from azureblob.direct.properties import unreadable
from azureblob.exceptions import UploadGone, UploadsUnavailable
from azureblob.outages import error_code
from azureblob.signing import Signer
from azureblob.storage import BlobStorage
from azureblob.timeouts import grace, pause, remaining

log = logging.getLogger(__name__)

FOLDER = "uploads/"
SIGNED_SECONDS = 10 * 60
# Within an account a copy is complete when it is answered, or soon after ("Copy Blob").
_COPY_SECONDS = 60
_LEASE_SECONDS = 60
_TAKEN = {"BlobAlreadyExists", "TargetConditionNotMet", "ConditionNotMet"}
_LEASE_ENDED = {"LeaseLost", "LeaseNotPresentWithBlobOperation"}
_LEASED_BY_ANOTHER = {"LeaseIdMissing", "LeaseIdMismatchWithBlobOperation"}
# One with a lease that has ended, one with another request's lease to break, and the deletion.
_DELETE_ATTEMPTS = 3
_GONE = {"BlobNotFound", "CannotVerifyCopySource", "SourceConditionNotMet"}
_NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"}
# The sender encrypted the blob with a key of its own ("Customer-provided keys").
_ENCRYPTED = "BlobUsesCustomerSpecifiedEncryption"


class Quarantine:
    """`signed_seconds` is how long a browser may take to start a request."""

    def __init__(self, storage: BlobStorage, signed_seconds: int = SIGNED_SECONDS) -> None:
        self.storage = storage
        self.signed_seconds = signed_seconds

    def new_name(self) -> str:
        return f"{FOLDER}{secrets.token_urlsafe(24)}"

    def signed_url(self, blob: str, *, blocks: bool) -> str:
        """Where a browser may PUT one blob. With `blocks` it may put blocks, and could replace the
        blob later: that is why an inspection is valid for one ETag only."""
        signature = self._signer.send(
            container=self.storage.azure_container,
            blob=blob,
            seconds=self.signed_seconds,
            https_only=self.storage.azure_protocol == "https",
            blocks=blocks,
        )
        return f"{self._url(blob)}?{signature}"

    def properties(self, blob: str) -> BlobProperties | None:
        """None if it does not exist. Raises UploadsUnavailable, and FileRefused if the service does
        not show it."""
        try:
            with self._available():
                return self._client(blob).get_blob_properties()
        except ResourceNotFoundError:
            return None
        except HttpResponseError as error:
            if error_code(error) == _ENCRYPTED:
                raise unreadable() from None
            raise

    def _is(self, blob: str, etag: str) -> bool:
        there = self.properties(blob)
        return there is not None and str(there.etag) == etag

    def reader(self, blob: str, size: int, etag: str, limit: int = LIMIT_BYTES) -> BlobReader:
        return BlobReader(self._client(blob), size, etag, limit)

    def delete(
        self, blob: str, etag: str | None = None, lease: BlobLeaseClient | None = None
    ) -> bool:
        """Delete the blob with its snapshots, which the holder of a signed URL can make. Returns
        whether it existed, in the version `etag` if that is given.

        The holder of a claim passes its `lease`: if it were released first, another request could
        claim the blob before it is deleted. Any other lease is broken.
        """
        client = self._client(blob)
        options: dict[str, Any] = {"delete_snapshots": "include"}
        if lease:
            options["lease"] = lease
        if etag:
            options |= {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        for _ in range(_DELETE_ATTEMPTS):
            try:
                with self._available():
                    client.delete_blob(**options)
                return True
            except ResourceNotFoundError:
                return False
            except HttpResponseError as error:
                if error_code(error) in _LEASE_ENDED and "lease" in options:
                    del options["lease"]
                elif error_code(error) in _LEASED_BY_ANOTHER:
                    options.pop("lease", None)
                    with contextlib.suppress(ResourceNotFoundError):
                        BlobLeaseClient(client).break_lease(lease_break_period=0)
                elif isinstance(error, ResourceModifiedError):
                    return False
                else:
                    raise
        return False

    def spend(self, blob: str, lease: BlobLeaseClient | None) -> None:
        """Invalidate all tokens of a blob that could not be deleted: writing to it changes its
        ETag."""
        with self._available():
            self._client(blob).set_blob_metadata({"spent": "true"}, lease=lease)

    def older_than(self, moment: datetime) -> Iterator[BlobProperties]:
        """All blobs that were last modified before `moment`."""
        for blob in self.storage.client.list_blobs():
            if blob.last_modified < moment:
                yield blob

    def set_headers(self, blob: str, etag: str, headers: dict[str, Any]) -> str:
        """The blob's new ETag. Raises UploadGone."""
        with self.unchanged():
            answer = self._client(blob).set_http_headers(
                ContentSettings(**headers),
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return str(answer["etag"])

    def claim(self, blob: str, etag: str) -> BlobLeaseClient:
        """A lease, so that only one of several requests with the same token can use it. Raises
        UploadGone."""
        with self.unchanged():
            return self._client(blob).acquire_lease(
                _LEASE_SECONDS, etag=etag, match_condition=MatchConditions.IfNotModified
            )

    def copy(
        self, blob: str, etag: str, target: BlobClient, metadata: dict[str, str], *, overwrite: bool
    ) -> None:
        """Have the service copy that version, with its headers. Raises UploadGone, and
        FileExistsError if `target` exists."""
        free: dict[str, Any] = {} if overwrite else {"match_condition": MatchConditions.IfMissing}
        try:
            with self._available(unless=_GONE | _TAKEN):
                state = target.start_copy_from_url(
                    self._source(blob),
                    metadata=metadata,
                    source_etag=etag,
                    source_match_condition=MatchConditions.IfNotModified,
                    **free,
                )["copy_status"]
        except HttpResponseError as error:
            # "ConditionNotMet" may refer to the source or the target. Taken for the wrong one, a
            # save would try one name after another forever.
            if error_code(error) in _TAKEN and not overwrite and self._is(blob, etag):
                raise FileExistsError(f"The blob {target.blob_name!r} exists") from None
            if error_code(error) in _GONE | _TAKEN:
                raise UploadGone(reason=error_code(error)) from None
            raise
        deadline = time.monotonic() + remaining(_COPY_SECONDS)
        try:
            while state == "pending" and time.monotonic() < deadline:
                pause(0.2)
                state = target.get_blob_properties().copy.status or "unknown"
        finally:
            if state != "success":
                with contextlib.suppress(AzureError), grace():
                    target.delete_blob(delete_snapshots="include")
        if state != "success":
            raise ServiceResponseError(f"The copy within the account ended with status {state!r}")

    def _source(self, blob: str) -> str:
        """The URL to copy from. Within an account, the key that signs the request authorizes the
        source as well ("Copy Blob", authorization); an identity's token does not always."""
        if self.storage.account_key:
            return self._url(blob)
        signature = self._signer.read(
            container=self.storage.azure_container,
            blob=blob,
            period=SIGNED_SECONDS,
            https_only=self.storage.azure_protocol == "https",
        )
        return f"{self._url(blob)}?{signature}"

    @property
    def _signer(self) -> Signer:
        return self.storage.signer

    def _client(self, blob: str) -> BlobClient:
        return self.storage.client.get_blob_client(blob)

    def _url(self, blob: str) -> str:
        return f"{self.storage.blob_endpoint}{self.storage.azure_container}/{blob}"

    @contextmanager
    def _available(self, unless: Set[str] = frozenset()) -> Iterator[None]:
        """Raises UploadsUnavailable for an error that concerns every blob of the container; codes
        in `unless` concern one blob only."""
        try:
            yield
        except HttpResponseError as error:
            code = error_code(error)
            denied = isinstance(error, ClientAuthenticationError) or error.status_code in {401, 403}
            if code in unless or not (denied or code in _NO_CONTAINER):
                raise
            reason = code or f"status {error.status_code}"
            log.error(
                "No upload can be accepted: the quarantine container %r answers %s. Run manage.py "
                "doctor.",
                self.storage.azure_container,
                reason,
            )
            raise UploadsUnavailable(reason=reason) from None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raises UploadGone if the blob is missing, has changed, or is claimed by another."""
        try:
            with self._available():
                yield
        except (ResourceNotFoundError, ResourceModifiedError, ResourceExistsError) as error:
            raise UploadGone(reason=error_code(error)) from None


def site_quarantine(signed_seconds: int = SIGNED_SECONDS) -> Quarantine:
    """The container AZURE_QUARANTINE_CONTAINER in the account that BlobStorage reads from the
    settings."""
    return Quarantine(_storage(quarantine_container()), signed_seconds)


@lru_cache(maxsize=1)
def _storage(container: str) -> BlobStorage:
    return BlobStorage(azure_container=container)


@receiver(setting_changed)
def _clear_cache(**_: Any) -> None:
    _storage.cache_clear()
