"""What a site's own code cannot tell this app: which request is being served, and that the answer
holds signed URLs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

NAME = "azureblob.middleware.BlobMiddleware"


@dataclass
class _Served:
    request: HttpRequest
    signed: bool = False

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        # Replaces whatever the view said of caching: who has a signed URL needs nothing else.
        if self.signed:
            response.headers["Cache-Control"] = "private, no-store"
        return response


_served: ContextVar[_Served | None] = ContextVar("served", default=None)


def current_request() -> HttpRequest | None:
    """The request that is being served; None outside of one, and without the middleware."""
    served = _served.get()
    return served.request if served else None


def signed_url_made() -> None:
    """The answer to the current request must not be stored by anybody."""
    served = _served.get()
    if served is not None:
        served.signed = True


@contextmanager
def serving(request: HttpRequest) -> Iterator[_Served]:
    """`request` is the current one in the `with`; for code that cleans forms outside of a view."""
    served = _Served(request)
    token = _served.set(served)
    try:
        yield served
    finally:
        _served.reset(token)


class BlobMiddleware:
    """For MIDDLEWARE; uploads from browsers need it. Its place matters only to a cache of pages,
    which has to come before it, as UpdateCacheMiddleware does.

    A page that signs URLs while it is made is sent with `Cache-Control: private, no-store`. What a
    streaming response signs later does not count: it has to set the header itself.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._answer(request)
        with serving(request) as served:
            return served.finish(cast("HttpResponseBase", self._get_response(request)))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with serving(request) as served:
            return served.finish(cast("HttpResponseBase", await self._get_response(request)))
