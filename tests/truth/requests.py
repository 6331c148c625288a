"""What azure-native sends to Azure for a resource: the path and the body of the PUT."""

from __future__ import annotations

import hashlib
import inspect
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from tests.truth import models, native
from tests.truth.models import Model
from tests.truth.native import Arguments
from tests.truth.operations import OPERATIONS, Operation

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"


@dataclass(frozen=True)
class Request:
    """`problems` is everything in it that Microsoft's models or azure-native do not allow."""

    path: str
    api_version: str
    body: dict[str, Any]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def request(token: str, logical_name: str, inputs: Mapping[str, Any]) -> Request:
    """The request for a resource that the program declares with these inputs.

    azure-native generates a missing name: the logical name and eight hex digits, or a GUID for a
    role assignment, whose name has to be one.
    """
    digest = hashlib.sha256(logical_name.encode()).hexdigest()
    guid = token == "azure-native:authorization:RoleAssignment"
    generated = str(uuid.UUID(digest[:32])) if guid else f"{logical_name}{digest[:8]}"
    operation = OPERATIONS[token]
    url = _Url()
    names = url.build(operation, inputs, generated)
    encoder = _Encoder()
    body = encoder.object(
        {name: value for name, value in inputs.items() if name not in names},
        (native.arguments_class(token),),
        operation.model,
        "",
    )
    found = [*url.problems, *encoder.problems]
    if operation.model:
        found += models.problems(body, operation.model)
    else:
        found += [f"{name} is not sent: the request has no body" for name in body]
    return Request(url.path, url.api_version, body, tuple(found))


def _folded(name: str) -> str:
    """`iPAddressOrRange` and `ip_address_or_range` as one: azure-native and azure-mgmt derive both
    from the name in the specification."""
    return name.replace("_", "").lower()


@dataclass
class _Url:
    """Stands in for the SDK's serializer, which ignores the rules that it is called with."""

    path: str = ""
    api_version: str = ""
    problems: list[str] = field(default_factory=list)

    def build(self, operation: Operation, inputs: Mapping[str, Any], generated: str) -> set[str]:
        """Build the URL out of the inputs, and return the names of those that it holds."""
        named = {_folded(name): name for name in inputs}
        arguments: dict[str, Any] = {"subscription_id": SUBSCRIPTION}
        used = {"subscription_id": ""}
        parameters = inspect.signature(operation.build).parameters
        # Those with a default are headers.
        path = [n for n, p in parameters.items() if p.default is p.empty and n != "kwargs"]
        for name in path:
            if _folded(name) in named:
                used[name] = named[_folded(name)]
                arguments[name] = inputs[used[name]]
        # The resource's own name is the last; the names of what it is in are never generated.
        *owners, own = [name for name in path if name != "subscription_id"]
        for name in owners:
            if name not in arguments:
                self.problems.append(f"{name} is missing: required")
                arguments[name] = ""
        arguments.setdefault(own, generated)
        hints = typing.get_type_hints(operation.build)
        for name, value in arguments.items():
            allowed = tuple(models.enum_values(hints.get(name)))
            if allowed and value not in allowed:
                self.problems.append(f"{name} is {value!r}: one of {', '.join(allowed)}")
        given = {name: value for name, value in arguments.items() if name in parameters}
        with mock.patch.dict(operation.build.__globals__, {"_SERIALIZER": self}):
            built = operation.build(**given)
        self.path = "/" + built.url.partition("?")[0].lstrip("/")
        # A parameter that has only one value is none of the function's.
        for name, value in self._seen.items():
            constant = named.get(_folded(name))
            if constant and name not in used:
                used[name] = constant
                if inputs[constant] != value:
                    self.problems.append(f"{name} is {inputs[constant]!r}: always {value!r}")
        return set(used.values())

    _seen: dict[str, Any] = field(default_factory=dict)

    def url(self, name: str, value: Any, kind: str, **rules: Any) -> str:
        rules.pop("skip_quote", None)
        self._seen[name] = value
        if not isinstance(value, str):
            self.problems.append(f"{name} is {value!r}: {kind}")
        else:
            self.problems += models.violated(value, rules, name)
        return str(value)

    def query(self, name: str, value: str, kind: str) -> str:
        self.api_version = value
        return value

    def header(self, name: str, value: str, kind: str) -> str:
        return value


@dataclass
class _Encoder:
    """Puts each property where the model has it. What has no place stays where it is, to be found
    by the check of the body."""

    problems: list[str] = field(default_factory=list)

    def object(
        self,
        inputs: Mapping[str, Any],
        arguments: tuple[Arguments, ...],
        model: Model | None,
        where: str,
    ) -> dict[str, Any]:
        chosen = models.resolved(inputs, model) if model else None
        places = (
            {_folded(name): about for name, about in models.attributes(chosen).items()}
            if chosen
            else {}
        )
        body: dict[str, Any] = {}
        for name, value in inputs.items():
            place = f"{where}.{name}" if where else name
            nested = tuple(
                inner for each in arguments for inner in native.properties(each).get(name, ())
            )
            if arguments and not any(name in native.properties(each) for each in arguments):
                self.problems.append(f"{place} is unknown to azure-native")
            keys, kind = places.get(_folded(name), ((name,), "object"))
            target = body
            for key in keys[:-1]:
                target = target.setdefault(key, {})
            target[keys[-1]] = self._value(value, nested, chosen, kind, place)
        return body

    def _value(
        self,
        value: Any,
        arguments: tuple[Arguments, ...],
        model: Model | None,
        kind: str,
        where: str,
    ) -> Any:
        if isinstance(value, list):
            inner = kind[1:-1] if kind.startswith("[") else "object"
            return [
                self._value(item, arguments, model, inner, f"{where}[{number}]")
                for number, item in enumerate(value)
            ]
        if isinstance(value, Mapping):
            nested = models.model_of(model, kind) if model else None
            return self.object(value, arguments, nested, where)
        # Pulumi's protocol has no other numbers than floating-point ones.
        return int(value) if isinstance(value, float) and value.is_integer() else value
