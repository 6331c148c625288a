"""What a run has found and done: counted, and written to a file as it happens."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TextIO

from azureblob.names import shown
from azureblob.progress import amount

_SHOWN = 20


class Kind(Enum):
    """What is said of a file; in the report's file by its value."""

    DONE = "done"
    PRETENDED = "pretended"
    SAME = "same"
    MENDED = "mended"
    HIDDEN = "hidden"
    # From here on each is listed, with why.
    CONFLICT = "conflict"
    FAILED = "failed"
    UNFIT = "unfit name"
    LEFT_OUT = "left out"
    DIFFERS = "differs"
    HEADERS = "headers differ"
    MISSING = "reference without a file"
    UNREFERENCED = "unreferenced"
    TWINS = "twins"
    UNPROVEN = "unproven"
    EXTRA = "not in the folder"


_HEADINGS = {
    Kind.CONFLICT: "There is another file of this name already; --overwrite replaces it",
    Kind.FAILED: "These failed",
    Kind.UNFIT: "These names cannot be taken; rename the file, and what refers to it",
    Kind.LEFT_OUT: "These were left out",
    Kind.DIFFERS: "These differ from the folder",
    Kind.HEADERS: "These are served otherwise than the site would; --mend-headers sets that right",
    Kind.MISSING: "These database references have no file",
    Kind.UNREFERENCED: "No model refers to these",
    Kind.TWINS: "macOS and Windows take these for one name",
    Kind.UNPROVEN: "These have no stored MD5, and only their size was compared",
    Kind.EXTRA: "These are in the container and not in the folder",
}
_SAID = {
    Kind.DONE: "Moved '{}'",
    Kind.SAME: "Skipping '{}' (there already)",
    Kind.MENDED: "Mended the headers of '{}'",
}
_ALWAYS_WRONG = {Kind.CONFLICT, Kind.FAILED, Kind.UNFIT, Kind.LEFT_OUT, Kind.DIFFERS, Kind.HEADERS}


class Report:
    """`out` gets a line of JSON for each finding, `say(text, level)` one at level 2 for each file
    that is as it should be. Memory stays flat: of each kind the first few are kept to be shown.
    `references_count`: a reference without a file is a fault of this run."""

    def __init__(
        self,
        out: TextIO | None,
        say: Callable[[str, int], None],
        *,
        references_count: bool = False,
    ) -> None:
        self._out = out
        self._say = say
        self._wrong = _ALWAYS_WRONG | ({Kind.MISSING} if references_count else set())
        self._shown: dict[Kind, list[str]] = defaultdict(list)
        self.counts: Counter[Kind] = Counter()
        self.sizes: Counter[Kind] = Counter()

    def add(self, kind: Kind, name: str, why: str = "", size: int = 0) -> None:
        """`name` is the file's, or what else the finding is about; `size` in bytes."""
        self.counts[kind] += 1
        self.sizes[kind] += size
        if kind in _SAID:
            self._say(_SAID[kind].format(name), 2)
        if kind in _HEADINGS and len(self._shown[kind]) < _SHOWN:
            self._shown[kind].append(f"{shown(name)}: {shown(why)}" if why else shown(name))
        if self._out is not None:
            line = {"kind": kind.value, "name": name, **({"why": why} if why else {})}
            self._out.write(json.dumps({**line, "size": size}) + "\n")

    def close(self, ended: str) -> None:
        """The last line of the file; `ended` says how the run did."""
        if self._out is not None:
            counts = {kind.value: count for kind, count in self.counts.items()}
            self._out.write(
                json.dumps({"kind": "summary", "ended": ended, "counts": counts}) + "\n"
            )
            self._out.flush()

    @property
    def wrong(self) -> int:
        """How many findings keep the run from having gone well."""
        return sum(self.counts[kind] for kind in self._wrong)

    def lines(self) -> Iterator[str]:
        """The lists, those of faults first."""
        for kind in sorted(_HEADINGS, key=lambda kind: kind not in self._wrong):
            if count := self.counts[kind]:
                yield f"{_HEADINGS[kind]} ({count:,}):"
                yield from (f"    {line}" for line in self._shown[kind])
                if count > len(self._shown[kind]):
                    yield f"    and {count - len(self._shown[kind]):,} more"
                yield ""

    def counted(self, kind: Kind) -> str:
        """`12 files (3.4 MB)`."""
        count = self.counts[kind]
        return f"{count:,} {'file' if count == 1 else 'files'} ({amount(self.sizes[kind])})"
