"""The rules and exemptions as Markdown, for docs/security.md: `python -m policy.catalogue`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.exceptions import EXEMPTIONS
from policy.rule import MANDATORY
from policy.rules import RULES

# The controls of section 10 that no declaration of this stack can meet or violate.
ELSEWHERE = {
    "10.1.1": "file shares: the stack has none",
    "10.1.2": "file shares: the stack has none",
    "10.1.3": "file shares: the stack has none",
    "10.3.1.2": "renewing keys is done, not declared: docs/rotation.md; key-rotation-reminder says "
    "when",
    "10.3.11": "a ReadOnly lock would stop the listing of keys, and every later update",
}


def catalogue() -> str:
    """Three tables: every rule, every exemption, and the controls that are met elsewhere."""
    rows = []
    for rule in RULES:
        control, _, description = rule.description.partition(": ")
        level = (rule.enforcement_level or MANDATORY).value
        rows.append((control, f"`{rule.name}`", level, description, str(rule.remediation_steps)))
    rows.sort(key=lambda row: _order(row[0]))
    tables = [
        _table(("control", "rule", "level", "what it asks for", "to comply"), rows),
        _table(
            ("excepted rule", "where", "why", "to close it"),
            ((f"`{each.rule}`", each.where, each.reason, each.close) for each in EXEMPTIONS),
        ),
        _table(
            ("control without a rule", "why"),
            ((f"CIS {number}", why) for number, why in ELSEWHERE.items()),
        ),
    ]
    return "\n\n".join(tables) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(head), f"|{'---|' * len(head)}", *map(line, rows)])


def _order(control: str) -> list[tuple[bool, int, str]]:
    """CIS before MCSB, and 10.3.9 before 10.3.10."""
    parts = control.replace("-", ".").replace(" ", ".").split(".")
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


if __name__ == "__main__":
    print(catalogue(), end="")
