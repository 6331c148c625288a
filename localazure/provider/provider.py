"""The provider: the protocol's verbs over plain dicts, for the plugin and the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.errors import ArmError
from localazure.provider.arm import project
from localazure.provider.properties import Failure
from localazure.provider.records import refuse_locked
from localazure.provider.regions import region
from localazure.provider.registry import RESOURCE_TYPES, functions
from localazure.provider.resource import Live, ResourceType, declared, value_at
from localazure.values import UNKNOWN, Props

_ANY = {"$ref": "pulumi.json#/Any"}


@dataclass(frozen=True)
class Diff:
    """`changes` maps a property's path to `add`, `update` or `delete`. `replaces` are the paths
    whose change replaces the resource. With `delete_first`, the old resource must be deleted before
    the new one is created, because both have the same name."""

    changes: dict[str, str] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    delete_first: bool = False


class Provider:
    """Every verb takes and returns plain JSON values, and `UNKNOWN` in previews.

    Raises ArmError if Azure would refuse, KeyError for a type that this stand-in lacks.
    """

    def __init__(self, azurite: Azurite) -> None:
        control_plane = ControlPlane(azurite)
        self.resource_types: dict[str, ResourceType] = {
            kind.token: kind(control_plane) for kind in RESOURCE_TYPES
        }
        self.functions = functions(control_plane)
        self.control_plane = control_plane
        self._location = ""

    def configure(self, config: dict[str, str]) -> None:
        """Provider settings, keys without the `azure-native:` prefix; `location` is the default."""
        self._location = config.get("location", "")

    def check(
        self, token: str, name: str, old: Props, new: Props, seed: bytes
    ) -> tuple[Props, list[Failure]]:
        kind = self.resource_types[token]
        inputs = dict(new)
        if "location" in kind.properties.inputs and inputs.get("location") is None:
            location = self._default_location(inputs, old)
            if location:
                inputs["location"] = location
        return kind.check(name, old, inputs, seed)

    def diff(self, token: str, old: Props, new: Props) -> Diff:
        """What changes between two sets of checked inputs."""
        kind = self.resource_types[token]
        by_random_name = bool(new.get("__createBeforeDelete"))
        old, new = _comparable(old), _comparable(new)
        changes = dict(_changes("", old, new))
        # A switch that is off and one that was never set are the same.
        replaces = tuple(
            path
            for path in kind.replaced_by
            if (value_at(old, path) or None) != (value_at(new, path) or None)
        )
        return Diff(changes, replaces, bool(replaces) and not by_random_name)

    def create(self, token: str, inputs: Props, *, preview: bool = False) -> Live:
        kind = self.resource_types[token]
        if preview:
            return Live("", kind.previewed(inputs, {}))
        self._refuse_locked(kind, kind.resource_id(inputs), "write")
        return kind.create(inputs)

    def read(self, token: str, resource_id: str, inputs: Props) -> tuple[Live, Props] | None:
        """The live resource and the inputs that would declare it, or None if it does not exist."""
        kind = self.resource_types[token]
        live = kind.read(resource_id)
        if live is None:
            return None
        if not inputs:
            return live, kind.inputs_of(live)
        return live, project(inputs, {**inputs, **live.outputs})

    def update(
        self, token: str, resource_id: str, old: Props, inputs: Props, *, preview: bool = False
    ) -> Live:
        """`old` are the outputs so far; a preview keeps those that an update does not change."""
        kind = self.resource_types[token]
        if preview:
            return Live(resource_id, {**old, **kind.previewed(inputs, old)})
        self._refuse_locked(kind, resource_id, "write")
        return kind.update(resource_id, inputs)

    def delete(self, token: str, resource_id: str) -> None:
        kind = self.resource_types[token]
        self._refuse_locked(kind, resource_id, "write" if kind.deleted_by_writing else "delete")
        kind.delete(resource_id)

    def start(self) -> None:
        """Start Azurite unless it runs, and serve the existing accounts."""
        self.control_plane.start()

    def last_loss(self) -> str:
        return self.control_plane.azurite.last_loss()

    def resource_id(self, token: str, inputs: Props) -> str:
        return self.resource_types[token].resource_id(inputs)

    def invoke(self, token: str, arguments: Props) -> Props:
        found = self.functions.get(token)
        if found is None:
            raise ArmError(404, "UnknownFunction", f"this stand-in has no function '{token}'")
        missing = [name for name in found.required if not arguments.get(name)]
        if missing:
            raise ArmError(400, "InvalidArgument", f"'{token}' needs {', '.join(missing)} as well")
        return found.call(arguments)

    def _refuse_locked(self, kind: ResourceType, resource_id: str, verb: str) -> None:
        if kind.heeds_locks:
            refuse_locked(self.control_plane.load(), resource_id, verb)

    def _default_location(self, inputs: Props, old: Props) -> str:
        """As azure-native: what the resource had, the provider's setting, the group's location."""
        if old.get("location"):
            return str(old["location"])
        if self._location:
            return self._location
        group = inputs.get("resourceGroupName")
        found = (
            self.control_plane.load()["groups"].get(group.lower())
            if isinstance(group, str)
            else None
        )
        return str(found["location"]) if found else ""


def overlap(path: str, other: str) -> bool:
    """Whether one of two paths to properties is at or below the other."""
    shorter, longer = sorted((path, other), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :][:1] in ("", ".", "[")


def plugin_version() -> str:
    """The version of azure-native that the installed SDK would ask for."""
    try:
        return version("pulumi-azure-native")
    except PackageNotFoundError:
        return "0.0.0"


def _comparable(inputs: Props) -> Props:
    cleaned = declared(inputs)
    if isinstance(cleaned.get("location"), str):
        cleaned["location"] = region(cleaned["location"])
    return cleaned


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Each path that differs, and how."""
    if old is UNKNOWN or new is UNKNOWN:
        if old is not new:
            yield path, "update"
        return
    both = isinstance(old, dict) and isinstance(new, dict)
    if both or (isinstance(old, list) and isinstance(new, list)):
        before, after = _items(old, path), _items(new, path)
        for below in dict.fromkeys([*before, *after]):
            if below not in after:
                yield below, "delete"
            elif below not in before:
                yield below, "add"
            else:
                yield from _changes(below, before[below], after[below])
    elif old != new:
        yield path, "update"


def _items(value: Any, path: str) -> dict[str, Any]:
    """What an object or a list contains, by path."""
    if isinstance(value, list):
        return {f"{path}[{index}]": item for index, item in enumerate(value)}
    return {f"{path}.{key}" if path else key: item for key, item in value.items()}


def schema(provider: Provider) -> str:
    """A Pulumi package schema, as JSON text."""
    return json.dumps(
        {
            "name": "azure-native",
            "version": plugin_version(),
            "description": "azure-native's storage types on this machine, backed by Azurite",
            "config": {
                "variables": {"location": {"type": "string"}, "subscriptionId": {"type": "string"}}
            },
            "resources": {
                token: _resource(kind) for token, kind in provider.resource_types.items()
            },
            "functions": {
                token: {
                    "inputs": {
                        "type": "object",
                        "properties": dict.fromkeys(found.required, _ANY),
                        "required": list(found.required),
                    }
                }
                for token, found in provider.functions.items()
            },
        }
    )


def _resource(kind: ResourceType) -> dict[str, Any]:
    inputs, outputs = kind.properties.inputs, kind.properties.outputs
    return {
        "description": kind.arm_type,
        "inputProperties": dict.fromkeys(sorted(inputs), _ANY),
        "requiredInputs": kind.properties.required,
        "properties": dict.fromkeys(sorted({*inputs, *outputs}), _ANY),
    }
