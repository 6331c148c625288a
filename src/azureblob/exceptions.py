"""Errors of uploads.

Each is a ValidationError whose text is a sentence for the person who sent the file: raised while a
form is cleaned, it appears at the field. `status_code` is what the endpoints of direct uploads
answer with.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from azure.core.exceptions import AzureError
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _


class UploadError(ValidationError):
    """`reason` is a code for logs and tests; it is never shown."""

    status_code: ClassVar[int] = 400
    default_message: ClassVar[Any] = _("This request is malformed.")
    default_code: ClassVar[str] = "malformed"

    code: str

    def __init__(
        self,
        message: Any = None,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        reason: str = "",
    ) -> None:
        message = self.default_message if message is None else message
        super().__init__(message, code or self.default_code, params)
        self.reason = reason

    @property
    def sentence(self) -> str:
        """The text in the language of the current request."""
        return str(self.messages[0])


class FileRefused(UploadError):
    """The file breaks one of the field's rules."""

    Code = Literal[
        "too_large", "type", "pixels", "frames", "name", "broken", "empty", "complex", "properties"
    ]

    status_code = 422

    def __init__(self, message: Any, code: Code, params: dict[str, Any] | None = None) -> None:
        super().__init__(message, code, params)


class MalformedRequest(UploadError):
    """The request is not one that direct.js makes."""


class InvalidToken(UploadError):
    """The site did not sign the token, or it has expired, or it belongs to another endpoint or
    another visitor."""

    default_message = _("This upload is not known any more. Choose the file once more.")
    default_code = "invalid"


class UploadGone(UploadError):
    """The upload was used or removed, or its blob has changed since it was inspected."""

    status_code = 409
    default_message = _("This file was used or removed already. Choose it once more.")
    default_code = "gone"


class UploadsUnavailable(UploadError, AzureError):  # type: ignore[misc]  # both have a message
    """The quarantine container is missing, or the site has no right to use it. Retrying does not
    help. It is an AzureError as well, for code that handles all failures of the service alike.

    `reason` is the service's error code.
    """

    status_code = 503
    default_message = _("Uploads are not available right now.")
    default_code = "unavailable"


STORAGE_FAILED = _("The storage does not answer. Try again in a moment.")


class Localized:
    """A number with thousands separators, formatted when its message is shown: raising an error
    needs neither settings nor an active language."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __str__(self) -> str:
        return str(number_format(self._number, force_grouping=True))
