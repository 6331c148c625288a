"""A declared resource as the rules see it: plain values, and a mark for what is not known yet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from policy.tokens import STORAGE

# A type with its API version is the same type: azure-native:storage/v20240101:StorageAccount, or
# azure-native_storage_v20240101:storage:StorageAccount of a package generated for it.
VERSIONED = re.compile(r"azure-native(?:_\w+)?:(\w+)(?:/\w+)?:(\w+)")


class Unknown:
    """A value that Azure returns only after a resource is created; a preview cannot judge it."""

    def __repr__(self) -> str:
        return "unknown until it is created"


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

    @property
    def part(self) -> str:
        """Which part of the storage component it is, such as `media`, or an empty string. The
        component's own name comes before it: that is the program's choice."""
        return self.name.rpartition("-")[2] if self.component == STORAGE else ""

    def at(self, path: str) -> Any:
        """The value at a path such as `networkRuleSet.bypass`: None if it is not set, UNKNOWN if it
        or something on the way to it is not known yet."""
        return at(self.props, path)

    def made_from(self, path: str, other: Resource) -> bool:
        """Whether a property's value came from `other`, known or not."""
        return other.urn in self.depends.get(path, ())


def declared(args: ResourceValidationArgs | StackValidationArgs) -> list[Resource]:
    """The resources that Pulumi asks a policy about."""
    given = args.resources if isinstance(args, StackValidationArgs) else [args]
    return [
        Resource(
            VERSIONED.sub(r"azure-native:\1:\2", each.resource_type, count=1),
            each.name,
            each.urn,
            plain(each.props),
            protect=bool(each.opts.protect),
            depends=_dependencies(each),
        )
        for each in given
    ]


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def items(value: Any) -> list[Any]:
    """A list's items; none if it is not set, or not known yet."""
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


def plain(value: Any) -> Any:
    """Pulumi's values without the proxies that raise where something is not known yet."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(value: Any, key: Any) -> Any:
    try:
        return plain(value[key])
    except UnknownValueError:
        return UNKNOWN


def _dependencies(given: ResourceValidationArgs | PolicyResource) -> dict[str, frozenset[str]]:
    """Only a stack's validation knows them."""
    if not isinstance(given, PolicyResource):
        return {}
    found = given.property_dependencies
    return {path: frozenset(each.urn for each in sources) for path, sources in found.items()}
