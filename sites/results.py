"""The results: one row a package and Django, kept as JSON between runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

_SHOWN = 4


@dataclass
class Row:
    """`unsupported` says why the package does not run with this Django, without our app as well.
    `own` is what Django's own collectstatic fails with. The lists are of sentences: `wrong` of what
    was published, `types` of content types, `failures` of pages that fail here and not with
    Django's own storage, `same` of those that fail with both, `uploads` of media."""

    package: str
    version: str
    django: str
    python: str = ""
    unsupported: str = ""
    own: str = ""
    files: int = 0
    blobs: int = 0
    plain: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    pages: int = 0
    failures: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The release line of Django: 5.2 of 5.2.19."""
        return ".".join(self.django.split(".")[:2])

    @property
    def differs(self) -> bool:
        """Whether anything is other than with Django's own storage."""
        return bool(self.wrong or self.types or self.failures or self.uploads)

    def differences(self) -> list[str]:
        """What differs, or why the package is not supported; of each kind the first few."""
        found = [self.unsupported] if self.unsupported else []
        for kind in (self.wrong, self.types, self.failures, self.uploads):
            found += first(kind)
        return found


def first(texts: list[str]) -> list[str]:
    """The first few, and how many more there are: an editor that lacks a folder fails 40 times."""
    if len(texts) <= _SHOWN + 1:
        return texts
    return [*texts[:_SHOWN], f"and {len(texts) - _SHOWN} more of this kind"]


class Results:
    """The rows of all runs so far; a later run of the same package and Django replaces its row."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.rows: dict[tuple[str, str], Row] = {}
        if file.exists():
            for entry in json.loads(file.read_text(encoding="utf-8")):
                self._put(Row(**entry))

    def _put(self, row: Row) -> None:
        self.rows[row.package, row.line] = row

    def keep(self, row: Row) -> None:
        self._put(row)
        self.write(self._file)

    def write(self, file: Path) -> None:
        rows = [asdict(self.rows[key]) for key in sorted(self.rows)]
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        new.replace(file)
