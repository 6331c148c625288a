"""Paths to properties, as `ignore_changes` and `replace_on_changes` name them.

For example `cors`, `sku.name`, `cors.corsRules[0].maxAgeInSeconds`, `tags["a.b"]`, and `*` for
everything at its level. The rules are those of Pulumi's engine (`PropertyPath` in its Go SDK).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from localazure.errors import LocalAzureError
from localazure.values import Props

Path = tuple[str | int, ...]

_PART = re.compile(r"""\[(?:(\d+)|(\*)|"((?:[^"\\]|\\.)*)")\]|\.?([^.\[\]"]+)""")


def parsed(text: str) -> Path:
    """Raises LocalAzureError if the text is not a path."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if not found:
            raise LocalAzureError(
                f"'{text}' is no path to a property: for example sku.name, or tags[\"a.b\"]"
            )
        index, star, quoted, bare = found.groups()
        parts.append(
            int(index)
            if index
            else star or bare or re.sub(r"\\(.)", r"\1", "" if quoted is None else quoted)
        )
        position = found.end()
    return tuple(parts)


def parts(text: str) -> Path:
    """A path from a diff. Its keys are user input, so nothing is refused."""
    found = re.findall(r"[^.\[\]]+", text)
    return tuple(int(part) if part.isdecimal() else part for part in found)


def covers(path: Path, other: Path) -> bool:
    """Whether `other` is `path` or is below it."""
    if len(other) < len(path):
        return False
    return all(mine in ("*", theirs) for mine, theirs in zip(path, other, strict=False))


def ignoring(wanted: Props, kept: Props, ignored: Iterable[str]) -> Props:
    """`wanted` with the ignored properties as in `kept`, or absent if they are absent there.

    Raises LocalAzureError, as Pulumi does, if a path does not exist in one of the two.
    """
    result: Props = copy.deepcopy(wanted)
    lost = [text for text in ignored if not _reset(kept, result, parsed(text))]
    if lost:
        raise LocalAzureError(
            "cannot ignore changes to the following properties because one or more elements of "
            f"the path are missing: {', '.join(lost)}. Name a property above them in "
            "ignore_changes"
        )
    return result


def _reset(old: Any, new: Any, path: Path) -> bool:
    """Set `new` at `path`, in place, to the value in `old`; False if that is impossible."""
    key, below = path[0], path[1:]
    if key == "*":
        return _reset_all(old, new, below)
    if isinstance(key, int):
        return _reset_item(old, new, key, below)
    return _reset_key(old, new, key, below)


def _reset_key(old: Any, new: Any, key: str, below: Path) -> bool:
    mine, theirs = isinstance(old, dict), isinstance(new, dict)
    has_old, has_new = mine and key in old, theirs and key in new
    if not below:
        if has_old and theirs:
            new[key] = copy.deepcopy(old[key])
        elif has_new:
            del new[key]
        return theirs or not has_old
    if not (mine and theirs):
        return not mine and not theirs
    if has_new:
        return _reset(old.get(key), new[key], below)
    return not has_old


def _reset_item(old: Any, new: Any, index: int, below: Path) -> bool:
    mine, theirs = isinstance(old, list), isinstance(new, list)
    if not (mine and theirs):
        return not mine and not theirs
    has_old, has_new = index < len(old), index < len(new)
    if not has_old or not has_new:
        # An item cannot be added or removed without moving the others.
        return not below and not has_old and not has_new
    if below:
        return _reset(old[index], new[index], below)
    new[index] = copy.deepcopy(old[index])
    return True


def _reset_all(old: Any, new: Any, below: Path) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        if not below:
            new.clear()
            new.update(copy.deepcopy(old))
            return True
        return all(key in new and _reset(old[key], new[key], below) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return False
        if not below:
            new[:] = copy.deepcopy(old)
            return True
        return all(_reset(mine, theirs, below) for mine, theirs in zip(old, new, strict=True))
    return not below and isinstance(new, dict | list)
