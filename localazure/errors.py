"""The two kinds of failure: the user's mistake, and a refusal of Azure's."""

from __future__ import annotations


class LocalAzureError(Exception):
    """Something the user can fix. The text says what is wrong and what to type next."""


class ArmError(Exception):
    """A refusal as Azure Resource Manager answers it.

    `status` is the HTTP status, `code` the documented error code (for example
    `PublicAccessNotPermitted`), `message` Azure's explanation.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')
        self.status = status
        self.code = code
        self.message = message


def conflict(message: str) -> ArmError:
    return ArmError(409, "Conflict", message)
