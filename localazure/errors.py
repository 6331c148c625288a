"""The two kinds of failure: the user's (a sentence, no traceback), Azure's (status and code)."""

from __future__ import annotations


class LocalAzureError(Exception):
    """Something the user can mend: the text says what is wrong and what to type next."""


class AzureError(Exception):
    """A refusal as Azure Resource Manager would answer it.

    `status` is the HTTP status, `code` the documented error code (for example
    `PublicAccessNotPermitted`), `message` Azure's sentence.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')
        self.status = status
        self.code = code
        self.message = message
