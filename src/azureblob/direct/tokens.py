"""What a browser carries from one step of an upload to the next: signed, and bound to its owner."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, cast

from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from azureblob.exceptions import InvalidToken
from azureblob.serving import current_request
from azureblob.uploads.inspection import Inspection

# A form may be left open overnight. A token only names the blob; the signature that lets the
# browser send is short-lived.
MAX_AGE_SECONDS = 24 * 3600
_UPLOAD_SALT, _CLAIM_SALT = "azureblob.direct.upload", "azureblob.direct.claim"
_SESSION_KEY = "azureblob_visitor"
# The owner on a site without sessions, for a visitor who is not logged in.
_ANYONE = ""

_Token = TypeVar("_Token", "UploadToken", "ClaimToken")


@dataclass(frozen=True)
class UploadToken:
    """An upload that has begun: the endpoint's name, the owner, the blob in quarantine, and what
    the browser says about the file."""

    endpoint: str
    owner: str
    blob: str
    name: str
    size: int

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_UPLOAD_SALT, compress=True)

    @classmethod
    def load(cls, text: str, endpoint: str, owners: frozenset[str]) -> UploadToken:
        """Raises InvalidToken."""
        return _load(cls, text, _UPLOAD_SALT, endpoint, owners)


@dataclass(frozen=True)
class ClaimToken:
    """An upload that passed its inspection: the version of the blob (its ETag), what was found, and
    the rules that it was checked against (UploadRules.digest).

    Its owner may have that version copied, once. Nothing in it has to be looked up again: the site
    signed it after it had read the blob, and the claim and the copy both have the ETag as their
    condition.
    """

    endpoint: str
    owner: str
    blob: str
    name: str
    size: int
    etag: str
    rules: str
    inspection: Inspection

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_CLAIM_SALT, compress=True)

    @classmethod
    def load(cls, text: str, endpoint: str, owners: frozenset[str]) -> ClaimToken:
        """Raises InvalidToken."""
        loaded = _load(cls, text, _CLAIM_SALT, endpoint, owners)
        values = cast("dict[str, Any]", loaded.inspection)
        return replace(loaded, inspection=Inspection(**values))


def _load(
    kind: type[_Token], text: str, salt: str, endpoint: str, owners: frozenset[str]
) -> _Token:
    try:
        # A token that another version of this library signed may have other fields.
        loaded = kind(**signing.loads(text, salt=salt, max_age=MAX_AGE_SECONDS))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise InvalidToken(reason=type(error).__name__) from None
    if loaded.endpoint != endpoint:
        raise InvalidToken(reason="another endpoint")
    if loaded.owner not in owners:
        raise InvalidToken(reason="another owner")
    return loaded


# --- Owners ---------------------------------------------------------------------------------------


def owner_of(request: HttpRequest) -> str:
    """The owner of an upload that begins: the user, or for an anonymous visitor a random name in
    the session, which is created for this. Logging in keeps that name, so that a form which was
    begun before can be submitted."""
    user = _user(request)
    if user:
        return user
    session = getattr(request, "session", None)
    if session is None:
        return _ANYONE
    if _SESSION_KEY not in session:
        session[_SESSION_KEY] = secrets.token_urlsafe(16)
    return _visitor(session[_SESSION_KEY])


def owners_in(request: HttpRequest) -> frozenset[str]:
    """The owners whose uploads this request may use. It creates no session."""
    session = getattr(request, "session", None)
    name = session.get(_SESSION_KEY) if session is not None else None
    return frozenset({_ANYONE, _user(request), _visitor(name) if name else _ANYONE})


def current_owners() -> frozenset[str]:
    """Those of the current request. Raises ImproperlyConfigured if there is none."""
    request = current_request()
    if request is None:
        raise ImproperlyConfigured(
            "The owner of this upload cannot be determined, as the current request is not known. "
            "Add 'azureblob.middleware.BlobMiddleware' to MIDDLEWARE; outside a view, use "
            "azureblob.serving.serving(request)."
        )
    return owners_in(request)


def _user(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return f"user:{user.pk}" if user is not None and user.is_authenticated else _ANYONE


def _visitor(name: str) -> str:
    return f"visitor:{name}"
