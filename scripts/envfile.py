"""app/.env: the stack's outputs, and the user's own lines, which are left as they are."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.files import read_text, write_atomically

BEGIN = "# The stack's outputs: 'make env' and 'make up' write these lines anew."
END = "# Yours: kept as they are."
# As a shell writes it, or PowerShell: `$NAME = 'value'`. The site reads both.
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?\$?([A-Za-z_][A-Za-z0-9_]*)\s*=")


def assigned_name(line: str) -> str | None:
    """The variable that the line assigns, None for a comment or an empty line."""
    match = _ASSIGNMENT.match(line)
    return match[1] if match else None


def merged(old: str, outputs: Mapping[str, str], defaults: Mapping[str, str]) -> str:
    """The file's new text.

    `outputs` replace the stack's earlier lines, wherever they are. `defaults` are added unless the
    user has a line of that name. All other lines stay, in their order.
    """
    # Windows editors begin a file with a byte order mark, which would hide the first name.
    lines = old.removeprefix("\ufeff").removesuffix("\n").split("\n") if old else []
    own = _own_lines(lines, outputs)
    present = {assigned_name(line) for line in own}
    added = [_line(name, value) for name, value in defaults.items() if name not in present]
    stack = [_line(name, value) for name, value in sorted(outputs.items())]
    return "\n".join([BEGIN, *stack, "", END, *own, *added]) + "\n"


def local_defaults(*, local: bool) -> dict[str, str]:
    """Settings that do not come from the stack; `local` for a site served on this machine."""
    defaults = {"DJANGO_SECRET_KEY": secrets.token_urlsafe(48)}
    if local:
        # Without it the site requires https, which is not served on this machine.
        defaults["DJANGO_DEBUG"] = "true"
    return defaults


def write(path: Path, outputs: Mapping[str, str], defaults: Mapping[str, str]) -> bool:
    """Update the file in one step, mode 0600; False if there was nothing to change.

    Raises Problem if it is not a text file.
    """
    old = read_text(path) or ""
    new = merged(old, outputs, defaults)
    if new == old:
        path.chmod(0o600)
        return False
    write_atomically(path, new)
    return True


def _line(name: str, value: str) -> str:
    """The assignment as python-dotenv reads it, and a shell if there is no `\\` or `'` in it."""
    if re.fullmatch(r"[\w@%+=:,./-]+", value, re.ASCII):
        return f"{name}={value}"
    escaped = value.replace("\\", r"\\").replace("'", r"\'")
    return f"{name}='{escaped}'"


def _own_lines(lines: Iterable[str], outputs: Mapping[str, str]) -> list[str]:
    own: list[str] = []
    in_stack_lines = False
    for line in lines:
        if line.strip() in (BEGIN, END):
            in_stack_lines = line.strip() == BEGIN
        elif assigned_name(line) in outputs:
            continue
        elif in_stack_lines and (not line.strip() or line.startswith("AZURE_")):
            continue  # an output that the stack no longer has
        else:
            own.append(line)
    return own
