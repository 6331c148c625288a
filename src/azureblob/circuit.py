"""A circuit breaker for each container: after repeated failures requests fail at once."""

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

from azureblob.timeouts import StorageUnavailable, TooManyWaiting, current

# In a row, before the circuit opens.
FAILURES = 3
# Until one call may try again.
OPEN_SECONDS = 5.0


class CircuitOpen(StorageUnavailable):
    """Storage failed repeatedly, and is asked again in a few seconds."""


class Circuit:
    """Open after FAILURES in a row. Every OPEN_SECONDS one call is let through, and its success
    closes the circuit."""

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
                raise CircuitOpen("Storage failed repeatedly; it is asked again in a few seconds.")
            # The only probe until it has ended. One that reports neither success nor failure
            # must not keep the circuit open for ever.
            self._probe_at = now + seconds + OPEN_SECONDS

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """For a body that is read after its request has succeeded. Outside a request the circuit
        learns nothing, as for any call."""
        budget = current()
        if budget is None:
            yield
            return
        budget.required()
        failures = self._failures
        try:
            yield
        except HttpResponseError as error:
            if not error.status_code:  # the SDK's word for a body that broke off again and again
                self.failed()
            elif error.status_code < 500:
                self.succeeded()
            raise
        except (CircuitOpen, TooManyWaiting):
            raise
        except (ServiceRequestError, ServiceResponseError):
            if failures == self._failures:  # else its request failed, and was counted
                self.failed()
            raise
        self.succeeded()

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._probe_at = time.monotonic() + OPEN_SECONDS


_circuits: dict[Hashable, Circuit] = {}
_lock = threading.Lock()


def circuit_for(*key: Hashable) -> Circuit:
    """The process's circuit for an endpoint and container."""
    with _lock:
        return _circuits.setdefault(key, Circuit())
