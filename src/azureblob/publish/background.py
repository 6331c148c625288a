"""A call in another thread, for what waits for the network while this thread reads files."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

_T = TypeVar("_T")
# Windows delivers Ctrl-C to a thread that waits only when the wait ends.
_POLL_SECONDS = 0.5


class InBackground(Generic[_T]):
    """A context manager: `call` runs in a thread of its own. When the block is left before the call
    has ended, `cancel` is called, which should make it end soon, and its outcome is dropped."""

    def __init__(self, call: Callable[[], _T], cancel: Callable[[], None]) -> None:
        self._call = call
        self._cancel = cancel
        self._results: list[_T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self._cancel()
            self._wait()

    def ends_within(self, seconds: float) -> bool:
        """Wait for the call, but no longer than this. Return whether it has ended."""
        self._wait(seconds)
        return not self._thread.is_alive()

    def result(self) -> _T:
        """Wait for the call's result. Raises what the call raised."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # raised again in the other thread
            self._error = error

    def _wait(self, seconds: float = math.inf) -> None:
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and (left := deadline - time.monotonic()) > 0:
            self._thread.join(min(left, _POLL_SECONDS))
