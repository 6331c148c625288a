"""The container for uploads that are not checked yet. Private, whatever the media are.

A signature binds neither type nor size: in a public container anybody could have the site's storage
serve anything, under any type, as soon as it is sent.
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
from storages.utils import setting

from azureblob.direct.arrived import unreadable
from azureblob.direct.reader import LIMIT_BYTES, BlobReader
from azureblob.outages import error_code
from azureblob.signing import Signer
from azureblob.storage import BlobStorage
from azureblob.timeouts import grace, pause, remaining

log = logging.getLogger(__name__)

UNAVAILABLE = "Uploads are not available right now."
FOLDER = "uploads/"
SIGNED_SECONDS = 10 * 60
# Within an account a copy is done when it is answered, or soon after ("Copy Blob").
_COPY_SECONDS = 60
_LEASE_SECONDS = 60
_TAKEN = {"BlobAlreadyExists", "TargetConditionNotMet", "ConditionNotMet"}
_LEASE_ENDED = {"LeaseLost", "LeaseNotPresentWithBlobOperation"}
_LEASED_BY_ANOTHER = {"LeaseIdMissing", "LeaseIdMismatchWithBlobOperation"}
# One lease that ended, one of another's to be broken, and the deletion itself.
_DELETE_ATTEMPTS = 3
_GONE = {"BlobNotFound", "CannotVerifyCopySource", "SourceConditionNotMet"}
_NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"}
# What the sender encrypted with a key of its own ("Customer-provided keys").
_ENCRYPTED = "BlobUsesCustomerSpecifiedEncryption"


class Gone(Exception):
    """The upload is not in quarantine any more, or not as it was checked."""


class Unavailable(AzureError):
    """No upload can be taken: there is no quarantine container, or the site has no right to it. The
    text is the service's code, and trying again does not help."""


class Quarantine:
    """Of one account; `signed_seconds` is how long a browser may take to begin a request."""

    def __init__(self, storage: BlobStorage, signed_seconds: int = SIGNED_SECONDS) -> None:
        self.storage = storage
        self.signed_seconds = signed_seconds

    def new_name(self) -> str:
        return f"{FOLDER}{secrets.token_urlsafe(24)}"

    def signed_url(self, blob: str, *, blocks: bool) -> str:
        """Where a browser may PUT one blob. With `blocks` it may put blocks, and could replace the
        blob later on: that is why a check holds for one ETag alone."""
        signature = self._signer.send(
            container=self.storage.azure_container,
            blob=blob,
            seconds=self.signed_seconds,
            https_only=self.storage.azure_protocol == "https",
            blocks=blocks,
        )
        return f"{self._url(blob)}?{signature}"

    def properties(self, blob: str) -> BlobProperties | None:
        """None if it is not there. Raises Unavailable, and Refused for what cannot be looked at."""
        try:
            with _available():
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
        """Whether it was there, and with `etag` still in this version. Its snapshots are deleted
        as well: with the URL to send a file one can make them.

        The holder of a claim gives it as `lease`: between the end of a lease and the deletion
        another request could claim the blob. Anybody else's lease is broken.
        """
        client = self._client(blob)
        options: dict[str, Any] = {"delete_snapshots": "include"}
        if lease:
            options["lease"] = lease
        if etag:
            options |= {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        for _ in range(_DELETE_ATTEMPTS):
            try:
                with _available():
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
        """End all tokens of a blob that could not be deleted: writing to it changes its ETag."""
        with _available():
            self._client(blob).set_blob_metadata({"spent": "true"}, lease=lease)

    def older_than(self, moment: datetime) -> Iterator[BlobProperties]:
        """Everything in the container that was last written before `moment`."""
        for blob in self.storage.client.list_blobs():
            if blob.last_modified < moment:
                yield blob

    def set_headers(self, blob: str, etag: str, headers: dict[str, Any]) -> str:
        """The blob's new ETag. Raises Gone."""
        with _as_it_was():
            answer = self._client(blob).set_http_headers(
                ContentSettings(**headers),
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return str(answer["etag"])

    def claim(self, blob: str, etag: str) -> BlobLeaseClient:
        """A lease, so that of two who come with one pass only one is served. Raises Gone."""
        with _as_it_was():
            return self._client(blob).acquire_lease(
                _LEASE_SECONDS, etag=etag, match_condition=MatchConditions.IfNotModified
            )

    def copy(
        self, blob: str, etag: str, target: BlobClient, metadata: dict[str, str], *, overwrite: bool
    ) -> None:
        """By the service itself, headers and all. Raises Gone, and FileExistsError if `target` is
        taken."""
        free: dict[str, Any] = {} if overwrite else {"match_condition": MatchConditions.IfMissing}
        try:
            with _available(but=_GONE | _TAKEN):
                state = target.start_copy_from_url(
                    self._source(blob),
                    metadata=metadata,
                    source_etag=etag,
                    source_match_condition=MatchConditions.IfNotModified,
                    **free,
                )["copy_status"]
        except HttpResponseError as error:
            # "ConditionNotMet" may be said of either end; taken for the wrong one, a save would try
            # one name after another without end.
            if error_code(error) in _TAKEN and self._is(blob, etag) and not overwrite:
                raise FileExistsError(f"There is a blob {target.blob_name!r}") from None
            if error_code(error) in _GONE | _TAKEN:
                raise Gone(error_code(error)) from None
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
            raise ServiceResponseError(f"The copy within the account ended as {state!r}")

    def _source(self, blob: str) -> str:
        """Its address for a copy. Within an account the key that signs the request opens the source
        as well ("Copy Blob", authorization); an identity's token does not do so everywhere."""
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
        return self.storage._signer()

    def _client(self, blob: str) -> BlobClient:
        return self.storage.client.get_blob_client(blob)

    def _url(self, blob: str) -> str:
        return f"{self.storage.blob_endpoint}{self.storage.azure_container}/{blob}"


def log_unavailable(place: Quarantine, error: Unavailable) -> None:
    """For whoever runs the site; visitors read UNAVAILABLE."""
    log.error(
        "Uploads cannot be taken: the quarantine container %r answers %s. Run manage.py doctor.",
        place.storage.azure_container,
        error,
    )


def quarantine() -> Quarantine:
    """That of the settings: the account that BlobStorage reads there, and QUARANTINE_LOCATION."""
    return Quarantine(_storage(setting("QUARANTINE_LOCATION", "quarantine")))


@lru_cache(maxsize=1)
def _storage(container: str) -> BlobStorage:
    return BlobStorage(azure_container=container)


@receiver(setting_changed)
def _settings_changed(**_: Any) -> None:
    _storage.cache_clear()


@contextmanager
def _available(but: Set[str] = frozenset()) -> Iterator[None]:
    """A refusal that holds for every blob of the container is Unavailable; `but` are codes that say
    something of one blob alone."""
    try:
        yield
    except HttpResponseError as error:
        code = error_code(error)
        refused = isinstance(error, ClientAuthenticationError) or error.status_code in {401, 403}
        if code not in but and (refused or code in _NO_CONTAINER):
            raise Unavailable(code or f"status {error.status_code}") from None
        raise


@contextmanager
def _as_it_was() -> Iterator[None]:
    """A blob that is away, changed or claimed by another is Gone."""
    try:
        with _available():
            yield
    except (ResourceNotFoundError, ResourceModifiedError, ResourceExistsError) as error:
        raise Gone(error_code(error)) from None
