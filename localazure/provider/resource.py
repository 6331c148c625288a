"""What every resource type of the stand-in has in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from localazure.control_plane import ControlPlane
from localazure.errors import ArmError
from localazure.provider.arm import formatted_id, generated_name, parsed_id, type_of
from localazure.provider.properties import Failure, Limits, Properties
from localazure.provider.records import not_found
from localazure.values import UNKNOWN, Props


@dataclass(frozen=True)
class Live:
    """A resource as it exists: its id, its outputs."""

    id: str
    outputs: Props


class ResourceType(ABC):
    """One resource type: its token, its limits, and its create, read, update and delete.

    The id's format gives the type's ARM name and the inputs that cannot change.
    """

    token: ClassVar[str]
    arm_type: ClassVar[str]
    # The id, with the inputs that it contains in braces.
    id_format: ClassVar[str]
    # The input that holds the resource's own name.
    name_input: ClassVar[str]
    limits: ClassVar[Limits] = {}
    needed: ClassVar[tuple[str, ...]] = ()
    # Inputs outside the id and besides the location, top-level or nested, that cannot change: a new
    # value replaces the resource.
    immutable: ClassVar[tuple[str, ...]] = ()
    # Outputs within an input that is an object.
    nested_outputs: ClassVar[tuple[str, ...]] = ()
    # Azure's code for a value that it refuses.
    invalid: ClassVar[str] = "InvalidRequestContent"
    # A deletion of these writes an empty resource, so locks against deletion do not apply.
    deleted_by_writing: ClassVar[bool] = False
    heeds_locks: ClassVar[bool] = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "token" in cls.__dict__:
            RESOURCE_TYPES.append(cls)
            cls.arm_type = type_of(f"/{cls.id_format.lstrip('/')}")
            cls.name_input = cls.names_in_id()[-1]

    @classmethod
    def names_in_id(cls) -> list[str]:
        return re.findall(r"\{(\w+)\}", cls.id_format.replace("{subscriptionId}", ""))

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane

    @cached_property
    def properties(self) -> Properties:
        return Properties(self.token, self.limits, self.needed)

    @property
    def replaced_by(self) -> tuple[str, ...]:
        """The inputs whose change replaces the resource."""
        location = ("location",) if "location" in self.properties.inputs else ()
        return (*self.names_in_id(), *location, *self.immutable)

    @cached_property
    def computed_outputs(self) -> tuple[str, ...]:
        """What the service adds to the inputs, top-level or nested: unknown in a preview."""
        computed = [name for name in self.properties.outputs if name not in self.properties.inputs]
        if "identity" in self.properties.inputs:
            computed += ["identity.principalId", "identity.tenantId"]
        return (*computed, *self.nested_outputs)

    def check(
        self, logical_name: str, old: Props, new: Props, seed: bytes
    ) -> tuple[Props, list[Failure]]:
        """Inputs with names filled in, and what is wrong with their types.

        As azure-native does it, a type that is no child of another gets a generated name.
        """
        failures = list(self.properties.type_failures(new))
        checked = dict(new)
        is_child = self.arm_type.count("/") > 1
        if checked.get(self.name_input) is not None:
            return checked, failures
        if is_child:
            checked[self.name_input] = logical_name
        else:
            kept = old.get(self.name_input) if old.get("__createBeforeDelete") else None
            checked[self.name_input] = kept or self.generated(logical_name, seed)
            checked["__createBeforeDelete"] = True
        return checked, failures

    def generated(self, logical_name: str, seed: bytes) -> str:
        """The name of a resource that was given none."""
        return generated_name(logical_name, seed)

    def previewed(self, inputs: Props, old: Props) -> Props:
        """The outputs that a preview can promise: the inputs, and computed outputs as they are in
        `old`, the outputs so far, or unknown."""
        outputs = {key: value for key, value in inputs.items() if not key.startswith("__")}
        for path in self.computed_outputs:
            top, _, below = path.partition(".")
            if not below:
                outputs[top] = old.get(top, UNKNOWN)
            elif isinstance(outputs.get(top), dict):
                known = old.get(top)
                value = known.get(below, UNKNOWN) if isinstance(known, dict) else UNKNOWN
                outputs[top] = {**outputs[top], below: value}
        return outputs

    def resource_id(self, inputs: Props) -> str:
        """The ARM id that these inputs lead to."""
        return formatted_id(self.id_format, inputs)

    def names(self, resource_id: str) -> Props:
        """The inputs that an id contains."""
        return parsed_id(self.id_format, resource_id)

    def inputs_of(self, live: Live) -> Props:
        """The inputs that would declare a live resource that was never declared."""
        return {**self.properties.pruned(live.outputs), **self.names(live.id)}

    def refuse_values(self, inputs: Props) -> None:
        """Raise Azure's answer to values outside their limits."""
        failures = list(self.properties.limit_failures(inputs))
        if failures:
            reasons = "; ".join(failure.reason for failure in failures)
            raise self.bad_request(reasons, failures[0].code)

    def bad_request(self, message: str, code: str = "") -> ArmError:
        return ArmError(400, code or self.invalid, message)

    def existing(self, resource_id: str) -> Live:
        """The resource as it is now. Raises Azure's answer if it does not exist."""
        live = self.read(resource_id)
        if live is None:
            raise self.not_found(resource_id)
        return live

    def not_found(self, resource_id: str) -> ArmError:
        return not_found(resource_id)

    @abstractmethod
    def create(self, inputs: Props) -> Live: ...

    @abstractmethod
    def read(self, resource_id: str) -> Live | None:
        """The resource as it is now, or None if it does not exist."""

    @abstractmethod
    def update(self, resource_id: str, inputs: Props) -> Live: ...

    @abstractmethod
    def delete(self, resource_id: str) -> None:
        """Delete it. Not an error if it does not exist."""


# The types of every module that was imported.
RESOURCE_TYPES: list[type[ResourceType]] = []


def declared(inputs: Props) -> Props:
    """The inputs without those that are unset, and without azure-native's own."""
    return {k: v for k, v in inputs.items() if not k.startswith("__") and v is not None}


def value_at(props: Any, path: str) -> Any:
    """The value at a dotted path of objects, or None."""
    for part in path.split("."):
        if not isinstance(props, dict):
            return props if props is UNKNOWN else None
        props = props.get(part)
    return props
