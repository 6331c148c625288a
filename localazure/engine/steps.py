"""What a deployment does to one resource, for the display and for previews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from localazure.engine.hooks import Hook
from localazure.engine.state import Resource
from localazure.provider.provider import Diff
from localazure.values import Props, has_secret, printable
from review.changes import SECRET, Change, changes_at
from review.preview import Message


class Op(Enum):
    """An operation: its sign, its verb in a plan, its word in a summary, and its colour."""

    SAME = (" ", "", "unchanged", "")
    CREATE = ("+", "create", "created", "32")
    IMPORT = ("=", "import", "imported", "32")
    READ = (">", "read", "read", "36")
    UPDATE = ("~", "update", "updated", "33")
    REPLACE = ("+-", "replace", "replaced", "35")
    DELETE = ("-", "delete", "deleted", "31")
    FORGET = ("-", "retain", "retained", "31")

    def __init__(self, sign: str, verb: str, done: str, color: str) -> None:
        self.sign = sign
        self.verb = verb
        self.done = done
        self.color = color


@dataclass(frozen=True)
class Step:
    """`resource` is the resource afterwards, or the one that is deleted; `old` is what the state
    had before.

    `replaces` names the properties that make an update a replacement, `lost` the data that is
    deleted with the old resource.
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
        """Changed resource options. Only the engine uses them, so a step may have no other
        change."""
        if self.old is None or self.op in (Op.IMPORT, Op.DELETE, Op.FORGET):
            return ()
        pairs = (
            ("protect", self.old.protect, self.resource.protect),
            ("retainOnDelete", self.old.retain_on_delete, self.resource.retain_on_delete),
        )
        return tuple(Change(name, "update", old, new) for name, old, new in pairs if old != new)


@dataclass
class Goal:
    """What the program asks for in one registration. `aliases` are URNs that the resource may have
    had before."""

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


def changes_of(diff: Diff, old: Props, new: Props) -> tuple[Change, ...]:
    """The changes in a provider's diff, with secrets masked."""
    return changes_at(diff.changes, printable(old), printable(new))


def output_changes(before: Props, after: Props) -> tuple[Change, ...]:
    """The changes in a stack's outputs, with secrets masked."""
    kinds = dict.fromkeys(before.keys() - after.keys(), "delete")
    kinds |= dict.fromkeys(after.keys() - before.keys(), "add")
    kinds |= {k: "update" for k in before.keys() & after.keys() if before[k] != after[k]}
    shown, old, new = [], printable(before), printable(after)
    for key, kind in sorted(kinds.items()):
        pair = old.get(key), new.get(key)
        if has_secret(before.get(key)) or has_secret(after.get(key)):
            pair = SECRET, SECRET
        shown.append(Change(key, kind, *pair))
    return tuple(shown)


def _ignored(message: Message) -> None:
    pass


@dataclass(frozen=True)
class Listener:
    """Called with each finished step, with notices while one is in progress, and with messages."""

    step: Callable[[Step], None]
    notice: Callable[[str], None]
    message: Callable[[Message], None] = _ignored
