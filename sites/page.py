"""docs/sites.md: the part between its markers is made from the results, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from sites.catalogue import ALL, HERE
from sites.results import Results, Row, first

BEGIN = "<!-- Made by `make sites ARGS=--report`. Do not edit. -->"
END = "<!-- End of what is made. -->"
PAGE = HERE.parent / "docs" / "sites.md"


def write(results: Results) -> None:
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def replaced(page: str, results: Results) -> str:
    """The page with its generated part renewed. Raises ValueError where a marker is missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no part between {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n{render(results)}\n{END}{tail}"


def cell(row: Row) -> str:
    """A row in a few words."""
    if row.unsupported:
        return "not supported"
    parts = []
    if row.differs:
        counts = (
            (len(row.wrong), "publishing"),
            (len(row.types), "types"),
            (len(row.failures), "pages"),
            (len(row.uploads), "uploads"),
        )
        parts.append("**differs**: " + ", ".join(f"{n} {what}" for n, what in counts if n))
    else:
        parts.append("same" if row.pages else "same; no pages opened")
    if row.own:
        parts.append("refused by Django as well")
    if row.same:
        errors = "error" if len(row.same) == 1 else "errors"
        parts.append(f"{len(row.same)} {errors} in pages with both")
    return "; ".join(parts)


def render(results: Results) -> str:
    rows = results.rows
    if not rows:
        return "\nNot run yet.\n"
    lines = sorted({django for _, django in rows})
    names = sorted({name for name, _ in rows} - {ALL}, key=str.lower)
    parts = ["", "| package | files | " + " | ".join(f"Django {line}" for line in lines) + " |"]
    parts.append("|---" * (len(lines) + 2) + "|")
    for name in [*names, *([ALL] if any(key[0] == ALL for key in rows) else [])]:
        found = [rows.get((name, line)) for line in lines]
        files = max((row.files for row in found if row), default=0)
        version = next((row.version for row in found if row and row.version), "")
        cells = [cell(row) if row else "not run" for row in found]
        parts.append(f"| {name} {version} | {files:,} | " + " | ".join(cells) + " |")
    for title, pick in (
        ("What differs", lambda row: row.differences() if row.differs else []),
        ("Not supported", lambda row: [row.unsupported] if row.unsupported else []),
        ("Refused by Django's own storage as well", lambda row: [row.own] if row.own else []),
        ("Errors in pages with both storages", lambda row: first(row.same)),
        ("Other hosts that pages ask", lambda row: [", ".join(row.hosts)] if row.hosts else []),
    ):
        parts += _section(title, results, pick)
    return "\n".join([*parts, ""])


def _section(title: str, results: Results, pick) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """The sentences of each package, with the Django lines that they hold for."""
    found: dict[str, dict[str, list[str]]] = {}
    for (name, django), row in sorted(results.rows.items()):
        for text in pick(row):
            found.setdefault(name, {}).setdefault(text, []).append(django)
    if not found:
        return
    yield from ("", f"## {title}", "")
    for name, texts in found.items():
        for text, lines in texts.items():
            yield f"- {name}, Django {', '.join(lines)}: {_escaped(text)}"


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "<>*_|`" else c for c in text)
