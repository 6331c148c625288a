"""`python -m sites`: publish and open other people's packages. `make sites ARGS="…"` runs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from sites.catalogue import ALL, HERE, Package, djangos, packages
from sites.page import PAGE, cell, write
from sites.results import Results

ROOT = HERE.parent


def main(arguments: list[str]) -> int:
    known, versions = packages(), djangos()
    options = _parser([*known, ALL], versions).parse_args(arguments)
    if options.list:
        for package in known.values():
            print(f"{package.name:<34} {package.version('')}")
        print(f"{ALL:<34} those above in one site")
        return 0
    home = Path(os.environ.get("LOCALAZURE_HOME") or ROOT / ".localazure").absolute() / "sites"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    results = Results(options.results or home / "results.json")
    if not options.report:
        try:
            _run(options, known, versions, home, results)
        except KeyboardInterrupt:
            print("stopped; the rows so far are kept", file=sys.stderr)
            return 130
    whole = not options.only and not options.django
    if options.report or whole:
        write(results)
        print(PAGE.relative_to(ROOT))
    ran = {(name, line) for name in options.only or [*known, ALL] for line in versions}
    return int(any(row.differs for key, row in results.rows.items() if key in ran))


def _run(
    options: argparse.Namespace,
    known: dict[str, Package],
    versions: dict[str, str],
    home: Path,
    results: Results,
) -> None:
    from sites.browsing import chromium
    from sites.running import Run
    from sites.service import Service
    from sites.together import together

    names = options.only or [*known, ALL]
    for line in options.django or versions:
        with ExitStack() as stack:
            service = stack.enter_context(Service(home / f"azurite-{os.getpid()}"))
            browser = stack.enter_context(chromium())
            run = Run(service, browser, home, options.python, not options.without_pages)
            for name in names:
                began = time.monotonic()
                package = together(known, results, line) if name == ALL else known[name]
                row = run.row(package, line, versions[line])
                results.keep(row)
                seconds = time.monotonic() - began
                print(f"{line} {name:<32} {seconds:4.0f} s  {cell(row)}", flush=True)
                for text in row.differences():
                    print(f"      {text}", flush=True)


def _parser(names: list[str], versions: dict[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make sites", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the packages")
    parser.add_argument(
        "--only", nargs="+", action="extend", choices=names, metavar="PACKAGE", help="these"
    )
    parser.add_argument(
        "--django",
        nargs="+",
        action="extend",
        choices=versions,
        metavar="LINE",
        help=f"on these alone: {', '.join(versions)}",
    )
    parser.add_argument("--python", default="", help="the Python that the sites run with")
    parser.add_argument("--without-pages", action="store_true", help="publish and upload only")
    parser.add_argument("--results", type=Path, help="the file to keep results in")
    parser.add_argument(
        "--report", action="store_true", help="write docs/sites.md from the results so far"
    )
    return parser


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main(sys.argv[1:]))
