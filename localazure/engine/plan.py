"""What a preview found: the steps that `up` would take, and what the program said."""

from __future__ import annotations

from dataclasses import dataclass, field

from localazure.engine.steps import Message, Op, Step
from localazure.values import Props

# The order in which operations are counted and listed.
OPS = (Op.CREATE, Op.IMPORT, Op.READ, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.FORGET)


@dataclass
class Plan:
    """`failure` says why the preview stopped before its end; `steps` are those up to there."""

    project: str
    stack: str
    steps: list[Step] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    outputs_before: Props = field(default_factory=dict)
    outputs_after: Props = field(default_factory=dict)
    failure: str = ""

    @property
    def changes_anything(self) -> bool:
        """Whether `up` has something to do, if only to write down an option."""
        return (
            any(step.op is not Op.SAME or _is_noted_anew(step) for step in self.steps)
            or self.outputs_before != self.outputs_after
        )


def _is_noted_anew(step: Step) -> bool:
    old, new = step.old, step.resource
    return old is not None and (
        (old.protect, old.retain_on_delete, old.deleted_with, old.parent, old.dependencies)
        != (new.protect, new.retain_on_delete, new.deleted_with, new.parent, new.dependencies)
    )
