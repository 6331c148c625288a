"""User delegation keys, with which an identity signs URLs. One per account and process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, UserDelegationKey

from azureblob.caching import SharedCache
from azureblob.credentials import Secret
from azureblob.timeouts import locked

logger = logging.getLogger(__name__)

# "Get User Delegation Key": a key is valid for at most 7 days. The margin allows for a difference
# between this machine's clock and the service's.
LIFETIME_SECONDS = 7 * 24 * 3600 - 3600
# Renewed a day early, so that an outage of hours has no effect.
EARLY_SECONDS = 24 * 3600
# For the longest signatures, a key is due for renewal as soon as it is fetched. A newer key would
# hardly last longer, and it would change every URL.
SPARED_SECONDS = 3600
RETRY_SECONDS = 60
SKEW_SECONDS = 15 * 60

_keys: SharedCache[DelegationKeys] = SharedCache()


class DelegationKeys:
    """An account's current key, fetched when it is first needed and renewed early.

    Only one thread fetches at a time; threads that waited for it share the result. While the
    current key is still valid, other threads do not wait for its renewal, and a failed renewal is
    logged as a warning.
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
        """A key that is valid at least until `moment` (Unix time).

        Raises azure.core.exceptions.AzureError if there is no such key and none can be fetched.
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
                    # If each thread tried in turn, each would wait for one more time-out.
                    raise self._failure
                self._fetch()
            assert self._key is not None  # noqa: S101 - for the type checker: _fetch sets it
            return self._key

    def _is_due(self, moment: float) -> bool:
        fetched = self._expiry - LIFETIME_SECONDS
        return self._expiry - moment < EARLY_SECONDS and time.time() - fetched >= SPARED_SECONDS

    def _renew_if_it_can_be(self, moment: float) -> None:
        # Another thread may have renewed it since this one looked.
        if not self._is_due(moment) or time.time() < self._try_again:
            return
        try:
            self._fetch()
        except AzureError as error:
            self._try_again = time.time() + RETRY_SECONDS
            # The error's text may contain addresses and tokens.
            logger.warning(
                "The user delegation key could not be renewed (%s). The current one is valid "
                "until %s; the next attempt is in %d s.",
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
    return _keys.get(endpoint, lambda: DelegationKeys(service))
