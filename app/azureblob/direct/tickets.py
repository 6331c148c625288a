"""What the browser carries from one request to the next, signed: it cannot make its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing

from azureblob.uploads.inspection import Inspected

# A form may be left open overnight. The signature that lets the browser send is short-lived; this
# only says which blob it was for.
SECONDS = 24 * 3600
_TICKET, _PASS = "azureblob.direct.ticket", "azureblob.direct.pass"


class Invalid(Exception):
    """Not ours, for another place, or too old."""


@dataclass(frozen=True)
class Ticket:
    """An upload that has begun: its blob in quarantine, what the browser says of the file, and the
    name of the place that it was asked for."""

    place: str
    blob: str
    name: str
    size: int

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_TICKET, compress=True)

    @classmethod
    def of(cls, text: Any, place: str) -> Ticket:
        """Raises Invalid."""
        return cls(**_loaded(text, _TICKET, place))


@dataclass(frozen=True)
class Pass:
    """An upload that passed: the very version of its blob, and what was found in it."""

    place: str
    blob: str
    name: str
    size: int
    etag: str
    inspected: Inspected

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=_PASS, compress=True)

    @classmethod
    def of(cls, text: Any, place: str) -> Pass:
        """Raises Invalid."""
        values = _loaded(text, _PASS, place)
        return cls(**{**values, "inspected": Inspected(**values["inspected"])})


def _loaded(text: Any, salt: str, place: str) -> dict[str, Any]:
    try:
        values = signing.loads(str(text), salt=salt, max_age=SECONDS)
        if values["place"] != place:
            raise Invalid("for another place")
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise Invalid(type(error).__name__) from None
    return dict(values)
