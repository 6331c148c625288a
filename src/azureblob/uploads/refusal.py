"""Why a file is not taken."""

from __future__ import annotations

from typing import Literal

from django.core.exceptions import ValidationError

Code = Literal[
    "too_large", "type", "pixels", "frames", "name", "broken", "empty", "complex", "properties"
]


class Refused(ValidationError):
    """The message is for the person who sent the file; `code` is one of Code."""

    code: str

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message, code=code)
