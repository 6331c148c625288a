"""A circuit breaker for each container: after repeated failures requests fail immediately."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from azureblob.caching import SharedCache
from azureblob.timeouts import StorageUnavailable, TooManyWaiting, current

# Consecutive failures that open the circuit.
FAILURES = 3
# How long it stays open before one call may try again.
OPEN_SECONDS = 5.0


class CircuitOpen(StorageUnavailable):
    """Storage failed repeatedly; requests are allowed again in a few seconds."""


class Circuit:
    """Opens after FAILURES consecutive failures. While it is open, one call is let through every
    OPEN_SECONDS, and its success closes the circuit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at = 0.0

    def admit(self, seconds: float = 0.0) -> None:
        """Raises CircuitOpen. `seconds` is how long the call may take."""
        with self._lock:
            if self._failures < FAILURES:
                return
            now = time.monotonic()
            if now < self._probe_at:
                raise CircuitOpen(
                    "Storage failed repeatedly; it will be tried again in a few seconds."
                )
            # No other probe until this one has ended. A probe that reports neither success nor
            # failure must not keep the circuit open forever.
            self._probe_at = now + seconds + OPEN_SECONDS

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """For a body that is read after its request has succeeded. Without a budget the outcome is
        not counted, as for any call."""
        budget = current()
        if budget is None:
            yield
            return
        budget.required()
        failures = self._failures
        try:
            yield
        except HttpResponseError as error:
            if not error.status_code:  # the SDK's error for a body that broke off repeatedly
                self.failed()
            elif error.status_code < 500:
                self.succeeded()
            raise
        except (CircuitOpen, TooManyWaiting):
            raise
        except (ServiceRequestError, ServiceResponseError):
            if failures == self._failures:  # otherwise a failed request was counted already
                self.failed()
            raise
        self.succeeded()

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._probe_at = time.monotonic() + OPEN_SECONDS


_circuits: SharedCache[Circuit] = SharedCache()


def circuit_for(*key: Hashable) -> Circuit:
    """The process's circuit for an endpoint and container."""
    return _circuits.get(key, Circuit)
