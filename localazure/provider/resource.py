"""What every resource type of the stand-in answers to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from localazure.control_plane import ControlPlane
from localazure.errors import ArmError
from localazure.provider.arm import formatted_id, generated_name, parsed_id
from localazure.provider.rules import Object
from localazure.values import UNKNOWN, Props


@dataclass(frozen=True)
class Failure:
    """One thing wrong with an input: the property and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Live:
    """A resource as it is in the cloud: its id, its outputs."""

    id: str
    outputs: Props


class ResourceType(ABC):
    """One resource type: its token, its rules, and what create, read, update and delete do."""

    token: ClassVar[str]
    arm_type: ClassVar[str]
    # Its id, with the inputs that are in it.
    id_format: ClassVar[str]
    # The input that holds the resource's own name; filled in by auto-naming if `autonamed`.
    name_input: ClassVar[str]
    autonamed: ClassVar[bool] = False
    # All inputs, and what they may be.
    shape: ClassVar[Object]
    # A change of one of these, top-level or nested, is a new resource.
    replaced_by: ClassVar[tuple[str, ...]] = ()
    # What the service answers beside the inputs, top-level or nested: unknown in a preview.
    computed: ClassVar[tuple[str, ...]] = ("name", "type")
    # Azure's code for a value that it does not take.
    invalid: ClassVar[str] = "InvalidRequestContent"
    # Locks stop deletions; what is deleted by putting an empty one is only written to.
    deleted_by_writing: ClassVar[bool] = False
    heeds_locks: ClassVar[bool] = True

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane

    def check(
        self, logical_name: str, old: Props, new: Props, seed: bytes
    ) -> tuple[Props, list[Failure]]:
        """Inputs with names and location filled in, and what is wrong with their form."""
        failures = [Failure(fault.path, fault.text) for fault in self.shape.form("", new)]
        checked = dict(new)
        if checked.get(self.name_input) is None and self.autonamed:
            if old.get("__createBeforeDelete") and old.get(self.name_input):
                checked[self.name_input] = old[self.name_input]
            else:
                checked[self.name_input] = self.generated(logical_name, seed)
            checked["__createBeforeDelete"] = True
        elif checked.get(self.name_input) is None:
            checked[self.name_input] = logical_name
        return checked, failures

    def generated(self, logical_name: str, seed: bytes) -> str:
        """The name of a resource that was given none."""
        return generated_name(logical_name, seed)

    def previewed(self, inputs: Props, old: Props) -> Props:
        """The outputs a preview can promise: the inputs, and everything computed as it was (`old`,
        the outputs so far) or unknown."""
        outputs = {key: value for key, value in inputs.items() if not key.startswith("__")}
        for path in self.computed:
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
        """The inputs that are in an id."""
        return parsed_id(self.id_format, resource_id)

    def inputs_of(self, live: Live) -> Props:
        """The inputs that would declare the live resource, for one that was never declared."""
        inputs: Props = self.shape.pruned(live.outputs)
        return {**inputs, **self.names(live.id)}

    def refuse_faults(self, inputs: Props) -> None:
        """Raise what Azure answers to values that it does not take."""
        faults = list(self.shape.faults("", inputs))
        if faults:
            raise self.bad_request("; ".join(fault.text for fault in faults))

    def bad_request(self, message: str, code: str = "") -> ArmError:
        return ArmError(400, code or self.invalid, message)

    @abstractmethod
    def create(self, inputs: Props) -> Live: ...

    @abstractmethod
    def read(self, resource_id: str) -> Live | None:
        """The resource as it is now, or None if it is gone."""

    @abstractmethod
    def update(self, resource_id: str, inputs: Props) -> Live: ...

    @abstractmethod
    def delete(self, resource_id: str) -> None:
        """Delete it; that it is gone already is no error."""


def value_at(props: Any, path: str) -> Any:
    """The value at a dotted path of objects, or None."""
    for part in path.split("."):
        if not isinstance(props, dict):
            return props if props is UNKNOWN else None
        props = props.get(part)
    return props
