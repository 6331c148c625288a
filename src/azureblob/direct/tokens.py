"""What the browser carries from one request to the next, signed: it cannot make its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, cast

from django.core import signing

from azureblob.uploads.inspection import Inspected

# A form may be left open overnight. The signature that lets the browser send is short-lived; this
# only says which blob it was for.
SECONDS = 24 * 3600
_TICKET, _PASS = "azureblob.direct.ticket", "azureblob.direct.pass"

_Token = TypeVar("_Token", "UploadToken", "ClaimToken")


class Invalid(Exception):
    """Not ours, for another place, another visitor's, or too old."""


@dataclass(frozen=True)
class UploadToken:
    """An upload that has begun: the name of the place that it was asked for, whose it is (see
    senders.py), its blob in quarantine, and what the browser says of the file."""

    place: str
    sender: str
    blob: str
    name: str
    size: int

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_TICKET, compress=True)

    @classmethod
    def of(cls, text: str, place: str, senders: frozenset[str]) -> UploadToken:
        """Raises Invalid."""
        return _loaded(cls, text, _TICKET, place, senders)


@dataclass(frozen=True)
class ClaimToken:
    """An upload that passed: the very version of its blob, what was found in it, and by what rules
    (UploadRules.digest)."""

    place: str
    sender: str
    blob: str
    name: str
    size: int
    etag: str
    rules: str
    inspected: Inspected

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_PASS, compress=True)

    @classmethod
    def of(cls, text: str, place: str, senders: frozenset[str]) -> ClaimToken:
        """Raises Invalid."""
        loaded = _loaded(cls, text, _PASS, place, senders)
        return replace(loaded, inspected=Inspected(**cast("dict[str, Any]", loaded.inspected)))


def _loaded(
    kind: type[_Token], text: str, salt: str, place: str, senders: frozenset[str]
) -> _Token:
    try:
        # One that an older version of this app signed may have other fields.
        loaded = kind(**signing.loads(text, salt=salt, max_age=SECONDS))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise Invalid(type(error).__name__) from None
    if loaded.place != place:
        raise Invalid("for another place")
    if loaded.sender not in senders:
        raise Invalid("of another visitor")
    return loaded
