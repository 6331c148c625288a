"""The record of a run: what happened to each file, counted for people and written as JSON lines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TextIO

from azureblob.names import shown
from azureblob.progress import amount

_SHOWN = 20


class Outcome(Enum):
    """What happened to a file. The values are written to the JSON lines."""

    DONE = "done"
    PRETENDED = "pretended"
    SAME = "same"
    HEADERS_FIXED = "headers fixed"
    HIDDEN = "hidden"
    # The following are listed one by one, with the reason.
    CONFLICT = "conflict"
    FAILED = "failed"
    INVALID_NAME = "unfit name"
    LEFT_OUT = "left out"
    DIFFERS = "differs"
    HEADERS_DIFFER = "headers differ"
    MISSING = "reference without a file"
    UNREFERENCED = "unreferenced"
    SAME_NAME = "twins"
    UNPROVEN = "unproven"
    EXTRA = "not in the folder"


_HEADINGS = {
    Outcome.CONFLICT: "A different file of this name exists already; --overwrite replaces it",
    Outcome.FAILED: "These failed",
    Outcome.INVALID_NAME: "These names cannot be used; rename the file and what refers to it",
    Outcome.LEFT_OUT: "These were left out",
    Outcome.DIFFERS: "These differ from the folder",
    Outcome.HEADERS_DIFFER: (
        "These have other headers than the site would set; --fix-headers corrects them"
    ),
    Outcome.MISSING: "These database references have no file",
    Outcome.UNREFERENCED: "No model refers to these",
    Outcome.SAME_NAME: "macOS and Windows treat these as one name",
    Outcome.UNPROVEN: "These have no stored MD5, and only their size was compared",
    Outcome.EXTRA: "These are in the container and not in the folder",
}
# Printed for each file at verbosity 2.
_LINES = {
    Outcome.DONE: "Moved '{}'",
    Outcome.SAME: "Skipping '{}' (there already)",
    Outcome.HEADERS_FIXED: "Fixed the headers of '{}'",
}
_PROBLEMS = {
    Outcome.CONFLICT,
    Outcome.FAILED,
    Outcome.INVALID_NAME,
    Outcome.LEFT_OUT,
    Outcome.DIFFERS,
    Outcome.HEADERS_DIFFER,
}


class FileProblem(Exception):
    """A file cannot be moved. The text is the reason, and `outcome` is what the journal records.

    `transient` is true if the cause is the service or the network, which may recover.
    """

    def __init__(
        self, reason: str, outcome: Outcome = Outcome.FAILED, *, transient: bool = False
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.transient = transient


class Journal:
    """Records outcomes. Each is written to `out` as one line of JSON, and files without a problem
    are passed to `say(text, level)` at level 2.

    Memory stays bounded: of each outcome only the first names are kept for the closing lists. With
    `references_count`, a database reference without a file is a problem of this run.
    """

    def __init__(
        self,
        out: TextIO | None,
        say: Callable[[str, int], None],
        *,
        references_count: bool = False,
    ) -> None:
        self._out = out
        self._say = say
        self._problems = _PROBLEMS | ({Outcome.MISSING} if references_count else set())
        self._shown: dict[Outcome, list[str]] = defaultdict(list)
        self.counts: Counter[Outcome] = Counter()
        self.sizes: Counter[Outcome] = Counter()

    def add(self, outcome: Outcome, name: str, detail: str = "", size: int = 0) -> None:
        """`name` is the file, or whatever else the outcome is about; `size` is in bytes."""
        self.counts[outcome] += 1
        self.sizes[outcome] += size
        if outcome in _LINES:
            self._say(_LINES[outcome].format(name), 2)
        if outcome in _HEADINGS and len(self._shown[outcome]) < _SHOWN:
            line = f"{shown(name)}: {shown(detail)}" if detail else shown(name)
            self._shown[outcome].append(line)
        if self._out is not None:
            entry = {"kind": outcome.value, "name": name, **({"why": detail} if detail else {})}
            self._out.write(json.dumps({**entry, "size": size}) + "\n")

    def add_problem(self, problem: FileProblem, name: str, size: int = 0) -> None:
        self.add(problem.outcome, name, str(problem), size)

    def close(self, ended: str) -> None:
        """Write the summary line; `ended` says how the run finished."""
        if self._out is not None:
            counts = {outcome.value: count for outcome, count in self.counts.items()}
            summary = {"kind": "summary", "ended": ended, "counts": counts}
            self._out.write(json.dumps(summary) + "\n")
            self._out.flush()

    @property
    def problems(self) -> int:
        """The number of outcomes that make the run fail."""
        return sum(self.counts[outcome] for outcome in self._problems)

    def lines(self) -> Iterator[str]:
        """The closing lists, problems first."""
        for outcome in sorted(_HEADINGS, key=lambda outcome: outcome not in self._problems):
            if count := self.counts[outcome]:
                yield f"{_HEADINGS[outcome]} ({count:,}):"
                yield from (f"    {line}" for line in self._shown[outcome])
                if count > len(self._shown[outcome]):
                    yield f"    and {count - len(self._shown[outcome]):,} more"
                yield ""

    def counted(self, outcome: Outcome) -> str:
        """`12 files (3.4 MB)`."""
        count = self.counts[outcome]
        return f"{count:,} {'file' if count == 1 else 'files'} ({amount(self.sizes[outcome])})"
