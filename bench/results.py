"""The measurements: a JSON file with one line for each process that ran."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One process. The seconds and the memory are those of Measured, and `requests` are by method,
    as the server counted them. `wrong` says how it failed, or what is wrong with its output."""

    scenario: str
    competitor: str
    case: str
    round: int
    files: int
    wall: float
    cpu: float
    server: float
    line: float
    other: float
    host: float
    requests: dict[str, int] = field(default_factory=dict)
    wrong: str = ""
    memory: float = 0.0


@dataclass(frozen=True)
class Figure:
    """The median of some runs, with the lowest, the highest and the number of them."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure | None:
        """None for no values."""
        found = sorted(values)
        if not found:
            return None
        return cls(statistics.median(found), found[0], found[-1], len(found))


@dataclass
class Results:
    """`machine` describes the machine and the versions; `facts` are figures other than times."""

    runs: list[Run] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Results:
        """Empty if there is no such file."""
        if not file.exists():
            return cls()
        kept = json.loads(file.read_text(encoding="utf-8"))
        return cls([Run(**run) for run in kept["runs"]], kept["machine"], kept["facts"])

    def write(self, file: Path) -> None:
        """Write one line for each run, so that the difference of two files is readable."""
        runs = ",\n".join("    " + json.dumps(_rounded(asdict(run))) for run in self.runs)
        machine = json.dumps(self.machine, indent=2, sort_keys=True).replace("\n", "\n  ")
        facts = json.dumps(self.facts, indent=2, sort_keys=True).replace("\n", "\n  ")
        new = file.with_name(f"{file.name}.new")
        new.write_text(
            f'{{\n  "machine": {machine},\n  "facts": {facts},\n  "runs": [\n{runs}\n  ]\n}}\n',
            encoding="utf-8",
        )
        new.replace(file)

    def replace(self, scenario: str, runs: Iterable[Run]) -> None:
        """Replace all runs of a scenario."""
        self.runs = [run for run in self.runs if run.scenario != scenario] + list(runs)

    def of(self, scenario: str, competitor: str, case: str) -> list[Run]:
        return [
            run
            for run in self.runs
            if (run.scenario, run.competitor, run.case) == (scenario, competitor, case)
        ]

    def rounds(self, scenario: str, competitor: str) -> set[int]:
        """The numbers of the rounds that a competitor has run."""
        return {r.round for r in self.runs if (r.scenario, r.competitor) == (scenario, competitor)}

    def right(self, scenario: str, competitor: str, case: str) -> list[Run]:
        """The runs that succeeded; the others are no figures."""
        return [run for run in self.of(scenario, competitor, case) if not run.wrong]

    def figure(
        self, scenario: str, competitor: str, case: str, what: str = "wall"
    ) -> Figure | None:
        return Figure.of(getattr(run, what) for run in self.right(scenario, competitor, case))

    def requests(self, scenario: str, competitor: str, case: str) -> Figure | None:
        return Figure.of(
            sum(run.requests.values()) for run in self.right(scenario, competitor, case)
        )

    def ratio(self, scenario: str, case: str, above: str, below: str) -> Figure | None:
        """How many times as long `above` took as `below`, in each round: a disturbance is likely to
        have affected both."""
        one = {run.round: run.wall for run in self.right(scenario, above, case)}
        other = {run.round: run.wall for run in self.right(scenario, below, case)}
        return Figure.of(one[n] / other[n] for n in one.keys() & other.keys())

    def cpu_per_file(self, scenario: str, competitor: str) -> Figure | None:
        """Milliseconds of the client's CPU for each file sent: those of a first run less those of
        an unchanged one, divided by the number of files."""
        first = {run.round: run for run in self.right(scenario, competitor, "first")}
        idle = {run.round: run for run in self.right(scenario, competitor, "unchanged")}
        return Figure.of(
            (first[n].cpu - idle[n].cpu) / first[n].files * 1000 for n in first.keys() & idle.keys()
        )

    def seconds_per_file(self, scenario: str, competitor: str, case: str) -> list[float]:
        """One value for each run."""
        return [run.wall / run.files for run in self.right(scenario, competitor, case)]


def _rounded(run: dict[str, Any]) -> dict[str, Any]:
    if not run["memory"]:  # it was not measured
        del run["memory"]
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in run.items()}
