"""Property changes as a reader sees them: paths with both values, secrets masked."""

from __future__ import annotations

import re
from typing import Any

from localazure.engine.steps import Change
from localazure.provider.provider import Diff
from localazure.values import Props, masked


def changes_of(diff: Diff, old: Props, new: Props) -> tuple[Change, ...]:
    """One Change a path of the provider's diff, values looked up in the inputs."""
    shown_old, shown_new = masked(old), masked(new)
    return tuple(
        Change(path, kind, value_at(shown_old, path), value_at(shown_new, path))
        for path, kind in sorted(diff.changes.items())
    )


def value_at(props: Props, path: str) -> Any:
    """The value at a path such as `cors.corsRules[0].allowedOrigins`, or None.

    A secret covers all that lies below it.
    """
    value: Any = props
    for part in re.findall(r"[^.\[\]]+", path):
        if value == "[secret]":
            return value
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value
