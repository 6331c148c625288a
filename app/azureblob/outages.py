"""Middleware that keeps a site usable while storage is not: a budget for each request, and a page.

MIDDLEWARE = [
    "azureblob.health.HealthMiddleware",
    "azureblob.outages.OutageMiddleware",
    "django.middleware.security.SecurityMiddleware",
    ...
]
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string

from azureblob.deadline import Budget, request_seconds, waiting_requests
from azureblob.static import ManifestError

log = logging.getLogger(__name__)

TEMPLATE = "azureblob/unavailable.html"
# Longer than a circuit stays open.
RETRY_SECONDS = 10
_SENTENCE = "This page cannot be shown at the moment. Please try again in a few seconds."
_REFUSED = {401, 403, 408, 429}

_Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class OutageMiddleware:
    """Opens the budget for what the request asks of storage, and answers 503 instead of 500 where
    storage failed.

    The page is the template azureblob/unavailable.html, which a site may replace by its own. It
    must name no static file: their names are what could not be read.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], _Answer]) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)
        # Raise ImproperlyConfigured when the site starts, and not with its first visitor.
        request_seconds()
        waiting_requests()

    def __call__(self, request: HttpRequest) -> _Answer:
        if self._async:
            return self._answered(request)
        budget = Budget(request_seconds())
        with budget.used():
            response = cast("HttpResponseBase", self.get_response(request))
        return _streamed(response, budget)

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        budget = Budget(request_seconds())
        with budget.used():
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return _streamed(response, budget)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_outage(error):
            return None
        # The error's own text may hold addresses and signatures. ManifestError's does not.
        what = str(error) if isinstance(error, ManifestError) else _described(error)
        log.error("%s %s: the storage failed: %s", request.method, request.path, what)
        return unavailable(request, what if settings.DEBUG else "")


def is_outage(error: Exception) -> bool:
    """Whether storage could not be reached, or refused everything; other errors are bugs."""
    if isinstance(error, HttpResponseError):
        # Without a status: a body that broke off.
        status = error.status_code
        return status is None or status in _REFUSED or status >= 500
    return isinstance(
        error,
        ManifestError | ServiceRequestError | ServiceResponseError | ClientAuthenticationError,
    )


def unavailable(request: HttpRequest, detail: str = "") -> HttpResponse:
    """503 with Retry-After: HTML, or JSON for a client that asks for nothing else."""
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if not request.accepts("text/html") and request.accepts("application/json"):
        return JsonResponse({"error": _SENTENCE, "code": "storage"}, status=503, headers=headers)
    page = render_to_string(TEMPLATE, {"sentence": _SENTENCE, "detail": detail})
    return HttpResponse(page, status=503, headers=headers)


def _described(error: Exception) -> str:
    code = getattr(error, "error_code", None) or getattr(error, "status_code", None)
    name = type(error).__name__
    return f"{name} ({code})" if isinstance(error, AzureError) and code else name


def _streamed(response: HttpResponseBase, budget: Budget) -> HttpResponseBase:
    """A body that is made while it is sent spends the same budget."""
    # A server sends a FileResponse by itself, from a file that has been fetched.
    if not isinstance(response, StreamingHttpResponse) or getattr(response, "file_to_stream", None):
        return response
    parts: Any = response.streaming_content
    response.streaming_content = (
        _async_parts(parts, budget) if response.is_async else _parts(parts, budget)
    )
    return response


def _parts(parts: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    iterator = iter(parts)
    while True:
        # Not across the yield: the thread serves other requests meanwhile.
        with budget.used():
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part


async def _async_parts(parts: AsyncIterator[bytes], budget: Budget) -> AsyncIterator[bytes]:
    iterator = aiter(parts)
    while True:
        with budget.used():
            try:
                part = await anext(iterator)
            except StopAsyncIteration:
                return
        yield part
