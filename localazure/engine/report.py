"""A plan as Markdown for a review: risks first, then every change, property by property."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from localazure.engine.diffs import SECRET
from localazure.engine.markdown import (
    LIMIT,
    Section,
    code,
    fenced,
    page,
    shown,
    shown_pair,
    table,
)
from localazure.engine.order import levels
from localazure.engine.plan import OPS, Plan
from localazure.engine.risks import risks
from localazure.engine.steps import Change, Op, Step
from localazure.values import Props, has_secret, masked

_NOTHING = ""


def report(plan: Plan, limit: int = LIMIT) -> str:
    """The page; its first line is a comment that nobody sees, by which a tool finds it again."""
    # Of a run that stopped early, what groups others says nothing.
    steps = in_order(s for s in plan.steps if s.resource.custom or not plan.failure)
    found = risks(steps)
    sections = [
        Section(
            [
                f"<!-- {re.sub(r'[^A-Za-z0-9_.-]', '', plan.project)} preview -->",
                f"## Preview of stack {code(plan.stack)}",
                "",
                summary(steps, plan.failure, len(found)),
            ]
        )
    ]
    if plan.failure:
        sections.append(
            Section(["", "`up` would stop in the same way:", "", *fenced(plan.failure)])
        )
    if found:
        sections.append(Section(["", "### Risks", ""], [f"- {risk}" for risk in found]))
    for message in plan.messages:
        sections.append(Section(["", *fenced(str(message))]))
    for op in OPS:
        sections += _operation(op, [step for step in steps if step.op is op])
    sections += [*_options(steps), *_outputs(plan.outputs_before, plan.outputs_after, plan.failure)]
    note = (
        "**The rest is left out**: it is longer than a comment may be. All of it prints "
        f"{code(f'python -m localazure preview --stack {plan.stack}')}."
    )
    return page(sections, limit, note)


def summary(steps: list[Step], failure: str, risks_found: int) -> str:
    """One line: the counts of the terminal's summary, and how many risks there are."""
    counts = Counter(step.op for step in steps)
    parts = [f"{counts[op]} {op.planned}" for op in OPS if counts[op]]
    found = f"{risks_found} risk{'s' * (risks_found > 1)}." if risks_found else ""
    if failure:
        after = f", after: {', '.join(parts)}" if parts else ""
        return f"**The preview stopped before its end{after}.** {found}".rstrip()
    if not parts:
        noted = any(step.options for step in steps)
        parts = ["options only" if noted else "nothing to do"]
    if counts[Op.SAME]:
        parts.append(f"{counts[Op.SAME]} unchanged")
    text = ", ".join(parts)
    return f"**{text[0].upper()}{text[1:]}.** {found or 'No risks found.'}"


def in_order(steps: Iterable[Step]) -> list[Step]:
    """What is stood on first, then by type and name: registrations race, a report must not."""
    given = list(steps)
    level = levels(step.resource for step in given)

    def key(step: Step) -> tuple[int, str, str]:
        return level[step.resource.urn], step.resource.type, step.resource.name

    return sorted(given, key=key)


def _operation(op: Op, steps: list[Step]) -> list[Section]:
    if not steps:
        return []
    title = f"{op.planned[0].upper()}{op.planned[1:]}: {len(steps)}"
    if op is Op.CREATE:
        made = table(("resource", "property", "value"), _rows(steps, _created))
        made.head = ["", f"<details><summary>{title}</summary>", *made.head]
        made.tail = ["", "</details>"]
        return [made]
    heading = Section(["", f"### {title}"])
    if op in (Op.UPDATE, Op.REPLACE):
        return [heading, table(("resource", "property", "old", "new"), _rows(steps, _changed))]
    return [heading, Section([""], [line for step in steps for line in _listed(step)])]


def _rows(steps: list[Step], cells: Any) -> Iterable[list[str]]:
    """The resource stands in the first of its rows only."""
    for step in steps:
        name = f"{code(step.resource.name)} {code(step.resource.type.rpartition(':')[2])}"
        for row in cells(step):
            yield [name, *row]
            name = _NOTHING


def _created(step: Step) -> list[list[str]]:
    inputs = masked(step.resource.inputs) if step.resource.custom else {}
    leaves = sorted(_leaves("", inputs), key=lambda leaf: _natural(leaf[0]))
    rows = [[code(path), shown(value)] for path, value in leaves if not path.startswith("__")]
    return rows or [[_NOTHING, _NOTHING]]


def _changed(step: Step) -> list[list[str]]:
    rows = []
    for change in _spread(step.changes):
        forced = " (needs a new one)" if change.path in step.replaces else ""
        rows.append([f"{code(change.path)}{forced}", *_values(change)])
    return rows or [[_NOTHING, _NOTHING, _NOTHING]]


def _spread(changes: Iterable[Change]) -> Iterable[Change]:
    """A whole object that comes or goes, as one change for each value in it."""
    for change in changes:
        whole = change.new if change.kind == "add" else change.old
        if change.kind == "update" or not isinstance(whole, dict | list):
            yield change
            continue
        for path, value in sorted(_leaves(change.path, whole), key=lambda leaf: _natural(leaf[0])):
            old, new = (None, value) if change.kind == "add" else (value, None)
            yield Change(path, change.kind, old, new)


def _listed(step: Step) -> list[str]:
    lines = [f"- {code(step.resource.name)} {code(step.resource.type.rpartition(':')[2])}"]
    if step.op in (Op.IMPORT, Op.READ):
        lines[0] += f": {code(step.resource.id, 400)}"
    for change in _spread(step.changes):
        there, declared = _values(change)
        lines.append(f"  - {code(change.path)}: there {there or '–'}, declared {declared or '–'}")
    return lines


def _values(change: Change) -> tuple[str, str]:
    if change.kind == "add":
        return _NOTHING, shown(change.new)
    if change.kind == "delete":
        return shown(change.old), _NOTHING
    return shown_pair(change.old, change.new)


def _options(steps: list[Step]) -> list[Section]:
    """Options are the engine's alone: nothing in Azure changes with them."""
    found: dict[tuple[str, object, object], list[str]] = {}
    for step in steps:
        for change in step.options:
            key = change.path, change.old, change.new
            found.setdefault(key, []).append(code(step.resource.name))
    rows = [
        f"- {code(path)}: {shown(old)} → {shown(new)} for {', '.join(names)}"
        for (path, old, new), names in found.items()
    ]
    return [Section(["", "### Options", ""], rows)] if rows else []


def _outputs(before: Props, after: Props, failure: str) -> list[Section]:
    if failure:
        return []  # a program that did not come to its end has exported nothing yet
    rows = []
    for key in sorted({*before, *after}):
        old, new = masked(before.get(key)), masked(after.get(key))
        if has_secret(before.get(key)) or has_secret(after.get(key)):
            old = new = SECRET
        if key not in before:
            rows.append([code(key), _NOTHING, shown(new)])
        elif key not in after:
            rows.append([code(key), shown(old), _NOTHING])
        elif before[key] != after[key]:
            rows.append([code(key), *shown_pair(old, new)])
    if not rows:
        return []
    return [Section(["", "### Outputs"]), table(("output", "old", "new"), rows)]


def _leaves(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Every value with its path; lists of plain values are one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    elif path and value is not None:
        yield path, value


def _natural(path: str) -> list[tuple[int, str]]:
    """By which the tenth element of a list comes after the second."""
    parts = re.split(r"(\d+)", path)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
