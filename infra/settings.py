"""What one setting of the stack is: its type, default and meaning, and the rule it has to meet."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A value's text (for a list: one entry's) to what is wrong with it, or an empty string.
Rule = Callable[[str], str]


@dataclass(frozen=True)
class Setting:
    """One setting, as `Pulumi.yaml`, the reference and the errors describe it.

    `key` is its name in the stack's file, `field` its name in `StackConfig`. `bounds` hold for an
    integer, `rule` for a text or for each entry of a list. `example` is a good value, for a list
    one entry, for an object `name value`. `cost` says what it adds to the bill.
    """

    key: str
    field: str
    type: str
    default: Any
    section: str
    description: str
    example: str
    rule: Rule | None = None
    bounds: tuple[int, int] = (0, 0)
    cost: str = ""

    @property
    def arguments(self) -> str:
        """What follows `pulumi config set` to give it a good value.

        A list is set whole; several entries are separated by commas. Objects go by path.
        """
        if self.type == "object":
            name, _, value = self.example.partition(" ")
            return f"--path {self.key}.{name} {value}"
        return f"{self.key} {self.example}"


def setting(
    default: Any,
    section: str,
    description: str,
    example: str,
    *,
    rule: Rule | None = None,
    bounds: tuple[int, int] = (0, 0),
    cost: str = "",
) -> Any:
    """A field of a dataclass that is a setting; its type follows from its default."""
    about = {
        "section": section,
        "description": description,
        "example": example,
        "rule": rule,
        "bounds": bounds,
        "cost": cost,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=about)
    return dataclasses.field(default=default, metadata=about)


def settings_of(configuration: type) -> dict[str, Setting]:
    """The settings of a dataclass whose fields were made by `setting`, by key, in their order."""
    found = {}
    for field in dataclasses.fields(configuration):
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        key = re.sub(r"_([a-z])", lambda match: match[1].upper(), field.name)
        found[key] = Setting(key, field.name, _TYPES[type(default)], default, **field.metadata)
    return found


_TYPES = {str: "string", bool: "boolean", int: "integer", tuple: "array", dict: "object"}
