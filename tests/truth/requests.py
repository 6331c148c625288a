"""What azure-native sends to Azure for a resource: the path and the body of the PUT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.truth import models, native
from tests.truth.models import Model
from tests.truth.native import Arguments, folded
from tests.truth.operations import OPERATIONS
from tests.truth.paths import path_of


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
    """The request for a resource that the program declares with these inputs."""
    operation = OPERATIONS[token]
    path = path_of(operation, logical_name, inputs)
    encoder = _Encoder()
    body = encoder.object(
        {name: value for name, value in inputs.items() if name not in path.inputs},
        (native.arguments_class(token),),
        operation.model,
        "",
    )
    found = [*path.problems, *encoder.problems]
    if operation.model:
        found += models.problems(body, operation.model)
    else:
        found += [f"{name} is not sent: the request has no body" for name in body]
    return Request(path.text, path.api_version, body, tuple(found))


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
            {folded(name): about for name, about in models.attributes(chosen).items()}
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
            keys, kind = places.get(folded(name), ((name,), "object"))
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
        if isinstance(value, list) and kind.startswith("{"):
            # A list of ids, which azure-native sends as the keys of an object.
            return {item: {} for item in value}
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
