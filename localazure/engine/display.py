"""Plans and results as the Pulumi CLI shows them: signs, a tree, property changes, counts."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from typing import TextIO

from localazure.engine.steps import Op, Step, output_changes
from localazure.values import Props
from review.changes import UNKNOWN, Change
from review.preview import Message

_SEVERITY_COLORS = {"warning": "33", "error": "31"}
_UNKNOWN_TEXT = "output<unknown>"


class Display:
    """Prints to `stream`, in colour only on a terminal and without NO_COLOR."""

    def __init__(self, stream: TextIO | None = None) -> None:
        stream = stream or sys.stdout
        self._stream = stream
        self._color = stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, text: str = "") -> None:
        print(text, file=self._stream, flush=True)

    def message(self, message: Message) -> None:
        """A message of the program from `pulumi.log`."""
        severity, rest = message.severity, str(message).removeprefix(message.severity)
        color = _SEVERITY_COLORS.get(severity, "")
        self.line(f"{self._colored(color, severity)}{rest}")

    def plan(self, steps: list[Step]) -> None:
        """Every changed resource as a tree, each followed by its property changes."""
        rows = _tree(steps)
        width = max((len(label) for label, _ in rows), default=0)
        names = max((len(step.resource.name) for _, step in rows), default=0)
        for label, step in rows:
            sign = self._paint(step.op, f"{step.op.sign:>2}")
            verb = self._paint(step.op, step.op.verb)
            self.line(f" {sign} {label:<{width}}  {step.resource.name:<{names}}  {verb}".rstrip())
            self._changes(step)
            self._loss(step, "what would be lost")

    def progress(self, step: Step) -> None:
        """One finished step, while a deployment runs."""
        if step.op is Op.SAME:
            return
        sign = self._paint(step.op, f"{step.op.sign:>2}")
        note = f", {step.note}" if step.note else ""
        done = f"{step.op.done} ({step.seconds:.1f} s{note})"
        self.line(
            f" {sign} {step.resource.type}  {step.resource.name}  {self._paint(step.op, done)}"
        )
        self._changes(step)
        self._loss(step, "lost")

    def options(self, steps: list[Step]) -> None:
        """Changed resource options, which only the stack's state records."""
        found: dict[str, list[str]] = {}
        for step in steps:
            for change in step.options:
                found.setdefault(_change(change), []).append(step.resource.name)
        if found:
            self.line("\nOptions:")
            for text, names in found.items():
                self.line(self._paint(Op.UPDATE, f"  ~ {text}") + f"  ({', '.join(names)})")

    def outputs(self, old: Props, new: Props) -> None:
        """The changes in the stack's outputs, if there are any."""
        changes = output_changes(old, new)
        if changes:
            self.line("\nOutputs:")
            for change in changes:
                self._change("  ", change)

    def summary(self, steps: list[Step], *, planned: bool) -> None:
        counts = Counter(step.op for step in steps)
        self.line("\nResources:")
        for op in Op:
            if counts[op] and op is not Op.SAME:
                words = f"to {op.verb}" if planned else op.done
                self.line(self._paint(op, f"    {op.sign} {counts[op]} {words}"))
        if counts[Op.SAME]:
            self.line(f"    {counts[Op.SAME]} unchanged")
        if not steps:
            self.line("    none")

    def _changes(self, step: Step) -> None:
        for change in step.changes:
            self._change("      ", change)

    def _change(self, indent: str, change: Change) -> None:
        op = {"add": Op.CREATE, "update": Op.UPDATE, "delete": Op.DELETE}[change.kind]
        self.line(self._paint(op, f"{indent}{op.sign} {_change(change)}"))

    def _loss(self, step: Step, words: str) -> None:
        if step.lost:
            self.line(self._paint(Op.DELETE, f"      ! {words}: {step.lost}"))

    def _paint(self, op: Op, text: str) -> str:
        return self._colored(op.color, text)

    def _colored(self, color: str, text: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._color and color else text


def _change(change: Change) -> str:
    if change.kind == "add":
        return f"{change.path}: {_shown(change.new)}"
    if change.kind == "delete":
        return f"{change.path}: {_shown(change.old)}"
    return f"{change.path}: {_shown(change.old)} => {_shown(change.new)}"


def _shown(value: object) -> str:
    if value == UNKNOWN:
        return _UNKNOWN_TEXT
    return json.dumps(value).replace(UNKNOWN, _UNKNOWN_TEXT)


def _tree(steps: list[Step]) -> list[tuple[str, Step]]:
    """The changed resources and their parents, children below their parents."""
    by_urn = {step.resource.urn: step for step in steps}
    shown: set[str] = set()
    for step in steps:
        if step.op is not Op.SAME:
            urn: str = step.resource.urn
            while urn and urn not in shown:
                shown.add(urn)
                urn = by_urn[urn].resource.parent if urn in by_urn else ""
    visible = [step for step in steps if step.resource.urn in shown]
    rows: list[tuple[str, Step]] = []

    def parent_of(step: Step) -> str:
        return step.resource.parent if step.resource.parent in by_urn else ""

    def descend(parent: str, indent: str) -> None:
        children = [step for step in visible if parent_of(step) == parent]
        for number, step in enumerate(children):
            last = number == len(children) - 1
            branch = "" if parent == "" else ("└─ " if last else "├─ ")
            rows.append((f"{indent}{branch}{step.resource.type}", step))
            descend(step.resource.urn, indent + ("" if parent == "" else "   " if last else "│  "))

    descend("", "")
    return rows
