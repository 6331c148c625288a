"""Which request is being served, and whether the answer to it holds signed URLs.

azureblob.middleware tells; code far from a view asks.
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
        # Replaces whatever the view said of caching: who has a signed URL needs nothing else.
        if self.signed:
            response.headers["Cache-Control"] = "private, no-store"
        return response


_served: ContextVar[Served | None] = ContextVar("served", default=None)


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
def serving(request: HttpRequest) -> Iterator[Served]:
    """`request` is the current one in the `with`; for code that cleans forms outside of a view."""
    served = Served(request)
    token = _served.set(served)
    try:
        yield served
    finally:
        _served.reset(token)
