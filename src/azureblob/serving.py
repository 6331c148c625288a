"""The current request, and whether its response contains signed URLs.

azureblob.middleware sets it, for code that a view does not pass the request to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase


@dataclass
class Served:
    request: HttpRequest
    signed: bool = False

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        # Replaces the view's header: anyone who has a signed URL can read the file.
        if self.signed:
            response.headers["Cache-Control"] = "private, no-store"
        return response


_served: ContextVar[Served | None] = ContextVar("served", default=None)


def current_request() -> HttpRequest | None:
    """The request that is being served; None outside a request or without the middleware."""
    served = _served.get()
    return served.request if served else None


def signed_url_made() -> None:
    """The response to the current request must not be stored by any cache."""
    served = _served.get()
    if served is not None:
        served.signed = True


@contextmanager
def serving(request: HttpRequest) -> Iterator[Served]:
    """Make `request` the current one for the body; for code that cleans forms outside a view."""
    served = Served(request)
    token = _served.set(served)
    try:
        yield served
    finally:
        _served.reset(token)
