"""Whose an upload is: nobody else can use what it was given."""

from __future__ import annotations

import secrets

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from azureblob.serving import current_request

_KEY = "azureblob_visitor"
# Of a site without sessions, for a visitor who is not logged in.
_ANYONE = ""


def sender_of(request: HttpRequest) -> str:
    """Who begins an upload: the user; or, for a visitor, a random name in the session, which is
    made for this. Logging in keeps it, so a form that was begun before can be sent."""
    user = _user(request)
    if user:
        return user
    session = getattr(request, "session", None)
    if session is None:
        return _ANYONE
    if _KEY not in session:
        session[_KEY] = secrets.token_urlsafe(16)
    return _visitor(session[_KEY])


def senders_in(request: HttpRequest) -> frozenset[str]:
    """All whose uploads this request may use. It creates no session."""
    session = getattr(request, "session", None)
    name = session.get(_KEY) if session is not None else None
    found = {_ANYONE, _user(request), _visitor(name) if name else _ANYONE}
    return frozenset(found)


def senders_now() -> frozenset[str]:
    """Those of the current request. Raises ImproperlyConfigured where none is known."""
    request = current_request()
    if request is None:
        raise ImproperlyConfigured(
            "Whose this upload is cannot be told, as the current request is not known. Add "
            "'azureblob.middleware.BlobMiddleware' to MIDDLEWARE; outside of a view, use "
            "azureblob.serving.serving(request)."
        )
    return senders_in(request)


def _user(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return f"user:{user.pk}" if user is not None and user.is_authenticated else _ANYONE


def _visitor(name: str) -> str:
    return f"visitor:{name}"
