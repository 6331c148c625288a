"""What a preview found, also as the JSON that `pulumi preview --json` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localazure.engine.state import STACK_TYPE, Resource
from localazure.engine.steps import Op, Step, output_changes
from localazure.provider.provider import overlap
from localazure.values import Props, printable
from review.changes import top
from review.preview import Message


@dataclass
class Plan:
    """`failure` says why the preview stopped before its end; `steps` are those up to there."""

    steps: list[Step] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    outputs_before: Props = field(default_factory=dict)
    outputs_after: Props = field(default_factory=dict)
    failure: str = ""

    @property
    def changes_anything(self) -> bool:
        """Whether `up` has something to do, if only to record an option."""
        return (
            any(step.op is not Op.SAME or _records_anything(step) for step in self.steps)
            or self.outputs_before != self.outputs_after
        )

    def as_json(self, config: Mapping[str, str], *, show_sames: bool) -> dict[str, Any]:
        """Secrets are masked. Unlike the Pulumi CLI's, it has the stack's new outputs.

        `show_sames` includes resources that do not change, as the CLI's option of that name.
        """
        messages = list(self.messages)
        if self.failure:
            messages.append(Message("error", self.failure))
        steps = [found for step in self.steps for found in self._steps_json(step)]
        hidden = set() if show_sames else {s.resource.urn for s in self.steps if _is_hidden(s)}
        return {
            "config": dict(config),
            "steps": [step for step in steps if step["urn"] not in hidden],
            "diagnostics": [_message_json(message) for message in messages],
            "changeSummary": dict(Counter(step["op"] for step in steps)),
        }

    def _steps_json(self, step: Step) -> Iterator[dict[str, Any]]:
        if step.resource.type == STACK_TYPE:
            yield self._stack_json(step)
        elif step.op is Op.IMPORT:
            new = {**_state_json(step.resource), "importID": step.resource.id}
            yield {"op": "import", "urn": step.resource.urn, "newState": new}
            if step.changes:  # as the CLI shows how the program differs from what is there
                yield _step_json(replace(step, op=Op.UPDATE))
        else:
            yield _step_json(step)

    def _stack_json(self, step: Step) -> dict[str, Any]:
        """With the outputs and their changes, which the CLI knows only after an update."""
        before, after = self.outputs_before, self.outputs_after
        found = _step_json(step)
        found["newState"]["outputs"] = printable(after)
        if "oldState" in found:
            found["oldState"]["outputs"] = printable(before)
        changes = output_changes(before, after)
        diff = {change.path: {"kind": change.kind, "inputDiff": False} for change in changes}
        return {**found, "detailedDiff": diff or None}


def _records_anything(step: Step) -> bool:
    old, new = step.old, step.resource
    return old is not None and (
        (old.protect, old.retain_on_delete, old.deleted_with, old.parent, old.dependencies)
        != (new.protect, new.retain_on_delete, new.deleted_with, new.parent, new.dependencies)
    )


def _is_hidden(step: Step) -> bool:
    """As the CLI: resources that do not change are left out, except the stack itself and those
    whose protection changes."""
    if step.op is not Op.SAME or step.resource.type == STACK_TYPE:
        return False
    return step.old is None or step.old.protect == step.resource.protect


def _step_json(step: Step) -> dict[str, Any]:
    resource, old = step.resource, step.old
    if step.op is Op.FORGET:
        op = "discard" if resource.external else "delete"
    else:
        op = step.op.verb or "same"
    found: dict[str, Any] = {"op": op, "urn": resource.urn}
    if step.op in (Op.DELETE, Op.FORGET):
        found["oldState"] = _state_json(resource, resource.outputs)
    else:
        if old is not None:
            found["oldState"] = _state_json(old, old.outputs)
        found["newState"] = _state_json(resource)
    # The provider is not asked about a resource that is replaced along with another.
    if step.op is Op.UPDATE or step.replaces:
        found["diffReasons"] = sorted({top(change.path) for change in step.changes})
        found["detailedDiff"] = _diff_json(step)
    if step.replaces:
        found["replaceReasons"] = list(step.replaces)
    return {"detailedDiff": None, **found}


def _diff_json(step: Step) -> dict[str, Any]:
    return {
        change.path: {
            # A change at the path of one of the reasons for a replacement.
            "kind": f"{change.kind}-replace"
            if any(overlap(change.path, reason) for reason in step.replaces)
            else change.kind,
            "inputDiff": True,
        }
        for change in step.changes
    }


def _state_json(resource: Resource, outputs: Props | None = None) -> dict[str, Any]:
    """As the CLI, it leaves out what is not set."""
    always = {"urn": resource.urn, "custom": resource.custom, "type": resource.type}
    sometimes = {
        "id": resource.id,
        "inputs": printable(resource.inputs),
        "outputs": printable(outputs or {}),
        "parent": resource.parent,
        "protect": resource.protect,
        "external": resource.external,
        "dependencies": resource.dependencies,
        "deletedWith": resource.deleted_with,
        "retainOnDelete": resource.retain_on_delete,
    }
    return always | {key: value for key, value in sometimes.items() if value}


def _message_json(message: Message) -> dict[str, str]:
    text = f"{message.severity}: {message.text}\n"
    found = {"message": text, "severity": message.severity}
    return {"urn": message.about, **found} if message.about else found
