"""The middleware that a site needs for blob storage, in one class.

MIDDLEWARE = [
    "azureblob.health.HealthMiddleware",
    "azureblob.middleware.BlobMiddleware",
    "django.middleware.security.SecurityMiddleware",
    ...
]
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse

from azureblob.exceptions import UploadGone, UploadsUnavailable
from azureblob.outages import described, is_outage, unavailable, upload_failed
from azureblob.publish import ManifestError
from azureblob.serving import Served, serving
from azureblob.timeouts import Budget, request_seconds, waiting_requests

log = logging.getLogger(__name__)

NAME = "azureblob.middleware.BlobMiddleware"

_Answer = HttpResponseBase | Awaitable[HttpResponseBase]


class BlobMiddleware:
    """Limits the time that a request waits for storage, and answers 503 instead of 500 when storage
    fails. Gives forms the current request, to know whose uploads they clean. Pages that contain
    signed URLs are sent with `Cache-Control: private, no-store`; a streaming response that signs
    URLs while it is sent has to set the header itself.

    Only caches of whole pages, such as UpdateCacheMiddleware, belong before it. During an outage
    visitors see the template azureblob/unavailable.html, which a site may override. The template
    must not use static files, whose names cannot be read then.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], _Answer]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        # Raise ImproperlyConfigured when the site starts rather than for its first visitor.
        request_seconds()
        waiting_requests()

    def __call__(self, request: HttpRequest) -> _Answer:
        if self._is_async:
            return self._answer(request)
        with _begun(request) as (budget, served):
            response = cast("HttpResponseBase", self._get_response(request))
        return _finished(response, budget, served)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with _begun(request) as (budget, served):
            response = await cast("Awaitable[HttpResponseBase]", self._get_response(request))
        return _finished(response, budget, served)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, UploadGone | UploadsUnavailable):
            # Submitting a form twice is not a failure of the site.
            log.warning("%s %s: %s (%s)", request.method, request.path, error.code, error.reason)
            return upload_failed(request, error)
        if not is_outage(error):
            return None
        # The error's text may contain addresses and signatures, except for a ManifestError.
        what = str(error) if isinstance(error, ManifestError) else described(error)
        log.error("%s %s: storage failed: %s", request.method, request.path, what)
        return unavailable(request, what if settings.DEBUG else "")


@contextmanager
def _begun(request: HttpRequest) -> Iterator[tuple[Budget, Served]]:
    budget = Budget(request_seconds())
    with budget.used(), serving(request) as served:
        yield budget, served


def _finished(response: HttpResponseBase, budget: Budget, served: Served) -> HttpResponseBase:
    return _streamed(served.finish(response), budget)


def _streamed(response: HttpResponseBase, budget: Budget) -> HttpResponseBase:
    """Apply the budget to a body that is produced while it is sent."""
    # FileResponse sends a file that was downloaded before.
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
        # Not across the yield: the thread serves other requests in between.
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
