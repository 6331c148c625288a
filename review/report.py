"""A preview as Markdown for a review: risks first, then every change, property by property."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from review.changes import Change, changes_at, leaves
from review.markdown import LIMIT, code, cut, fenced, shown, shown_pair, table
from review.preview import STACK_TYPE, Op, Preview, State, Step
from review.risks import manual_changes, risks

_NOTHING = ""


def report(preview: Preview, limit: int = LIMIT) -> str:
    """What an update would do. The first line is an invisible comment for tools to find it by."""
    steps = _reported(preview)
    found = risks(preview)
    lines = [
        f"<!-- {re.sub(r'[^A-Za-z0-9_.-]', '', preview.project)} preview -->",
        f"## Preview of stack {code(preview.stack)}",
        "",
        summary(preview, len(found)),
    ]
    if preview.failure:
        lines += ["", "`up` would stop in the same way:", "", *fenced(preview.failure)]
    lines += _list("### Risks", found)
    lines += [*_messages(preview), *_changes(steps, ("old", "new")), *_options(steps)]
    if not preview.failure:  # a program that failed has not exported everything
        lines += _outputs(preview.steps)
    return _cut(lines, preview, limit)


def drift(preview: Preview, limit: int = LIMIT) -> str:
    """How Azure differs from what the program declares, given a preview with a refresh."""
    manual = manual_changes(preview)
    updating = [risk for risk in risks(preview) if risk not in manual]
    lines = [
        f"## Drift of stack {code(preview.stack)}",
        "",
        f"An update would change it back: {summary(preview, len(manual) + len(updating))}",
        *_list("### Risks of manual changes", manual),
        *_list("### Risks of an update", updating),
        *_messages(preview),
        *_changes(_reported(preview), ("in Azure", "declared")),
        *_options(preview.steps),
    ]
    return _cut(lines, preview, limit)


def summary(preview: Preview, found: int) -> str:
    """The counts in one line, and the number of risks."""
    counts = Counter(step.op for step in _reported(preview))
    parts = [f"{counts[op]} {op}" for op in Op if counts[op] and op is not Op.SAME]
    risky = f" {found} risk{'s' * (found > 1)}." if found else ""
    if preview.failure:
        after = f", after: {', '.join(parts)}" if parts else ""
        return f"**The preview stopped before its end{after}.**{risky}"
    if not parts:
        has_options = any(step.options for step in preview.steps)
        parts = ["options only" if has_options else "nothing to do"]
    if preview.unchanged:
        parts.append(f"{preview.unchanged} {Op.SAME}")
    return f"**{', '.join(parts).capitalize()}.**{risky or ' No risks found.'}"


def _reported(preview: Preview) -> list[Step]:
    """If the preview failed, its components say nothing: they only group other resources."""
    return [s for s in preview.steps if s.resource.custom or not preview.failure]


def _cut(lines: Iterable[str], preview: Preview, limit: int) -> str:
    stack = f"--stack {preview.stack}"
    note = (
        "**The rest is left out**, because it is longer than a comment may be. To see all of it: "
        f"{code(f'pulumi preview --diff {stack}')}, or without Azure "
        f"{code(f'python -m localazure preview {stack}')}."
    )
    return cut("\n".join(lines) + "\n", note, limit)


def _list(heading: str, sentences: Iterable[str]) -> list[str]:
    rows = [f"- {sentence}" for sentence in sentences]
    return ["", heading, "", *rows] if rows else []


def _messages(preview: Preview) -> Iterator[str]:
    for message in preview.messages:
        yield ""
        yield from fenced(str(message))


def _changes(steps: Iterable[Step], sides: tuple[str, str]) -> Iterator[str]:
    """Every change, in a section for each operation."""
    for op in Op:
        found = [step for step in steps if step.op is op]
        title = f"{str(op).capitalize()}: {len(found)}"
        if not found or op is Op.SAME:
            continue
        if op is Op.CREATE:
            yield from ("", f"<details><summary>{title}</summary>")
            yield from table(("resource", "property", "value"), _rows(found, _created))
            yield from ("", "</details>")
            continue
        yield from ("", f"### {title}")
        if op in (Op.UPDATE, Op.REPLACE):
            yield from table(("resource", "property", *sides), _rows(found, _changed))
        else:
            yield ""
            for step in found:
                yield from _listed(step)


def _rows(steps: Iterable[Step], cells: Callable[[Step], list[list[str]]]) -> Iterator[list[str]]:
    """The resource is named only in the first of its rows."""
    for step in steps:
        name = _named(step.resource)
        for row in cells(step):
            yield [name, *row]
            name = _NOTHING


def _created(step: Step) -> list[list[str]]:
    inputs = step.resource.inputs if step.resource.custom else {}
    rows = [
        [code(path), shown(value)]
        for path, value in leaves("", inputs)
        if not path.startswith("__")
    ]
    return rows or [[_NOTHING, _NOTHING]]


def _changed(step: Step) -> list[list[str]]:
    rows = []
    for change in _spread(step.changes):
        forced = " (needs a new resource)" if change.path in step.replaces else ""
        rows.append([f"{code(change.path)}{forced}", *_values(change)])
    return rows or [[_NOTHING, _NOTHING, _NOTHING]]


def _spread(changes: Iterable[Change]) -> Iterator[Change]:
    """A whole object that is added or deleted, as one change for each value in it."""
    for change in changes:
        whole = change.new if change.kind == "add" else change.old
        if change.kind == "update" or not isinstance(whole, dict | list):
            yield change
            continue
        for path, value in leaves(change.path, whole):
            old, new = (None, value) if change.kind == "add" else (value, None)
            yield Change(path, change.kind, old, new)


def _listed(step: Step) -> Iterator[str]:
    has_id = step.op in (Op.IMPORT, Op.READ)
    yield f"- {_named(step.resource)}" + (f": {code(step.resource.id, 400)}" if has_id else "")
    for change in _spread(step.changes):
        there, declared = _values(change)
        yield f"  - {code(change.path)}: in Azure {there or '–'}, declared {declared or '–'}"


def _named(state: State) -> str:
    return f"{code(state.name)} {code(state.type.rpartition(':')[2])}"


def _values(change: Change) -> tuple[str, str]:
    if change.kind == "add":
        return _NOTHING, shown(change.new)
    if change.kind == "delete":
        return shown(change.old), _NOTHING
    return shown_pair(change.old, change.new)


def _options(steps: Iterable[Step]) -> list[str]:
    found: dict[Change, list[str]] = {}
    for step in steps:
        for change in step.options:
            found.setdefault(change, []).append(code(step.resource.name))
    return _list(
        "### Options",
        (
            f"{code(change.path)}: {shown(change.old)} → {shown(change.new)} for {', '.join(names)}"
            for change, names in found.items()
        ),
    )


def _outputs(steps: Iterable[Step]) -> list[str]:
    """The stack's outputs. The Pulumi CLI's JSON does not have the new ones."""
    for step in steps:
        if step.resource.type == STACK_TYPE and step.new and step.diff:
            old = step.old.outputs if step.old else {}
            changes = changes_at(step.diff, old, step.new.outputs)
            rows = ([code(change.path), *_values(change)] for change in changes)
            return ["", "### Outputs", *table(("output", "old", "new"), rows)]
    return []
