"""What a deployment does to one resource, told to whoever displays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from localazure.engine.state import Resource
from localazure.values import Props


class Op(Enum):
    """An operation, with the sign, the plan's word and the summary's words for it."""

    SAME = (" ", "", "unchanged", "unchanged")
    CREATE = ("+", "create", "to create", "created")
    UPDATE = ("~", "update", "to update", "updated")
    REPLACE = ("+-", "replace", "to replace", "replaced")
    DELETE = ("-", "delete", "to delete", "deleted")
    FORGET = ("-", "retain", "to retain", "retained")

    def __init__(self, sign: str, verb: str, planned: str, done: str) -> None:
        self.sign = sign
        self.verb = verb
        self.planned = planned
        self.done = done


@dataclass(frozen=True)
class Change:
    """One property's change: `kind` is `add`, `update` or `delete`; secrets are masked already."""

    path: str
    kind: str
    old: object
    new: object


@dataclass(frozen=True)
class Step:
    op: Op
    resource: Resource
    changes: tuple[Change, ...] = ()
    seconds: float = 0.0
    note: str = ""


@dataclass
class Goal:
    """What the program asks for in one registration."""

    type: str
    name: str
    parent: str
    custom: bool
    inputs: Props
    dependencies: list[str] = field(default_factory=list)
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    delete_before_replace: bool | None = None
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    """Who is told of each finished step, and of a wait while one is under way."""

    step: Callable[[Step], None]
    notice: Callable[[str], None]
