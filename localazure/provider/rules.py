"""What a property may be: small shapes, put together into one a resource type.

A shape answers two questions. `form` is what azure-native itself refuses before it asks Azure: a
property that there is not, one that is missing, text for a number. `faults` is what Azure refuses:
a value outside its range. Values that a preview does not know yet are left alone by both.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localazure.values import UNKNOWN, Props


@dataclass(frozen=True)
class Fault:
    """A path such as `policy.rules[0].name`, and why the value there is refused."""

    path: str
    text: str


class Shape(ABC):
    """One value. `word` is what a reader calls its type."""

    word = "value"

    @abstractmethod
    def fits(self, value: Any) -> bool:
        """Whether it is of the right type."""

    def form(self, path: str, value: Any) -> Iterator[Fault]:
        if not self.fits(value):
            yield Fault(path, f"'{path}' should be {self.word}, not {value!r}")

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        """Only for a value of the right form."""
        yield from ()

    def pruned(self, value: Any) -> Any:
        """The value without what is no input: what a service adds to its answer."""
        return value


class Flag(Shape):
    word = "true or false"

    def fits(self, value: Any) -> bool:
        return isinstance(value, bool)


class Labels(Shape):
    """Free names with texts: tags, metadata."""

    word = "an object of texts"

    def fits(self, value: Any) -> bool:
        return isinstance(value, Mapping) and all(
            item is UNKNOWN or isinstance(item, str) for item in value.values()
        )


class Opaque(Shape):
    """Taken as it is: a property that the stand-in has no rule for."""

    def fits(self, value: Any) -> bool:
        return True


@dataclass(frozen=True)
class Text(Shape):
    """`values` are the only ones allowed (`combined`: several of them, with commas); `pattern` has
    to match all of it, and `rule` says so in words."""

    word = "text"
    values: tuple[str, ...] = ()
    pattern: str = ""
    rule: str = ""
    combined: bool = False

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        parts = [part.strip() for part in value.split(",")] if self.combined else [value]
        if self.values and not set(parts) <= set(self.values):
            choice = f"of {', '.join(self.values)}"
            what = f"any {choice}" if self.combined else f"one {choice}"
            yield Fault(path, f"'{path}' cannot be '{value}': {what}")
        if self.pattern and not re.fullmatch(self.pattern, value):
            yield Fault(path, f"'{path}' cannot be '{value}': {self.rule or self.pattern}")


@dataclass(frozen=True)
class Number(Shape):
    word = "a number"
    low: float | None = None
    high: float | None = None
    whole: bool = True

    def fits(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        below = self.low is not None and value < self.low
        above = self.high is not None and value > self.high
        if below or above or (self.whole and value != int(value)):
            upper = f" to {self.high:g}" if self.high is not None else " or more"
            kind = "whole number" if self.whole else "number"
            span = f", {self.low:g}{upper}" if self.low is not None else ""
            yield Fault(path, f"'{path}' cannot be {value:g}: a {kind}{span}")


@dataclass(frozen=True)
class Many(Shape):
    word = "a list"
    of: Shape
    least: int = 0
    most: int | None = None

    def fits(self, value: Any) -> bool:
        return isinstance(value, list | tuple)

    def form(self, path: str, value: Any) -> Iterator[Fault]:
        yield from super().form(path, value)
        if self.fits(value):
            for index, item in enumerate(value):
                if item is not UNKNOWN:
                    yield from self.of.form(f"{path}[{index}]", item)

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        if len(value) < self.least:
            yield Fault(path, f"'{path}' has {len(value)} items: at least {self.least} are needed")
        if self.most is not None and len(value) > self.most:
            yield Fault(path, f"'{path}' has {len(value)} items: at most {self.most} are allowed")
        for index, item in enumerate(value):
            yield from self.of.faults(f"{path}[{index}]", item)

    def pruned(self, value: Any) -> Any:
        return [self.of.pruned(item) for item in value] if self.fits(value) else value


@dataclass(frozen=True)
class Object(Shape):
    """`required` is missed by azure-native, `needed` by Azure."""

    word = "an object"
    fields: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()

    def fits(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def form(self, path: str, value: Any) -> Iterator[Fault]:
        if not self.fits(value):
            yield from super().form(path, value)
            return
        for key in value:
            if key not in self.fields and not key.startswith("__"):
                below = _below(path, key)
                yield Fault(below, f"'{below}' is no property that azure-native knows")
        for key in self.required:
            if value.get(key) is None:
                below = _below(path, key)
                yield Fault(below, f"missing required property '{below}'")
        for key, item in self._known(value):
            yield from self.fields[key].form(_below(path, key), item)

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        for key in self.needed:
            if value.get(key) is None:
                yield Fault(_below(path, key), f"'{_below(path, key)}' is missing")
        for key, item in self._known(value):
            yield from self.fields[key].faults(_below(path, key), item)

    def pruned(self, value: Any) -> Any:
        if not self.fits(value):
            return value
        return {key: self.fields[key].pruned(item) for key, item in self._known(value)}

    def _known(self, value: Props) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if key in self.fields and item is not None and item is not UNKNOWN:
                yield key, item


@dataclass(frozen=True)
class OneOf(Shape):
    """An object whose property `tag` says which of `shapes` it is."""

    word = "an object"
    tag: str
    shapes: Mapping[str, Object]

    def fits(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def form(self, path: str, value: Any) -> Iterator[Fault]:
        shape = self._shape(value)
        if shape is None:
            found = value.get(self.tag) if self.fits(value) else value
            choice = ", ".join(self.shapes)
            yield Fault(path, f"'{_below(path, self.tag)}' cannot be {found!r}: one of {choice}")
        else:
            yield from shape.form(path, value)

    def faults(self, path: str, value: Any) -> Iterator[Fault]:
        shape = self._shape(value)
        yield from shape.faults(path, value) if shape else ()

    def pruned(self, value: Any) -> Any:
        shape = self._shape(value)
        return shape.pruned(value) if shape else value

    def _shape(self, value: Any) -> Object | None:
        return self.shapes.get(value.get(self.tag)) if self.fits(value) else None


FLAG, TEXT, TAGS, OPAQUE = Flag(), Text(), Labels(), Opaque()
ENABLED = Text(("Enabled", "Disabled"))
REFERENCE = Object({"id": TEXT})


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
