"""Property changes as a reader sees them: paths with both values, secrets masked."""

from __future__ import annotations

import re
from typing import Any

from localazure.engine.steps import Change
from localazure.provider.provider import Diff
from localazure.values import Props, masked

SECRET = "[secret]"


def changes_of(diff: Diff, old: Props, new: Props) -> tuple[Change, ...]:
    """One Change a path of the provider's diff, values looked up in the inputs.

    What is secret on one side is shown on neither: it may be the same value.
    """
    shown_old, shown_new = masked(old), masked(new)
    changes = []
    for path, kind in sorted(diff.changes.items()):
        before, after = value_at(shown_old, path), value_at(shown_new, path)
        if SECRET in (before, after):
            before, after = SECRET, SECRET
        changes.append(Change(path, kind, before, after))
    return tuple(changes)


def value_at(value: Any, path: str) -> Any:
    """The value at a path such as `cors.corsRules[0].allowedOrigins`, or None.

    A secret covers all that lies below it. A key may have dots in it, as a tag's may.
    """
    if not path or value == SECRET:
        return value
    if isinstance(value, list):
        index = re.match(r"\[(\d+)\]\.?", path)
        if not index or int(index[1]) >= len(value):
            return None
        return value_at(value[int(index[1])], path[index.end() :])
    if isinstance(value, dict):
        for key in sorted(value, key=len, reverse=True):
            if path == key:
                return value[key]
            if path.startswith((f"{key}.", f"{key}[")):
                return value_at(value[key], path[len(key) :].removeprefix("."))
    return None


def top(path: str) -> str:
    """The property of the resource that a path begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
