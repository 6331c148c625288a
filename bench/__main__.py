"""`python -m bench`: measure, or write the page of figures. `make bench ARGS="…"` runs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from bench.competitors import COMPETITORS
from bench.measuring import CommandFailed
from bench.results import Results
from bench.rounds import Bench, say
from bench.scenarios import GROUPS, QUICK, SCENARIOS, chosen
from bench.servers.running import ROOT

# Not a scenario: it is not timed.
_LOGIN = "login"
_LOGIN_TITLE = "the bytes of Django admin's login page"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<20} {scenario.title:<48} ~{scenario.seconds} s a round")
            print(f"{'':<20} {', '.join(scenario.who)}")
        print(f"{_LOGIN:<20} {_LOGIN_TITLE:<48} ~20 s")
        for name, parts in GROUPS.items():
            seconds = sum(part.seconds for part in parts)
            print(f"{name:<20} {', '.join(part.name for part in parts)}  ~{seconds} s a round")
        return 0
    folder = Path(os.environ.get("LOCALAZURE_HOME") or ROOT / ".localazure").absolute() / "bench"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = options.results or folder / ("quick.json" if options.quick else "results.json")
    try:
        if options.report:
            return _report(file)
        _measure(options, folder, file)
    except KeyboardInterrupt:
        say(f"stopped; {file} has what was measured: continue with --add-rounds")
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
    names = [name for name in options.only if name != _LOGIN]
    scenarios = [] if options.only and not names else chosen(names)
    scenarios = [scenario.only(options.competitors) for scenario in scenarios]
    with_login = not options.only or _LOGIN in options.only
    if options.quick:
        scenarios, with_login = [QUICK], False
    rounds = 1 if options.quick else options.rounds
    say(f"about {sum(s.seconds for s in scenarios) * rounds // 60 + 1} min; results in {file}")
    with Bench(folder, results, file) as bench:
        bench.run(scenarios, rounds, once=options.once, add=options.add_rounds)
        if with_login:
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
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        choices=[*SCENARIOS, _LOGIN, *GROUPS],
        default=[],
        metavar="SCENARIO",
        help=f"these scenarios, or groups of them: {', '.join(GROUPS)}",
    )
    parser.add_argument(
        "--competitors",
        nargs="+",
        action="extend",
        choices=COMPETITORS,
        default=[],
        metavar="NAME",
        help=f"only these: {', '.join(COMPETITORS)}",
    )
    parser.add_argument(
        "--once",
        nargs="+",
        action="extend",
        choices=COMPETITORS,
        default=[],
        metavar="NAME",
        help="these in the first round only: stock takes ten minutes a round at 40 ms",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--add-rounds",
        action="store_true",
        help="keep the rounds in the results, and run those that are missing up to --rounds",
    )
    parser.add_argument("--quick", action="store_true", help="one round of 100 files, in a minute")
    parser.add_argument("--results", type=Path, help="the file of results")
    parser.add_argument(
        "--report", action="store_true", help="write docs/performance.md from the results"
    )
    return parser


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main(sys.argv[1:]))
