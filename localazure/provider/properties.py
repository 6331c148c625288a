"""What a resource's properties may be: names and types by azure-native, limits by Azure.

Names, types, choices and what is required are in `properties.json`, which is read from the Python
SDK (tests/localazure/sdk_properties.py). Azure takes less than the SDK offers; each resource type
declares such limits by hand. Values that a preview does not know yet are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localazure.values import UNKNOWN, Props

FILE = Path(__file__).with_name("properties.json")
Schema = dict[str, Any]
# For each type of JSON Schema, Python's and its name in messages.
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "array": ((list, tuple), "a list"),
    "boolean": (bool, "true or false"),
    "integer": ((int, float), "a number"),
    "number": ((int, float), "a number"),
    "object": (Mapping, "an object"),
    "string": (str, "text"),
}


@dataclass(frozen=True)
class Failure:
    """A wrong input: its path, such as `policy.rules[0].name`, what is wrong, and Azure's code if
    it is not the type's usual one."""

    property: str
    reason: str
    code: str = ""


@dataclass(frozen=True)
class Limit:
    """What Azure takes of a property. Unset fields do not limit.

    `values` replace the SDK's choices; with `combined` a value may be several of them, with commas.
    `pattern` must match the whole text, and `rule` says so in words. `low` and `high` are for
    numbers, `least` and `most` for the items of a list. `code` is Azure's error code.
    """

    values: tuple[str, ...] = ()
    combined: bool = False
    pattern: str = ""
    rule: str = ""
    low: int | None = None
    high: int | None = None
    least: int = 0
    most: int | None = None
    code: str = ""

    def reasons(self, value: Any, choices: tuple[str, ...]) -> Iterator[str]:
        if isinstance(value, str):
            yield from self._text_reasons(value, self.values or choices)
        elif isinstance(value, list | tuple):
            if len(value) < self.least:
                yield f"has {len(value)} items: at least {self.least} are needed"
            if self.most is not None and len(value) > self.most:
                yield f"has {len(value)} items: at most {self.most} are allowed"
        elif isinstance(value, int | float) and not isinstance(value, bool):
            below = self.low is not None and value < self.low
            above = self.high is not None and value > self.high
            if below or above or value != int(value):
                upper = f" to {self.high}" if self.high is not None else " or more"
                span = f", {self.low}{upper}" if self.low is not None else ""
                yield f"cannot be {value:g}: a whole number{span}"

    def _text_reasons(self, value: str, choices: tuple[str, ...]) -> Iterator[str]:
        parts = [part.strip() for part in value.split(",")] if self.combined else [value]
        if choices and not set(parts) <= set(choices):
            how_many = "any of" if self.combined else "one of"
            yield f"cannot be '{value}': {how_many} {', '.join(choices)}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            yield f"cannot be '{value}': {self.rule or self.pattern}"


# A limit's key is a path in which `[]` stands for each item of a list.
Limits = Mapping[str, Limit]
UNLIMITED = Limit()


class Properties:
    """A resource type's inputs and outputs. `needed` are inputs that Azure requires, by path, where
    the SDK does not."""

    def __init__(self, token: str, limits: Limits, needed: tuple[str, ...]) -> None:
        self._schema = _file()["resources"][token]
        self._limits = limits
        self._needed = needed
        self.inputs: frozenset[str] = frozenset(self._schema["properties"])
        self.required: list[str] = self._schema["required"]
        self.outputs: list[str] = self._schema["outputs"]

    def type_failures(self, inputs: Props) -> Iterator[Failure]:
        """What azure-native refuses without asking Azure: unknown and missing properties, and
        values of the wrong type."""
        for value in _walk(self._schema, "", "", inputs):
            yield from value.type_failures()

    def limit_failures(self, inputs: Props) -> Iterator[Failure]:
        """What Azure refuses, in inputs without type failures."""
        for value in _walk(self._schema, "", "", inputs):
            limit = self._limits.get(value.pattern, UNLIMITED)
            choices = tuple(value.schema.get("enum", ()))
            for reason in limit.reasons(value.value, choices):
                yield Failure(value.path, f"'{value.path}' {reason}", limit.code)
            for needed in self._needed:
                above, _, name = needed.rpartition(".")
                if above == value.pattern and value.value.get(name) is None:
                    path = _below(value.path, name)
                    code = self._limits.get(needed, UNLIMITED).code
                    yield Failure(path, f"'{path}' is missing", code)

    def pruned(self, outputs: Props) -> Props:
        """The outputs without those that are no inputs."""
        pruned: Props = _pruned(self._schema, outputs)
        return pruned


@dataclass(frozen=True)
class _Value:
    """A value within inputs, where it is, and its schema. `pattern` is `path` without indices."""

    schema: Schema
    path: str
    pattern: str
    value: Any

    def type_failures(self) -> Iterator[Failure]:
        kind = self.schema.get("type")
        if kind is None and "oneOf" in self.schema:
            names = ", ".join(_discriminators(self.schema))
            yield Failure(self.path, f"'{self.path}.name' of {self.value!r} is none of {names}")
        elif kind is not None and not _has_type(self.value, kind):
            yield Failure(
                self.path, f"'{self.path}' should be {_TYPES[kind][1]}, not {self.value!r}"
            )
        elif "additionalProperties" in self.schema:
            if not all(item is UNKNOWN or isinstance(item, str) for item in self.value.values()):
                text = f"'{self.path}' should be an object of texts, not {self.value!r}"
                yield Failure(self.path, text)
        elif "properties" in self.schema:
            for key in self.value:
                if key not in self.schema["properties"] and not key.startswith("__"):
                    path = _below(self.path, key)
                    yield Failure(path, f"'{path}' is no property that azure-native knows")
            for key in self.schema["required"]:
                if self.value.get(key) is None:
                    path = _below(self.path, key)
                    yield Failure(path, f"missing required property '{path}'")


def _walk(schema: Schema, path: str, pattern: str, value: Any) -> Iterator[_Value]:
    """The value and every known value in it."""
    if value is None or value is UNKNOWN:
        return
    schema = _resolved(schema, value)
    yield _Value(schema, path, pattern, value)
    if schema.get("type") == "array" and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(schema["items"], f"{path}[{index}]", f"{pattern}[]", item)
    elif "properties" in schema and isinstance(value, Mapping):
        for key, item in value.items():
            if key in schema["properties"]:
                below = schema["properties"][key]
                yield from _walk(below, _below(path, key), _below(pattern, key), item)


def _pruned(schema: Schema, value: Any) -> Any:
    schema = _resolved(schema, value)
    if schema.get("type") == "array" and isinstance(value, list | tuple):
        return [_pruned(schema["items"], item) for item in value]
    if schema.get("type") == "array" and isinstance(value, Mapping):
        return list(value)  # ids, which Azure answers with more about each
    if "properties" in schema and isinstance(value, Mapping):
        return {
            key: _pruned(schema["properties"][key], item)
            for key, item in value.items()
            if key in schema["properties"] and item is not None and item is not UNKNOWN
        }
    return value


def _resolved(schema: Schema, value: Any) -> Schema:
    """The schema itself in the place of a reference, and the one that fits out of several."""
    if "$ref" in schema:
        found: Schema = _file()["types"][schema["$ref"]]
        return found
    if "oneOf" in schema and isinstance(value, Mapping):
        return _discriminators(schema).get(value.get("name", ""), schema)
    return schema


def _discriminators(schema: Schema) -> dict[str, Schema]:
    """The schemas of a `oneOf` by the only value that their property `name` may have."""
    found = [_resolved(each, None) for each in schema["oneOf"]]
    return {each["properties"]["name"]["enum"][0]: each for each in found}


def _has_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):  # which Python counts among the integers
        return kind == "boolean"
    return isinstance(value, _TYPES[kind][0])


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@cache
def _file() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
