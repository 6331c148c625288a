"""The base of the types without a data plane here: only the control plane stores them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError, conflict
from localazure.provider.records import (
    STORED_TYPES,
    exists,
    forget,
    group_not_found,
    not_found,
    record_of,
    records_of,
    refuse_missing,
)
from localazure.provider.regions import check_region
from localazure.provider.resource import Live, ResourceType, declared, value_at
from localazure.provider.resource_group import already_exists
from localazure.values import Props


@dataclass(frozen=True)
class Write:
    """A create or an update. If a hook raises, the change of `content` is discarded.

    `inputs` include those in the id; `before` are the inputs so far, None in a create.
    """

    content: Record
    resource_id: str
    inputs: Props
    before: Props | None = None


class ControlPlaneResource(ResourceType):
    """Subclasses override the hooks `validate`, `validate_delete`, `answers` and `computed`."""

    invalid = "BadRequest"
    # What the service answers for inputs that were not given.
    defaults: ClassVar[Props] = {}
    # The path of an input whose value no resource next to it may have, too.
    unique: ClassVar[str] = ""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "token" in cls.__dict__:
            STORED_TYPES.add(cls.arm_type.lower())

    def validate(self, write: Write) -> None:
        """Refuse what limits cannot express."""

    def validate_delete(self, content: Record, record: Record) -> None:
        """Refuse to delete what others still need."""

    def answers(self, content: Record, record: Record) -> Props:
        """What the service adds to the inputs at each read."""
        return {}

    def computed(self, resource_id: str, inputs: Props) -> Props:
        """What the service sets once, at the creation."""
        return {}

    def create(self, inputs: Props) -> Live:
        resource_id = self.resource_id(inputs)
        self._check(inputs)
        with self.control_plane.change() as content:
            self._refuse_orphan(content, resource_id)
            if record_of(content, resource_id):
                raise already_exists(resource_id)
            self._validate(Write(content, resource_id, inputs))
            content.setdefault("recorded", {})[resource_id.lower()] = {
                "id": resource_id,
                "type": self.arm_type,
                "inputs": declared(inputs),
                "computed": self.computed(resource_id, inputs),
            }
        return self.existing(resource_id)

    def read(self, resource_id: str) -> Live | None:
        content = self.control_plane.load()
        record = record_of(content, resource_id)
        if record is None:
            return None
        hidden = set(self.names_in_id()) - set(self.properties.outputs)
        shown = {key: value for key, value in record["inputs"].items() if key not in hidden}
        outputs: Props = {
            **self.defaults,
            "name": record["id"].rpartition("/")[2],
            "type": self.arm_type,
            **record["computed"],
            **shown,
            **self.answers(content, record),
        }
        if "provisioningState" in self.properties.outputs:
            outputs["provisioningState"] = "Succeeded"
        return Live(record["id"], outputs)

    def update(self, resource_id: str, inputs: Props) -> Live:
        self._check(inputs)
        with self.control_plane.change() as content:
            record = record_of(content, resource_id)
            if record is None:
                raise not_found(resource_id)
            inputs = {**self.names(record["id"]), **inputs}
            self._validate(Write(content, record["id"], inputs, record["inputs"]))
            record["inputs"] = declared(inputs)
        return self.existing(resource_id)

    def delete(self, resource_id: str) -> None:
        with self.control_plane.change() as content:
            record = record_of(content, resource_id)
            if record is not None:
                self.validate_delete(content, record)
                forget(content, resource_id)

    def check_location(self, location: str) -> None:
        check_region(location)

    def siblings(self, write: Write, below: str = "") -> list[Props]:
        """The inputs of the other resources of this type, below an id or the same parent."""
        parent = below or write.resource_id.rsplit("/", 2)[0]
        return [
            {**self.names(other["id"]), **other["inputs"]}
            for other in records_of(write.content, self.arm_type, parent)
            if other["id"].lower() != write.resource_id.lower()
        ]

    def _validate(self, write: Write) -> None:
        self.validate(write)
        wanted = str(value_at(write.inputs, self.unique)).lower()
        for other in self.siblings(write) if self.unique else ():
            if str(value_at(other, self.unique)).lower() == wanted:
                raise conflict(
                    f"'{other[self.name_input]}' has the {self.unique} '{wanted}' already, and "
                    "each needs its own."
                )

    def _check(self, inputs: Props) -> None:
        self.refuse_values(inputs)
        if "location" in self.properties.inputs:
            if inputs.get("location") is None:
                raise self.bad_request("'location' is missing")
            self.check_location(inputs["location"])

    def _refuse_orphan(self, content: Record, resource_id: str) -> None:
        """An extension resource needs its scope, a child its parent, any other its group."""
        if self.id_format.startswith("{"):
            refuse_missing(content, resource_id.rpartition("/providers/")[0])
            return
        group, _, tail = resource_id.partition("/providers/")
        if exists(content, group) is False:
            raise group_not_found(group.rpartition("/")[2])
        parts = tail.split("/")
        for end in range(3, len(parts) - 1, 2):
            parent = f"{group}/providers/{'/'.join(parts[:end])}"
            if exists(content, parent) is False:
                raise ArmError(
                    404,
                    "ParentResourceNotFound",
                    "Failed to perform 'write' on resource(s) of type "
                    f"'{self.arm_type.partition('/')[2]}', because the parent resource '{parent}' "
                    "could not be found.",
                )


class GlobalResource(ControlPlaneResource):
    """A type that belongs to no region."""

    def check_location(self, location: str) -> None:
        if location.lower() != "global":
            raise ArmError(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{location}' is not available for resource type "
                f"'{self.arm_type}'. List of available regions for the resource type is 'global'.",
            )
