"""The measurement: round after round, each competitor with a server and a tree of its own."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import trees
from bench.checking import wrong
from bench.competitors import COMPETITORS, Competitor, Place
from bench.measuring import CommandFailed, Measured, Watched, measure
from bench.results import Results, Run
from bench.scenarios import CHANGED, FIRST, TOUCHED, Scenario, rotated
from bench.servers.running import AzuriteServer, Line, NullServer, Server, target

# A file is newer than its blob if it is by a second: times are compared in whole ones.
_A_SECOND = 1.1
_FAILED = Measured(0, 0, 0, 0, 0, 0)


class Bench:
    """Measures in `folder` and keeps there what is made once: trees, and the CLI's index."""

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
        only: Sequence[str],
        once: Sequence[str] = (),
    ) -> None:
        """Measure the scenarios one after another; each is kept after each of its rounds. `only`
        these competitors (all, if there is none), and those of `once` in the first round alone."""
        plans = [(s, self._competitors(s, only)) for s in scenarios]
        for competitor in {c.name: c for _, competitors in plans for c in competitors}.values():
            self._warm_up(competitor)
        for scenario, competitors in plans:
            runs: list[Run] = []
            for round_ in range(rounds):
                here = [one for one in competitors if not round_ or one.name not in once]
                for competitor in rotated(here, round_):
                    runs += self._competition(scenario, competitor, round_)
                self._results.replace(scenario.name, runs)
                self._results.write(self._file)

    def _competitors(self, scenario: Scenario, only: Sequence[str]) -> list[Competitor]:
        wanted = [COMPETITORS[name] for name in scenario.who if not only or name in only]
        for competitor in wanted:
            if not competitor.is_there():
                say(f"{scenario.name}: {competitor.label} is not installed and left out")
        return [competitor for competitor in wanted if competitor.is_there()]

    def _warm_up(self, competitor: Competitor) -> None:
        """Once, untimed, with a few files: modules are compiled, and they and the interpreter are
        in memory. Raises CommandFailed if it does not work at all."""
        begin = time.perf_counter()
        kind = "none" if competitor.names == "local" else "null"
        with self._place(kind, 0, self._pristine(12)) as (place, _, _):
            _measured(competitor, place, Watched())
        say(f"warmed up: {competitor.label}, {time.perf_counter() - begin:.1f} s")

    def _competition(self, scenario: Scenario, competitor: Competitor, round_: int) -> list[Run]:
        runs: list[Run] = []
        pristine = self._pristine(scenario.tree)
        with self._place(scenario.server, scenario.delay_ms, pristine) as (place, server, watched):
            files = sum(1 for _ in trees.paths(place.tree))
            for case in scenario.who[competitor.name]:
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
                _tell(runs[-1], competitor)
        return runs

    def _watched(self, server: Server | None, line: Watched) -> Watched:
        """Azurite has another process after it was started again."""
        return Watched((server.process,) if server else (), line.lines)

    def _prepare(self, case: str, place: Place) -> list[str]:
        """Make the tree what the case begins with; the names of what it changed."""
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
        """What a competitor left wrong, or an empty text. Untimed, past the line."""
        if isinstance(server, AzuriteServer) and case in {FIRST, CHANGED}:
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

    def _pristine(self, files: int) -> Path:
        """A tree that is copied and never changed; made once."""
        folder = self._folder / "trees" / (f"{files}" if files else "admin")
        if not folder.exists():
            new = folder.with_name(f"{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            if files:
                trees.write_tree(new, files)
            else:
                trees.write_admin(new)
            new.replace(folder)
        return folder

    @contextmanager
    def _place(
        self, kind: str, delay_ms: int, pristine: Path
    ) -> Iterator[tuple[Place, Server | None, Watched]]:
        """A fresh folder, tree, server and line, gone afterwards."""
        folder = self._work / "now"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trees.copy(pristine, folder / "static")
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
            yield Place(folder / "static", folder, kept, given), server, watched
        shutil.rmtree(folder, ignore_errors=True)


def _measured(competitor: Competitor, place: Place, watched: Watched) -> Measured:
    return measure(competitor.command(place), competitor.environment(place), place.folder, watched)


def _tell(run: Run, competitor: Competitor) -> None:
    requests = " ".join(f"{method} {n}" for method, n in run.requests.items())
    flaw = f"  WRONG: {run.wrong}" if run.wrong else ""
    say(
        f"{run.scenario} round {run.round}: {competitor.label}, {run.case}: {run.wall:.2f} s, "
        f"CPU {run.cpu:.2f} s (server {run.server:.2f}, line {run.line:.2f}, "
        f"others {run.other:.2f}); {requests or 'no requests'}{flaw}"
    )


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
