"""Errors for the user: a wrong configuration, all of it at once, and what Azure refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import pulumi
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

T = TypeVar("T")


class Refusal(NamedTuple):
    """One refused value: where it is (a field's name, then an entry of a list or mapping), the rule
    that it breaks, and what resolves it: a field and a value for it, or the field's example."""

    where: tuple[str | int, ...]
    value: Any
    rule: str
    fix: tuple[str, Any] | None = None


def refused(refusals: Iterable[Refusal]) -> ValidationError:
    """An error for a validator to raise. Unlike a ValueError it can hold several refusals."""
    return ValidationError.from_exception_data(
        "configuration",
        [
            InitErrorDetails(
                type=PydanticCustomError("refused", "{rule}", {"rule": each.rule, "fix": each.fix}),
                loc=each.where,
                input=each.value,
            )
            for each in refusals
        ],
    )


class AzureRefusal(Exception):
    """What Azure answered to a look-up that failed, with its error code."""


def look_up(call: Callable[[], T]) -> T:
    """What a function of the Azure SDK returns. Raises AzureRefusal if Azure refuses."""
    try:
        return call()
    except Exception as error:
        # pulumi.runtime.invoke raises a bare Exception for a failed call, and none of its own.
        if type(error) is not Exception:
            raise
        raise AzureRefusal(str(error)) from None


class Problem(NamedTuple):
    """A refusal as its reader sees it: the setting or argument, its value (None is not shown), the
    rule, and what to type."""

    key: str
    value: str | None
    rule: str
    example: str

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.key}: {self.rule}\n    {self.example}"
        shown = self.value if len(self.value) <= 80 else f"{self.value[:77]}..."
        return f"{self.key} is '{shown}': {self.rule}\n    {self.example}"


class ConfigError(pulumi.RunError):
    """Every problem of a configuration, in the order of its keys.

    Pulumi prints the text of a RunError without a traceback. `what` names what the values are:
    settings of a stack, or arguments of the component `of`.
    """

    def __init__(self, problems: Iterable[Problem], what: str = "setting", of: str = "") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        whose = f" of {of}" if of else ""
        head = f"One {what}{whose} is" if count == 1 else f"{count} {what}s{whose} are"
        lines = [f"{head} wrong; nothing was changed.", *(f"- {each}" for each in self.problems)]
        super().__init__("\n".join(lines))
