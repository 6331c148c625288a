"""Property values, the paths to them, and how two sets of values differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# How Pulumi's JSON shows a secret, and a value that is known only after the update (pulumi/pulumi,
# sdk/go/common/resource/plugin/rpc.go).
SECRET = "[secret]"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Change:
    """One property's change: `kind` is `add`, `update` or `delete`."""

    path: str
    kind: str
    old: Any
    new: Any


def changes_at(paths: Mapping[str, str], old: Any, new: Any) -> tuple[Change, ...]:
    """The change at each path, given the kind of each.

    If one side is secret, neither is shown: the value may not have changed.
    """
    changes = []
    for path, kind in sorted(paths.items()):
        before, after = value_at(old, path), value_at(new, path)
        if SECRET in (before, after):
            before = after = SECRET
        changes.append(Change(path, kind, before, after))
    return tuple(changes)


def differences(old: Any, new: Any) -> dict[str, str]:
    """The kind of each change between two sets of values, by the path of the value in it."""
    before, after = dict(leaves("", old)), dict(leaves("", new))
    kinds = dict.fromkeys(before.keys() - after.keys(), "delete")
    kinds |= dict.fromkeys(after.keys() - before.keys(), "add")
    both = before.keys() & after.keys()
    return kinds | {path: "update" for path in both if before[path] != after[path]}


def value_at(value: Any, path: str) -> Any:
    """The value at a path such as `cors.corsRules[0].allowedOrigins`, or None.

    A secret stands for everything inside it. A key may contain dots, as a tag's may.
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


def leaves(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Every value with its path, in a stable order; a list of plain values is one value."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from leaves(f"{path}.{key}" if path else key, value[key])
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from leaves(f"{path}[{index}]", item)
    elif path and value is not None:
        yield path, value


def top(path: str) -> str:
    """The property of the resource that a path begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
