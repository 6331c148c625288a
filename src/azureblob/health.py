"""GET /healthz: whether the database and both containers can be reached, within two seconds.

HealthMiddleware, the first in MIDDLEWARE, answers it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from django.core.files.storage import storages
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe
from storages.utils import setting

from azureblob.outages import described

log = logging.getLogger(__name__)

# For all checks together. The rest of the two seconds is for the response, and for a thread to
# become free: timeouts.STALLED_SECONDS.
DEADLINE_SECONDS = 1.3
_REQUEST_SECONDS = 1.1
# The same failure of the same check is logged once in this time, however often probes ask.
_LOG_SECONDS = 60.0

OK = "ok"
_lock = threading.Lock()
_running: dict[str, Future[str]] = {}
_logged_at: dict[tuple[str, str], float] = {}


_Response = HttpResponseBase | Awaitable[HttpResponseBase]


class HealthMiddleware:
    """Answers requests for the view `healthz`, at the path that the URLconf gives it.

    Platforms probe it over plain http, at the address of the instance, with any Host header. So it
    must come before ALLOWED_HOSTS and SECURE_SSL_REDIRECT are applied, and before the session,
    which needs the database. All other paths go on to the next middleware.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], _Response]) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> _Response:
        if not self._async:
            return healthz(request) if _is_health(request) else self.get_response(request)
        return self._respond(request)

    async def _respond(self, request: HttpRequest) -> HttpResponseBase:
        if _is_health(request):
            # Not in Django's single thread for synchronous views, which may be waiting for storage.
            return await asyncio.to_thread(healthz, request)
        return await cast("Awaitable[HttpResponseBase]", self.get_response(request))


def _is_health(request: HttpRequest) -> bool:
    try:
        return request.path == reverse(healthz)
    except NoReverseMatch:
        return False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 if all is well, otherwise 503. The result of a check is `ok` or a word for what is wrong,
    which the log explains. `release` is AZUREBLOB_RELEASE, if that is set: a deployment waits until
    the new one answers."""
    checks = run(
        {
            "database": check_database,
            "static": lambda: check_container("staticfiles"),
            "media": lambda: check_container("default"),
        }
    )
    healthy = all(result == OK for result in checks.values())
    release = setting("AZUREBLOB_RELEASE", "")
    return JsonResponse(
        {
            "status": "ok" if healthy else "unavailable",
            "checks": checks,
            **({"release": release} if release else {}),
        },
        status=200 if healthy else 503,
        headers={"Cache-Control": "no-store"},
    )


def run(checks: dict[str, Callable[[], object]]) -> dict[str, str]:
    """The result of each check, after DEADLINE_SECONDS at most. A check fails by raising."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    futures = {name: _start(name, check) for name, check in checks.items()}
    return {name: _result(name, future, deadline) for name, future in futures.items()}


def check_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()  # the one of this thread


def check_container(alias: str) -> None:
    """Send one request, without retries, to the container of the storage with this alias in
    STORAGES."""
    storage = storages[alias]
    timeouts = {"connect": _REQUEST_SECONDS, "read": _REQUEST_SECONDS}
    with storage.service(retries=0, **timeouts) as service:  # type: ignore[attr-defined]
        service.get_container_client(storage.azure_container).get_container_properties()  # type: ignore[attr-defined]


def word_for(error: Exception) -> str:
    """A word for what went wrong. The text of the error may contain addresses and signatures."""
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return "timeout"
    if isinstance(error, ServiceRequestError | ServiceResponseError | DatabaseError):
        return "unreachable"
    if isinstance(error, ResourceNotFoundError):
        return "container missing"
    if isinstance(error, HttpResponseError) and error.status_code in {401, 403}:
        return "forbidden"
    if isinstance(error, ClientAuthenticationError):  # raised before a request was sent
        return "no identity"
    if isinstance(error, HttpResponseError) and error.status_code == 409:
        return "container being deleted"
    return "error"


def _start(name: str, check: Callable[[], object]) -> Future[str]:
    """Run the check in a thread, or share the thread that is running it already.

    So a service that hangs blocks one thread, not one for each probe. The threads are daemons:
    resolving a host name has no timeout and must not keep the process from exiting.
    """
    with _lock:
        if name in _running:
            return _running[name]
        future: Future[str] = Future()
        _running[name] = future

    def work() -> None:
        result = OK
        try:
            check()
        except Exception as error:
            result = word_for(error)
            _log_failure(name, result, described(error))
        with _lock:
            del _running[name]
        future.set_result(result)

    threading.Thread(target=work, name=f"healthz-{name}", daemon=True).start()
    return future


def _result(name: str, future: Future[str], deadline: float) -> str:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        _log_failure(name, "timeout", f"no result within {DEADLINE_SECONDS} s")
        return "timeout"


def _log_failure(name: str, result: str, detail: str) -> None:
    """`detail` must contain no address and no secret."""
    now = time.monotonic()
    with _lock:
        if now - _logged_at.get((name, result), -_LOG_SECONDS) < _LOG_SECONDS:
            return
        _logged_at[name, result] = now
    log.warning("The health check of %s failed: %s (%s).", name, result, detail)
