"""What every resource type of the stand-in answers to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from localazure.cloud import Cloud
from localazure.provider.arm import generated_name
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


class Kind(ABC):
    """One resource type: its token, its rules, and what create, read, update and delete do."""

    token: ClassVar[str]
    arm_type: ClassVar[str]
    # The input that holds the resource's own name; filled in by auto-naming if `autonamed`.
    name_input: ClassVar[str]
    autonamed: ClassVar[bool] = False
    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    # A change of one of these is a new resource.
    replaced_by: ClassVar[tuple[str, ...]] = ()
    # What the service answers beside the inputs: unknown in a preview.
    computed: ClassVar[tuple[str, ...]] = ("name", "type")

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def check(
        self, logical_name: str, old: Props, new: Props, seed: bytes
    ) -> tuple[Props, list[Failure]]:
        """Inputs with names and location filled in, and what is wrong with their form."""
        known = {self.name_input, *self.required, *self.optional}
        failures = [
            Failure(key, f"'{key}' is no property of {self.token}")
            for key in new
            if key not in known and not key.startswith("__")
        ]
        failures += [
            Failure(key, f"missing required property '{key}'")
            for key in self.required
            if new.get(key) is None
        ]
        checked = dict(new)
        if checked.get(self.name_input) is None and self.autonamed:
            if old.get("__createBeforeDelete") and old.get(self.name_input):
                checked[self.name_input] = old[self.name_input]
            else:
                checked[self.name_input] = generated_name(logical_name, seed)
            checked["__createBeforeDelete"] = True
        elif checked.get(self.name_input) is None:
            checked[self.name_input] = logical_name
        return checked, failures

    def previewed(self, inputs: Props) -> Props:
        """The outputs a preview can promise: the inputs, and everything computed as unknown."""
        outputs = {key: value for key, value in inputs.items() if not key.startswith("__")}
        return {**outputs, **dict.fromkeys(self.computed, UNKNOWN)}

    @abstractmethod
    def resource_id(self, inputs: Props) -> str:
        """The ARM id that these inputs lead to."""

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
