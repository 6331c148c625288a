"""The measurement: in each round, every competitor gets a server and a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench import trees
from bench.checking import wrong, wrongly_fetched, wrongly_saved
from bench.competitors import COMPETITORS, Competitor, Place
from bench.measuring import CommandFailed, Measured, Watched, measure
from bench.results import Results, Run
from bench.scenarios import (
    CHANGED,
    DOWN,
    FIRST,
    SAVED_FILES,
    SAVES,
    TOUCHED,
    UP,
    Scenario,
    rotated,
)
from bench.servers.running import AzuriteServer, Line, NullServer, Server, target

# Times are compared in whole seconds.
_A_SECOND = 1.1
_FAILED = Measured(0, 0, 0, 0, 0, 0)


class Bench:
    """Measures in `folder`, which keeps what is made only once: trees, and the CLI's index."""

    def __init__(self, folder: Path, results: Results, results_file: Path) -> None:
        self._folder = folder
        self._results = results
        self._file = results_file
        self._work = folder / f"work-{os.getpid()}"

    def __enter__(self) -> Bench:
        self._work.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def run(
        self,
        scenarios: Sequence[Scenario],
        rounds: int,
        *,
        once: Sequence[str] = (),
        add: bool = False,
    ) -> None:
        """Measure the scenarios one after another, and write the results after each competitor.

        The competitors in `once` run in the first round alone. With `add`, the rounds in the
        results are kept, and only those that are missing are run; without it, the results of the
        scenario are replaced.
        """
        plans = [(s, self._competitors(s)) for s in scenarios]
        turns = {
            scenario.name: [
                (round_, competitor)
                for round_ in range(rounds)
                for competitor in rotated(competitors, round_)
                if not (round_ and competitor.name in once)
                and not (add and round_ + 1 in self._results.rounds(scenario.name, competitor.name))
            ]
            for scenario, competitors in plans
        }
        for competitor in {c.name: c for plan in turns.values() for _, c in plan}.values():
            self._warm_up(competitor)
        left = sum(map(len, turns.values()))
        for scenario, _ in plans:
            runs = [run for run in self._results.runs if add and run.scenario == scenario.name]
            for round_, competitor in turns[scenario.name]:
                try:
                    runs += self._competition(scenario, competitor, round_)
                except CommandFailed as failed:
                    say(f"{scenario.name}: {failed}; it is left out")
                    left -= len(turns[scenario.name])
                    break
                self._results.replace(scenario.name, runs)
                self._results.write(self._file)
                left -= 1
                if left:
                    say(f"{left} more")

    def _competitors(self, scenario: Scenario) -> list[Competitor]:
        wanted = [COMPETITORS[name] for name in scenario.who]
        for competitor in wanted:
            if not competitor.is_there():
                say(f"{scenario.name}: {competitor.label} is not installed and left out")
        return [competitor for competitor in wanted if competitor.is_there()]

    def _warm_up(self, competitor: Competitor) -> None:
        """Run it once, with a few files: this compiles its modules and loads them, and the
        interpreter, into the page cache. Raises CommandFailed if it does not work at all."""
        begin = time.perf_counter()
        kind = "none" if competitor.names == "local" else "null"
        with self._place(kind, 0, self._pristine(12), copy=True) as (place, _, _):
            _measured(competitor, place, Watched())
        say(f"warmed up: {competitor.label}, {time.perf_counter() - begin:.1f} s")

    def _competition(self, scenario: Scenario, competitor: Competitor, round_: int) -> list[Run]:
        runs: list[Run] = []
        pristine = self._pristine(scenario.tree)
        cases = scenario.who[competitor.name]
        copy = competitor.marks or bool({CHANGED, TOUCHED} & {*cases})
        with self._place(scenario.server, scenario.delay_ms, pristine, copy=copy) as (
            whole,
            server,
            watched,
        ):
            files = sum(1 for _ in trees.paths(whole.tree)) or SAVED_FILES
            for case in cases:
                place = replace(whole, case=case)
                changed = self._prepare(case, place)
                if server:
                    server.renew()
                before = server.counts() if server else Counter[str]()
                failure, measured = "", _FAILED
                try:
                    measured = _measured(competitor, place, self._watched(server, watched))
                except CommandFailed as failed:
                    failure = str(failed)
                requests = (server.counts() if server else before) - before
                if not failure:
                    failure = self._check(competitor, place, server, case, changed)
                runs.append(
                    Run(
                        scenario.name,
                        competitor.name,
                        case,
                        round_ + 1,
                        files,
                        **vars(measured),
                        requests=dict(sorted(requests.items())),
                        wrong=failure,
                    )
                )
                _report(runs[-1], competitor)
        return runs

    def _watched(self, server: Server | None, line: Watched) -> Watched:
        """Azurite has another process once it was restarted."""
        return Watched((server.process,) if server else (), line.lines)

    def _prepare(self, case: str, place: Place) -> list[str]:
        """Prepare the tree for the case, and return the names of the changed files."""
        if case == DOWN:
            place.fetched.mkdir()
        if case not in {CHANGED, TOUCHED}:
            return []
        time.sleep(_A_SECOND)
        if case == TOUCHED:
            trees.touch(place.tree)
            return []
        return trees.change(place.tree)

    def _check(
        self,
        competitor: Competitor,
        place: Place,
        server: Server | None,
        case: str,
        changed: list[str],
    ) -> str:
        """What is wrong with a competitor's output, or an empty text."""
        if case == DOWN:
            return wrongly_fetched(place.tree, place.fetched)
        if isinstance(server, AzuriteServer) and case == SAVES:
            return wrongly_saved(server)
        if isinstance(server, AzuriteServer) and case in {FIRST, CHANGED, UP}:
            return wrong(server, place.tree, competitor.names, changed)
        if competitor.name != "hashing" or case != FIRST:
            return ""
        django = COMPETITORS["django-manifest"]
        collected = str(place.folder / "collected")
        against = {**competitor.environment(place), "HASHED_BY_DJANGO": collected}
        try:
            measure(django.command(place), django.environment(place), place.folder, Watched())
            measure(competitor.command(place), against, place.folder, Watched())
        except CommandFailed as failed:
            return str(failed)
        return ""

    def _pristine(self, tree: int | str) -> Path:
        """A tree that is never changed, and made once. Raises CommandFailed."""
        folder = self._folder / "trees" / str(tree)
        if not folder.exists():
            say(f"making the tree {tree}")
            new = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            trees.write(new, tree)
            new.replace(folder)
        return folder

    @contextmanager
    def _place(
        self, kind: str, delay_ms: int, pristine: Path, *, copy: bool
    ) -> Iterator[tuple[Place, Server | None, Watched]]:
        """A fresh folder, server and line, and with `copy` a fresh tree."""
        folder = self._work / "now"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if copy:
            trees.copy(pristine, folder / "static")
        else:
            trees.warm(pristine)
        kept = self._folder / "kept"
        kept.mkdir(exist_ok=True)
        with ExitStack() as stack:
            server: Server | None = None
            watched = Watched()
            given = None
            if kind == "azurite":
                server = AzuriteServer(folder / "azurite")
                stack.callback(server.stop)
            elif kind == "null":
                server = NullServer(delay_ms)
                stack.callback(server.stop)
            if server:
                port = server.port
                if kind == "azurite" and delay_ms:
                    line = Line(server.port, delay_ms)
                    stack.callback(line.stop)
                    port, watched = line.port, Watched((), (line.process,))
                given = target(server, port)
            tree = folder / "static" if copy else pristine
            yield Place(tree, folder, kept, given), server, watched
        shutil.rmtree(folder, ignore_errors=True)


def _measured(competitor: Competitor, place: Place, watched: Watched) -> Measured:
    """The whole process, or the part of it that it measured itself."""
    own = place.folder / "measured.json"
    own.unlink(missing_ok=True)
    whole = measure(competitor.command(place), competitor.environment(place), place.folder, watched)
    return replace(whole, **json.loads(own.read_text())) if own.exists() else whole


def _report(run: Run, competitor: Competitor) -> None:
    requests = " ".join(f"{method} {n}" for method, n in run.requests.items())
    flaw = f"  WRONG: {run.wrong}" if run.wrong else ""
    say(
        f"{run.scenario} round {run.round}: {competitor.label}, {run.case}: {run.wall:.2f} s, "
        f"CPU {run.cpu:.2f} s (server {run.server:.2f}, line {run.line:.2f}, "
        f"others {run.other:.2f}), {run.memory:.0f} MB; {requests or 'no requests'}{flaw}"
    )


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
