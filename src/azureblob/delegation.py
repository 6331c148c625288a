"""User delegation keys: with these an identity signs URLs. One for an account and process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, UserDelegationKey

from azureblob.credentials import Secret
from azureblob.timeouts import locked

logger = logging.getLogger(__name__)

# "Get User Delegation Key": a key is valid for 7 days at the most. The margin is for clocks that
# differ: the service counts by its own.
LIFETIME_SECONDS = 7 * 24 * 3600 - 3600
# Renewed a day before it has to be, so that a service that is away for hours is never noticed.
EARLY_SECONDS = 24 * 3600
# A key that was just fetched may already be due, for signatures of the longest kind. Another one
# would hardly last longer, and it would change every URL.
SPARED_SECONDS = 3600
RETRY_SECONDS = 60
SKEW_SECONDS = 15 * 60

_holders: dict[str, DelegationKeys] = {}
_holders_lock = threading.Lock()


class DelegationKeys:
    """One account's present key, fetched when it is first needed and renewed early.

    However many threads ask, one fetches, and those that waited for it share what came of it.
    While a key is still good enough, nobody else waits for the next one, and a failed renewal is a
    warning and no error.
    """

    def __init__(self, service: Callable[[], BlobServiceClient]) -> None:
        self._service = service
        self._fetching = threading.Lock()
        self._key: UserDelegationKey | None = None
        self._expiry = 0.0
        self._try_again = 0.0
        self._failures = 0
        self._failure: AzureError | None = None

    def valid_until(self, moment: float) -> UserDelegationKey:
        """A key that is valid until `moment` (Unix time) at least.

        Raises azure.core.exceptions.AzureError if there is none and none can be fetched.
        """
        key = self._key
        if key is not None and moment <= self._expiry:
            if self._is_due(moment) and self._fetching.acquire(blocking=False):
                try:
                    self._renew_if_it_can_be(moment)
                finally:
                    self._fetching.release()
            return self._key or key
        failures = self._failures
        with locked(self._fetching):
            if self._key is None or moment > self._expiry:
                if self._failure is not None and self._failures > failures:
                    # Of threads that try one after another each would wait for a time-out more.
                    raise self._failure
                self._fetch()
            assert self._key is not None  # noqa: S101 - for the type checker: _fetch sets it
            return self._key

    def _is_due(self, moment: float) -> bool:
        fetched = self._expiry - LIFETIME_SECONDS
        return self._expiry - moment < EARLY_SECONDS and time.time() - fetched >= SPARED_SECONDS

    def _renew_if_it_can_be(self, moment: float) -> None:
        # Another thread may have done it between this one's look and its turn.
        if not self._is_due(moment) or time.time() < self._try_again:
            return
        try:
            self._fetch()
        except AzureError as error:
            self._try_again = time.time() + RETRY_SECONDS
            # The error's own text may hold addresses and tokens.
            logger.warning(
                "The user delegation key could not be renewed (%s). The present one is good until "
                "%s; the next try is in %d s.",
                type(error).__name__,
                datetime.fromtimestamp(self._expiry, UTC).isoformat(timespec="minutes"),
                RETRY_SECONDS,
            )

    def _fetch(self) -> None:
        now = time.time()
        expiry = now + LIFETIME_SECONDS
        try:
            with self._service() as service:
                key = service.get_user_delegation_key(
                    datetime.fromtimestamp(now - SKEW_SECONDS, UTC),
                    datetime.fromtimestamp(expiry, UTC),
                )
        except AzureError as error:
            self._failure = error
            self._failures += 1
            raise
        key.value = Secret(key.value or "")
        self._key = key
        self._expiry = expiry


def keys_for(endpoint: str, service: Callable[[], BlobServiceClient]) -> DelegationKeys:
    """The process's keys for the account behind a blob endpoint."""
    with _holders_lock:
        return _holders.setdefault(endpoint, DelegationKeys(service))
