"""GET /healthz: whether the database and both containers can be reached, within two seconds.

HealthMiddleware, the first in MIDDLEWARE, answers it by itself.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from azure.core.exceptions import (
    AzureError,
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

# All checks together. What is left of the two seconds is for the answer, and for a thread to become
# free: deadline.STALLED_SECONDS.
DEADLINE_SECONDS = 1.3
_REQUEST_SECONDS = 1.1

OK = "ok"
_lock = threading.Lock()
_running: dict[str, Future[str]] = {}


_Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class HealthMiddleware:
    """Answers requests for the view `healthz`, at whatever path the URLconf has it.

    The platform asks for it: by plain http, at the instance's own address, with any Host header.
    So neither ALLOWED_HOSTS nor SECURE_SSL_REDIRECT may stand before it, nor a session, which needs
    the database. Every other path is left to the middleware behind.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], _Answer]) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> _Answer:
        if not self._async:
            return healthz(request) if _is_health(request) else self.get_response(request)
        return self._answered(request)

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        if _is_health(request):
            # Not in Django's one thread for synchronous views, which may be waiting for storage.
            return await asyncio.to_thread(healthz, request)
        return await cast("Awaitable[HttpResponseBase]", self.get_response(request))


def _is_health(request: HttpRequest) -> bool:
    try:
        return request.path == reverse(healthz)
    except NoReverseMatch:
        return False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, else 503; a check's answer is `ok` or a word for what is wrong."""
    checks = run(
        {
            "database": check_database,
            "static": lambda: check_container("staticfiles"),
            "media": lambda: check_container("default"),
        }
    )
    healthy = all(answer == OK for answer in checks.values())
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable", "checks": checks},
        status=200 if healthy else 503,
        headers={"Cache-Control": "no-store"},
    )


def run(checks: dict[str, Callable[[], str]]) -> dict[str, str]:
    """Each check's answer, after DEADLINE_SECONDS at the latest, whatever the checks do."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    answers = {name: _started(name, check) for name, check in checks.items()}
    return {name: _answer(answer, deadline) for name, answer in answers.items()}


def check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    finally:
        connection.close()  # this thread's own
    return OK


def check_container(alias: str) -> str:
    """One request to the container of the storage with this alias in STORAGES; no retries."""
    storage = storages[alias]
    timeouts = {"connect": _REQUEST_SECONDS, "read": _REQUEST_SECONDS}
    with storage.service(retries=0, **timeouts) as service:  # type: ignore[attr-defined]
        try:
            service.get_container_client(storage.azure_container).get_container_properties()  # type: ignore[attr-defined]
        except AzureError as error:
            return word_for(error)
    return OK


def word_for(error: AzureError) -> str:
    """A word for what went wrong. The error's own text may hold addresses and signatures."""
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return "timeout"
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return "unreachable"
    if isinstance(error, ResourceNotFoundError):
        return "container missing"
    if isinstance(error, HttpResponseError) and error.status_code in {401, 403}:
        return "forbidden"
    if isinstance(error, ClientAuthenticationError):  # no answer of the service's: none was asked
        return "no identity"
    if isinstance(error, HttpResponseError) and error.status_code == 409:
        return "container being deleted"
    return "error"


def _started(name: str, check: Callable[[], str]) -> Future[str]:
    """The check, running in a thread; one that runs already is shared.

    So a service that hangs holds one thread and not one for each probe. The threads are daemons:
    resolving a host name has no time-out, and must not keep the process from ending.
    """
    with _lock:
        if name in _running:
            return _running[name]
        answer: Future[str] = Future()
        _running[name] = answer

    def work() -> None:
        try:
            result = check()
        except Exception:
            result = "error"
        with _lock:
            del _running[name]
        answer.set_result(result)

    threading.Thread(target=work, name=f"healthz-{name}", daemon=True).start()
    return answer


def _answer(answer: Future[str], deadline: float) -> str:
    try:
        return answer.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        return "timeout"
