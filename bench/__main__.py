"""`python -m bench`: measure, and write the page of the figures. `make bench ARGS="…"` runs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.competitors import COMPETITORS
from bench.measuring import CommandFailed
from bench.results import Results
from bench.rounds import Bench, say
from bench.scenarios import QUICK, SCENARIOS, Scenario
from bench.servers.running import ROOT

# No scenario: nothing of it is timed.
_LOGIN = "login"
_LOGIN_TITLE = "the bytes of Django admin's login page"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<20} {scenario.title:<48} ~{scenario.seconds} s a round")
            print(f"{'':<20} {', '.join(scenario.who)}")
        print(f"{_LOGIN:<20} {_LOGIN_TITLE:<48} ~20 s")
        return 0
    folder = Path(os.environ.get("LOCALAZURE_HOME") or ROOT / ".localazure").absolute() / "bench"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = options.results or folder / ("quick.json" if options.quick else "results.json")
    try:
        if options.report:
            return _report(file)
        _measure(options, folder, file)
    except KeyboardInterrupt:
        say(f"stopped; whole rounds are kept in {file}")
        return 130
    except CommandFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    return 0


def _measure(options: argparse.Namespace, folder: Path, file: Path) -> None:
    from bench import login
    from bench.machine import describe

    results = Results.read(file)
    results.machine = describe()
    only = options.only or [*SCENARIOS, _LOGIN]
    scenarios: Sequence[Scenario] = [SCENARIOS[name] for name in only if name != _LOGIN]
    if options.quick:
        scenarios, only = [QUICK], []
    rounds = 1 if options.quick else options.rounds
    say(f"about {sum(s.seconds for s in scenarios) * rounds // 60 + 1} min; results in {file}")
    with Bench(folder, results, file) as bench:
        bench.run(scenarios, rounds, options.competitors, options.once)
        if _LOGIN in only:
            results.facts["login"] = login.measure_login(folder)
    results.write(file)


def _report(file: Path) -> int:
    from bench.page import write

    results = Results.read(file)
    if not results.runs:
        print(f"error: there are no results in {file}: run 'make bench' first", file=sys.stderr)
        return 1
    for written in write(results):
        print(written.relative_to(ROOT))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        choices=[*SCENARIOS, _LOGIN],
        metavar="SCENARIO",
        help="these",
    )
    parser.add_argument(
        "--competitors",
        nargs="+",
        action="extend",
        choices=COMPETITORS,
        default=[],
        metavar="NAME",
        help=f"these alone: {', '.join(COMPETITORS)}",
    )
    parser.add_argument(
        "--once",
        nargs="+",
        action="extend",
        choices=COMPETITORS,
        default=[],
        metavar="NAME",
        help="these in the first round alone: stock takes ten minutes a round at 40 ms",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of 100 files, in a minute")
    parser.add_argument("--results", type=Path, help="the file to keep results in")
    parser.add_argument(
        "--report", action="store_true", help="write docs/performance.md from the results"
    )
    return parser


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main(sys.argv[1:]))
