"""The lock against deletion, and the refusal of changes that it would interrupt.

Azure deletes nothing in a locked account. Deleting a resource that left the program while the lock
remains would fail with ScopeLocked, after the state had lost the lock's dependency on it; the next
run would then delete both in any order, which may fail again. So the lock's notes list the
resources that it guards: if one leaves that list, a hook refuses the update beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

import pulumi
from pulumi_azure_native import authorization

from .part import before_update, merged

# "Management Locks - Create Or Update": notes have at most 512 characters.
MOST_NOTES = 512
_NOTES = "The site's static files and uploads. Managed by Pulumi: setting 'lock'. Guards"
_GUID_TAIL = re.compile(r"(?<=-[0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def lock_account(
    name: str, account: pulumi.Output[str], guarded: Iterable[str], opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """While this lock exists, Azure refuses to delete the account or anything in it.

    `guarded` names the program's resources in the account.
    """
    return authorization.ManagementLockByScope(
        name,
        level=authorization.LockLevel.CAN_NOT_DELETE,
        scope=account,
        notes=notes(guarded),
        opts=merged(opts, before_update(name, _refuse)),
    )


def notes(guarded: Iterable[str]) -> str:
    """The lock's notes, with the names of what it guards. If they exceed Azure's limit, each is
    hashed to four hex digits, and the last ones that do not fit are left out."""
    names = sorted(_GUID_TAIL.sub("", name) for name in guarded)
    text = f"{_NOTES}: {' '.join(names)}"
    if len(text) > MOST_NOTES:
        text = f"{_NOTES} #: {' '.join(sorted(map(_digest, names)))}"
        text = text[: MOST_NOTES + 1].rpartition(" ")[0] if len(text) > MOST_NOTES else text
    return text


def left_out(old: str, new: str) -> list[str]:
    """What the old notes guard and the new ones do not."""
    digests_of_new = {digest for _, digest in _guarded(new)}
    return [name for name, digest in _guarded(old) if digest not in digests_of_new]


def _guarded(text: str) -> list[tuple[str, str]]:
    """The names in a lock's notes, each with its digest."""
    head, _, names = text.partition(": ")[2].partition(": ")
    hashed = head.endswith("#")
    return [(name, name if hashed else _digest(name)) for name in names.split()]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:4]


def _refuse(args: pulumi.ResourceHookArgs) -> None:
    before, after = args.old_inputs or {}, args.new_inputs or {}
    if gone := left_out(str(before.get("notes", "")), str(after.get("notes", ""))):
        raise pulumi.RunError(
            f"the account is locked, so Azure would refuse to delete what leaves the stack: "
            f"{', '.join(gone)}. Nothing was deleted. Remove the lock in the same update:\n"
            "    pulumi config set lock false; pulumi up\n"
            "and restore it afterwards:\n"
            "    pulumi config set lock true; pulumi up"
        )
