"""A declared resource as the rules see it: plain values, and a mark for what is not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


class Unknown:
    """A value that Azure gives only once the resource is made; a preview cannot judge it."""

    def __repr__(self) -> str:
        return "unknown until it is made"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Resource:
    """One resource. `depends` has, for each property, the URNs that its value was made from."""

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    depends: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def stack(self) -> str:
        """`urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
        return self.urn.split("::")[0].rpartition(":")[2]

    @property
    def component(self) -> str:
        """The type of the component that declares it, or an empty string."""
        parents = self.urn.split("::")[2].split("$")[:-1]
        return parents[-1] if parents else ""

    def at(self, path: str) -> Any:
        """The value at a path such as `networkRuleSet.bypass`: None if it is not set, UNKNOWN if it
        or something on the way to it is not known yet."""
        return at(self.props, path)

    def made_from(self, path: str, other: Resource) -> bool:
        """Whether a property's value came out of `other`, known or not."""
        return other.urn in self.depends.get(path, ())


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def items(value: Any) -> list[Any]:
    """A list's entries; none if it is not set, or not known yet."""
    return list(value) if isinstance(value, list) else []


def text(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"'{value}'" if isinstance(value, str) else str(value)
