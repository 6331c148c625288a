"""What a deployment does to one resource, told to whoever displays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from localazure.engine.hooks import Hook
from localazure.engine.state import Resource
from localazure.values import Props


class Op(Enum):
    """An operation, with the sign, the plan's word and the summary's words for it."""

    SAME = (" ", "", "unchanged", "unchanged")
    CREATE = ("+", "create", "to create", "created")
    IMPORT = ("=", "import", "to import", "imported")
    READ = (">", "read", "to read", "read")
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
    """`resource` is what it becomes, or what is deleted; `old` what the state held before.

    `replaces` names the properties that make an update a replacement, `lost` the data that go with
    the old resource.
    """

    op: Op
    resource: Resource
    changes: tuple[Change, ...] = ()
    seconds: float = 0.0
    note: str = ""
    old: Resource | None = None
    replaces: tuple[str, ...] = ()
    lost: str = ""

    @property
    def options(self) -> tuple[Change, ...]:
        """Options that change: they are the engine's alone, so a step may have nothing else."""
        if self.old is None or self.op in (Op.DELETE, Op.FORGET):
            return ()
        pairs = (
            ("protect", self.old.protect, self.resource.protect),
            ("retainOnDelete", self.old.retain_on_delete, self.resource.retain_on_delete),
        )
        return tuple(Change(name, "update", old, new) for name, old, new in pairs if old != new)


@dataclass
class Goal:
    """What the program asks for in one registration; `aliases` are URNs it may have had before."""

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
    import_id: str = ""
    aliases: tuple[str, ...] = ()
    before_update: tuple[Hook, ...] = ()


@dataclass(frozen=True)
class Message:
    """What the program, or the engine about it, wants read: `severity` is `info`, `warning` or
    `error`; `about` a resource's name, or empty."""

    severity: str
    text: str
    about: str = ""

    def __str__(self) -> str:
        about = f" ({self.about})" if self.about else ""
        return f"{self.severity}{about}: {self.text}"


def _unheard(message: Message) -> None:
    pass


@dataclass(frozen=True)
class Listener:
    """Who is told of each finished step, of a wait while one is under way, and of messages."""

    step: Callable[[Step], None]
    notice: Callable[[str], None]
    message: Callable[[Message], None] = _unheard
