"""Values that all threads of a process share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedCache(Generic[T]):
    """Values by key, each made once, when it is first needed.

    Unlike functools.cache it never makes a value twice, and waiting for another thread's value
    counts against the request's budget. An error is not cached: it is raised in all threads that
    waited for the value, and the next call tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Hashable, T] = {}
        self._failures: dict[Hashable, tuple[float, Exception]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Raises what `make` raises, and StorageUnavailable if the budget is spent by waiting."""
        with contextlib.suppress(KeyError):
            return self._values[key]
        # Start-up: collectstatic has nothing to get, and azure-core, which this imports, is slow.
        from azureblob.timeouts import locked

        asked = time.monotonic()
        with locked(self._lock):
            if key in self._values:
                return self._values[key]
            failed, error = self._failures.get(key, (0.0, None))
            if error is not None and failed >= asked:
                raise error
            try:
                value = self._values[key] = make()
            except Exception as failure:
                self._failures[key] = time.monotonic(), failure
                raise
            return value

    def forget(self, key: Hashable) -> None:
        with self._lock:
            self._values.pop(key, None)
