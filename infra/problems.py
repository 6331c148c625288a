"""What is wrong with a stack's configuration, all of it in one text."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Problem:
    """One refused setting: its key and value, the rule, and a command that sets a good one.

    A value of None is not shown.
    """

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

    A RunError, of which Pulumi prints the text alone, without a traceback. `what` names what the
    values are: settings of a stack, or arguments of the component `of`.
    """

    def __init__(self, problems: list[Problem], what: str = "setting", of: str = "") -> None:
        whose = f" of {of}" if of else ""
        count = (
            f"One {what}{whose} is" if len(problems) == 1 else f"{len(problems)} {what}s{whose} are"
        )
        lines = [f"{count} wrong; nothing was changed.", *(f"- {problem}" for problem in problems)]
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)
