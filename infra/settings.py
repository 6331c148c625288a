"""The settings as texts describe them: their keys, types, defaults, examples and rules."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin

from pydantic.alias_generators import to_camel

from .config import StackConfig
from .rules import is_output, takes_output

_TYPES = {str: "string", bool: "boolean", int: "integer", tuple: "array", dict: "object"}
_FORMS = {
    "boolean": "true or false",
    "array": "a list: its entries separated by commas, or JSON",
    "object": "a JSON object",
    "string": "not a string",
}


@dataclass(frozen=True)
class Setting:
    """One setting: `key` is its name in the stack's file, `field` its name in Python.

    `example` is a good value, of a list one entry. `form` says which values its type takes. `cost`
    says what the setting adds to the bill. A `secret` value is never shown.
    """

    key: str
    field: str
    type: str
    annotation: Any
    default: Any
    description: str
    example: Any
    form: str
    cost: str
    takes_output: bool
    secret: bool

    def command(self, value: Any = None) -> str:
        """What sets a value, or the example, in a stack. A tag is set by its path; the CLI asks for
        a secret, so that it is in no history of commands."""
        if self.secret:
            return f"pulumi config set --secret {self.key}"
        value = self.example if value is None else value
        if isinstance(value, dict):
            [(name, text)] = value.items()
            return f"pulumi config set --path {self.key}.{name} {text}"
        if isinstance(value, list | tuple):
            value = ",".join(value)
        return f"pulumi config set {self.key} {shlex.quote(as_text(value))}"

    def argument(self, value: Any = None) -> str:
        """What sets a value, or the example, in a Python program."""
        if self.secret:
            return f'{self.field}=pulumi.Config().require_secret("{self.key}")'
        value = self.example if value is None else value
        if self.type == "array" and isinstance(value, str):
            value = [value]
        return f"{self.field}={json.dumps(value) if not isinstance(value, bool) else value}"


def as_text(value: Any) -> str:
    """A value as it is typed, or printed in an error."""
    if is_output(value):
        return "an output"
    return value if isinstance(value, str) else json.dumps(value, default=lambda _: "an output")


def _described() -> dict[str, Setting]:
    found = {}
    for each in fields(StackConfig):
        about: Any = each.default
        default = about.get_default()
        type_ = _TYPES[type(default)]
        [example] = about.examples or [True if type_ == "boolean" else default]
        key = to_camel(each.name)
        found[key] = Setting(
            key=key,
            field=each.name,
            type=type_,
            annotation=each.type,
            default=default,
            description=about.description,
            example=example,
            form=_form(each.type, about, type_),
            takes_output=takes_output(each.type),
            **about.json_schema_extra,
        )
    return found


def _form(plain: Any, about: Any, type_: str) -> str:
    if get_origin(plain) is Literal:
        *others, last = get_args(plain)
        listed = ", ".join(others)
        return f"one of {listed}, {last}" if len(others) > 1 else f"{listed} or {last}"
    if type_ == "integer":
        [most] = about.metadata
        return f"a whole number from 0 to {most.le}"
    return _FORMS[type_]


SETTINGS = _described()
# The same, by the name in Python.
FIELDS = {about.field: about for about in SETTINGS.values()}
