"""Time limits: for a single call that may hang, and for all storage calls of a request.

The calls of one request share a budget of seconds (AZURE_REQUEST_SECONDS, 8 by default).
azureblob.middleware opens it; the clients of azureblob.client derive their time-outs from the rest.
Code outside a request, such as a management command, has no budget unless it opens one.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from azure.core.exceptions import ServiceRequestError
from django.core.exceptions import ImproperlyConfigured
from storages.utils import setting

T = TypeVar("T")
A = TypeVar("A")

REQUEST_SECONDS = 8.0
WAITING_REQUESTS = 3
# Storage stalls if no waiting request has sent or received anything for this long.
STALLED_SECONDS = 0.5
# Less than this at once is no progress: a server that trickles bytes stalls all the same, and the
# operating system's buffers accept a request's headers and a part of its body by themselves.
_RECEIVED_BYTES, _SENT_BYTES = 64, 4096
_SIDE_BY_SIDE = 16


class StorageUnavailable(ServiceRequestError):
    """No request was sent, because no answer can be expected in time."""


class OutOfTime(StorageUnavailable):
    """The request's budget for storage is spent."""


class TooManyWaiting(StorageUnavailable):
    """Storage stalls, and the maximum number of requests of this process already waits for it."""


def request_seconds() -> float:
    """AZURE_REQUEST_SECONDS. Raises ImproperlyConfigured."""
    given = setting("AZURE_REQUEST_SECONDS", REQUEST_SECONDS)
    try:
        seconds = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if 0 < seconds < math.inf:
        return seconds
    raise ImproperlyConfigured(
        f"AZURE_REQUEST_SECONDS is {given!r}: it must be a number of seconds greater than 0, for "
        "example 8."
    )


def waiting_requests() -> int:
    """AZURE_WAITING_REQUESTS. Raises ImproperlyConfigured."""
    given = setting("AZURE_WAITING_REQUESTS", WAITING_REQUESTS)
    text = str(given).strip()
    if not isinstance(given, bool) and text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise ImproperlyConfigured(
        f"AZURE_WAITING_REQUESTS is {given!r}: it must be a whole number of at least 1 and less "
        "than the threads of a server process, for example 3."
    )


class Budget:
    """Seconds that may be spent waiting for storage.

    Only time spent waiting counts: a visitor who sends a large file slowly does not spend the
    budget. Concurrent calls count once. Thread-safe.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._spent = 0.0
        self._active = 0
        self._since = 0.0

    def left(self) -> float:
        with self._lock:
            running = time.monotonic() - self._since if self._active else 0.0
            return self._seconds - self._spent - running

    def required(self) -> float:
        """The seconds that are left. Raises OutOfTime if there are none."""
        if (left := self.left()) <= 0:
            raise OutOfTime("The request has used up its time for storage.")
        return left

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the duration of the body. May be nested. Raises OutOfTime and TooManyWaiting."""
        self.required()
        with self._lock:
            self._active += 1
            first = self._active == 1
            if first:
                self._since = time.monotonic()
        try:
            if first:
                _admission.enter(self)
            yield
        finally:
            with self._lock:
                self._active -= 1
                last = not self._active
                if last:
                    self._spent += time.monotonic() - self._since
            if last:
                _admission.leave(self)

    def moved(self, *, received: int = 0, sent: int = 0) -> None:
        """Record that so many bytes were transferred at once."""
        if received >= _RECEIVED_BYTES or sent >= _SENT_BYTES:
            _admission.moved()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Make this the budget of the current thread or task for the body."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


class _Admission:
    """Limits how many requests wait for storage at once while storage stalls.

    The server's other threads stay free for requests that need no storage, such as /healthz. While
    any waiting request makes progress, however slow, all requests are admitted.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[Budget] = set()
        self._moved_at = self._entered_at = 0.0

    def enter(self, budget: Budget) -> None:
        limit = waiting_requests()
        with self._changed:
            arrived = time.monotonic()
            stalls = arrived - max(self._moved_at, self._entered_at) > STALLED_SECONDS
            give_up = arrived if stalls else arrived + STALLED_SECONDS
            while len(self._waiting) >= limit and self._moved_at <= arrived:
                if (left := give_up - time.monotonic()) <= 0:
                    raise TooManyWaiting(
                        f"{limit} requests are already waiting for storage, which stalls."
                    )
                self._changed.wait(left)
            self._waiting.add(budget)
            self._entered_at = time.monotonic()

    def leave(self, budget: Budget) -> None:
        with self._changed:
            self._waiting.discard(budget)
            self._changed.notify()

    def moved(self) -> None:
        with self._changed:
            self._moved_at = time.monotonic()
            self._changed.notify_all()


_current: ContextVar[Budget | None] = ContextVar("azureblob_budget", default=None)
_admission = _Admission()


def current() -> Budget | None:
    return _current.get()


@contextmanager
def budget(seconds: float | None = None) -> Iterator[Budget]:
    """Limit the storage calls of the body to this many seconds, by default AZURE_REQUEST_SECONDS.

    Inside a request it replaces the request's budget: a view that stores very large files may allow
    more, up to math.inf.
    """
    opened = Budget(request_seconds() if seconds is None else seconds)
    with opened.used():
        yield opened


def remaining(most: float) -> float:
    """The seconds that are left, but no more than `most`."""
    opened = current()
    return most if opened is None else min(most, opened.left())


def pause(seconds: float) -> None:
    """Sleep before storage is asked again. Raises OutOfTime and TooManyWaiting."""
    opened = current()
    if opened is None:
        time.sleep(seconds)
    else:
        with opened.spending():
            time.sleep(seconds)


@contextmanager
def grace(seconds: float = 1.0) -> Iterator[None]:
    """Allow the body at least this many seconds, for undoing work after the budget is spent."""
    opened = current()
    if opened is None or opened.left() >= seconds:
        yield
    else:
        with budget(seconds):
            yield


@contextmanager
def locked(lock: threading.Lock) -> Iterator[None]:
    """Hold the lock. Waiting for it spends the budget. Raises OutOfTime and TooManyWaiting."""
    budget = current()
    if budget is None:
        with lock:
            yield
        return
    if not lock.acquire(blocking=False):
        with budget.spending():
            wait = min(max(0.0, budget.left()), threading.TIMEOUT_MAX)
            if not lock.acquire(timeout=wait):
                raise OutOfTime("The request has used up its time for storage.")
    try:
        yield
    finally:
        lock.release()


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return or raise what `work` does; raise TimeoutError after so many seconds.

    `work` runs in a daemon thread, which is abandoned after a time-out: resolving a host name, for
    one, has no time-out of its own and must not keep the process from exiting.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    return answer.result(max(0.0, min(seconds, threading.TIMEOUT_MAX)))


def side_by_side(work: Callable[[A], T], items: Iterable[A]) -> list[T]:
    """Call `work` on each item in threads that share this thread's budget; results in order.

    Raises the first item's exception after all calls have ended. `work` must not use the database.
    """
    todo: list[Any] = [(copy_context(), item) for item in items]
    if len(todo) < 2:
        return [work(item) for _, item in todo]
    with ThreadPoolExecutor(min(len(todo), _SIDE_BY_SIDE), "side-by-side") as pool:
        futures = [pool.submit(context.run, work, item) for context, item in todo]
    return [future.result() for future in futures]
