"""The path of a resource's request, built and checked by the function that Microsoft's SDK has."""

from __future__ import annotations

import hashlib
import inspect
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.truth import models
from tests.truth.native import folded
from tests.truth.operations import Operation

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
# What a resource is in or on without being part of it.
_AROUND = {"resource_group_name", "scope", "resource_uri"}


@dataclass(frozen=True)
class Path:
    """`inputs` are the names of the inputs that are in the path, and so not in the body."""

    text: str
    api_version: str
    inputs: frozenset[str]
    problems: tuple[str, ...]


def path_of(operation: Operation, logical_name: str, inputs: Mapping[str, Any]) -> Path:
    """The path for these inputs, with what is wrong with the names in it."""
    parameters = inspect.signature(operation.build).parameters.values()
    # Those with a default are headers.
    required = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    ]
    *owners, own = [name for name in required if name != "subscription_id"]
    given = {folded(name): name for name in inputs}
    arguments = {name: inputs[given[folded(name)]] for name in required if folded(name) in given}
    problems = [f"{name} is missing: required" for name in owners if name not in arguments]
    arguments = {
        own: generated_name(logical_name, own, owners),
        **dict.fromkeys(owners, ""),
        **arguments,
        **({"subscription_id": SUBSCRIPTION} if "subscription_id" in required else {}),
    }
    hints = typing.get_type_hints(operation.build)
    for name, value in arguments.items():
        allowed = tuple(models.enum_values(hints[name]))
        if allowed and value not in allowed:
            problems.append(f"{name} is {value!r}: one of {', '.join(allowed)}")
    serializer = _Serializer()
    with mock.patch.dict(operation.build.__globals__, {"_SERIALIZER": serializer}):
        url = operation.build(**arguments).url
    # The function itself fills in a parameter that has only one value.
    used = {given[folded(name)]: name for name in serializer.values if folded(name) in given}
    for key, name in used.items():
        only = serializer.values[name]
        if name not in arguments and inputs[key] != only:
            problems.append(f"{name} is {inputs[key]!r}: always {only!r}")
    return Path(
        f"/{url.partition('?')[0].lstrip('/')}",
        serializer.api_version,
        frozenset(used),
        (*problems, *serializer.problems),
    )


def generated_name(logical_name: str, parameter: str, owners: list[str]) -> str:
    """The name that azure-native gives a resource that has none (AutoNamer, pulumi-azure-native).

    A GUID for a role assignment, the logical name for a part of another resource, and the logical
    name with eight random hex digits otherwise, as for a part whose name becomes a host name.
    """
    digest = hashlib.sha256(logical_name.encode()).hexdigest()
    if parameter == "role_assignment_name":
        return str(uuid.UUID(digest[:32]))
    if set(owners) <= _AROUND or parameter in ("endpoint_name", "custom_domain_name"):
        return f"{logical_name}{digest[:8]}"
    return logical_name


class _Serializer:
    """In place of the SDK's own, which ignores the rules that it is called with."""

    def __init__(self) -> None:
        self.api_version = ""
        self.problems: list[str] = []
        self.values: dict[str, Any] = {}

    def url(self, name: str, value: Any, kind: str, **rules: Any) -> str:
        rules.pop("skip_quote", None)
        self.values[name] = value
        if isinstance(value, str):
            self.problems += models.violated(value, rules, name)
        else:
            self.problems.append(f"{name} is {value!r}: {kind}")
        return str(value)

    def query(self, name: str, value: str, kind: str) -> str:
        self.api_version = value
        return value

    def header(self, name: str, value: str, kind: str) -> str:
        return value
