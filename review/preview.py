"""The JSON of `pulumi preview --json` as objects.

The names of its fields are those of pulumi/pulumi: pkg/display/json.go and
sdk/go/common/apitype/core.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from graphlib import TopologicalSorter
from typing import Any

from review.changes import Change, changes_at, differences

STACK_TYPE = "pulumi:pulumi:Stack"
# What the CLI adds to the reason for a failure; alone it is the only text that there is.
_AFTERTHOUGHTS = ("preview failed", "an unhandled error occurred: program exited")


class Op(Enum):
    """What happens to a resource, in the order of a report."""

    CREATE = "create"
    IMPORT = "import"
    READ = "read"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    RETAIN = "retain"
    SAME = "same"

    def __str__(self) -> str:
        return "unchanged" if self is Op.SAME else f"to {self.value}"


@dataclass
class State:
    """A resource before or after a step."""

    urn: str
    type: str
    custom: bool = True
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    dependencies: list[str] = field(default_factory=list)
    protect: bool = False
    retain_on_delete: bool = False

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @classmethod
    def from_json(cls, state: Mapping[str, Any] | None) -> State | None:
        if not state:
            return None
        return cls(
            urn=state["urn"],
            type=state["type"],
            custom=state.get("custom", False),
            id=state.get("id") or state.get("importID", ""),
            inputs=state.get("inputs", {}),
            outputs=state.get("outputs", {}),
            parent=state.get("parent", ""),
            dependencies=state.get("dependencies", []),
            protect=state.get("protect", False),
            retain_on_delete=state.get("retainOnDelete", False),
        )


@dataclass
class Step:
    """What happens to one resource. `diff` has the kind of each change by its path, as the
    provider reports it; None if it reports nothing. Of a stack these are changes of outputs."""

    op: Op
    old: State | None
    new: State | None
    diff: Mapping[str, str] | None = None

    @classmethod
    def from_json(cls, step: Mapping[str, Any]) -> Step | None:
        """None for the parts of a replacement, which has a step of its own."""
        op = step["op"]
        old, new = State.from_json(step.get("oldState")), State.from_json(step.get("newState"))
        if op in ("discard", "read-discard") or (op == "delete" and old and old.retain_on_delete):
            op = "retain"
        if op not in {each.value for each in Op} or not (old or new):
            return None
        detailed = step.get("detailedDiff")
        diff = detailed and {path: change["kind"] for path, change in detailed.items()}
        return cls(Op(op), old, new, diff)

    @property
    def resource(self) -> State:
        state = self.new or self.old
        assert state is not None  # noqa: S101 - from_json has seen to it
        return state

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changed properties, if the resource exists before and after."""
        if not (self.old and self.new) or self.op not in (Op.UPDATE, Op.REPLACE, Op.IMPORT):
            return ()
        old, new = self.old.inputs, self.new.inputs
        kinds = self.diff or differences(old, new)
        return changes_at({p: k.removesuffix("-replace") for p, k in kinds.items()}, old, new)

    @property
    def replaces(self) -> tuple[str, ...]:
        """The properties that cannot change without a replacement."""
        return tuple(
            p for p, kind in sorted((self.diff or {}).items()) if kind.endswith("-replace")
        )

    @property
    def options(self) -> tuple[Change, ...]:
        """The changed resource options: they exist in Pulumi's state only, not in Azure."""
        if not (self.old and self.new) or self.op is Op.IMPORT:
            return ()
        pairs = (
            ("protect", self.old.protect, self.new.protect),
            ("retainOnDelete", self.old.retain_on_delete, self.new.retain_on_delete),
        )
        return tuple(Change(name, "update", old, new) for name, old, new in pairs if old != new)


@dataclass(frozen=True)
class Message:
    """A message of the program or the engine. `rule` is the policy that it reports a violation
    of, and `about` the URN of a resource, or empty."""

    severity: str
    text: str
    about: str = ""
    rule: str = ""

    def __str__(self) -> str:
        about = f" ({self.about.rpartition('::')[2]})" if self.about else ""
        return f"{self.severity}{about}: {self.text}"

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Message:
        severity = message["severity"]
        text = message["message"].strip().removeprefix(f"{severity}: ")
        return cls(severity, text, message.get("urn", ""), message.get("policy", ""))


@dataclass
class Preview:
    """`refreshed` has the state before a refresh, by URN; it is empty if there was no refresh.
    `failure` says why the preview stopped before its end."""

    project: str = ""
    stack: str = ""
    steps: list[Step] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    violations: list[Message] = field(default_factory=list)
    failure: str = ""
    refreshed: dict[str, State] = field(default_factory=dict)
    unchanged: int = 0

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Preview:
        preview = cls()
        for step in given.get("steps") or ():
            if step["op"] == "refresh":
                state = State.from_json(step.get("oldState"))
                if state:
                    preview.refreshed[state.urn] = state
            elif found := Step.from_json(step):
                preview._add(found)
            preview.stack, preview.project = step["urn"].split(":")[2], step["urn"].split("::")[1]
        preview.steps = _sorted(preview.steps)
        preview.unchanged = (given.get("changeSummary") or {}).get("same", 0)
        preview._read(map(Message.from_json, given.get("diagnostics") or ()))
        return preview

    def _add(self, step: Step) -> None:
        """An import that will fail is followed by an update, which says how the two differ."""
        for index, other in enumerate(self.steps):
            if other.op is Op.IMPORT and other.resource.urn == step.resource.urn:
                self.steps[index] = replace(other, old=step.old, diff=step.diff)
                return
        self.steps.append(step)

    def _read(self, messages: Iterable[Message]) -> None:
        failures = []
        for message in dict.fromkeys(messages):
            if message.rule:
                self.violations.append(message)
            elif message.severity == "error":
                failures.append(message.text)
            else:
                self.messages.append(message)
        reasons = [text for text in failures if not text.startswith(_AFTERTHOUGHTS)]
        if self.violations and not reasons:
            reasons = ["Mandatory policies are violated: see the risks."]
        self.failure = "\n".join(reasons or failures)

    @property
    def changes_anything(self) -> bool:
        """Whether an update has something to do, if only to record an option."""
        return any(step.op is not Op.SAME or step.options for step in self.steps)


def _sorted(steps: Iterable[Step]) -> list[Step]:
    """Sorted by dependency, then type and name: the engine's order depends on timing."""
    by_urn: dict[str, list[Step]] = {}
    for step in steps:
        by_urn.setdefault(step.resource.urn, []).append(step)
    sorter = TopologicalSorter(
        {
            urn: {above for s in group for above in (*s.resource.dependencies, s.resource.parent)}
            & by_urn.keys()
            for urn, group in by_urn.items()
        }
    )
    sorter.prepare()
    ordered: list[Step] = []
    while ready := sorter.get_ready():
        found = [step for urn in ready for step in by_urn[urn]]
        ordered += sorted(found, key=lambda step: (step.resource.type, step.resource.name))
        sorter.done(*ready)
    return ordered
