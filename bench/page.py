"""docs/performance.md: the part between its markers is generated from the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import chart
from bench.competitors import COMPETITORS
from bench.results import Results
from bench.scenarios import CASES, FIRST, SAVES, SCENARIOS, UNCHANGED, Scenario
from bench.servers.running import ROOT
from bench.targets import number, range_of, verdicts

BEGIN = "<!-- Made by `make bench ARGS=--report` from performance.json. Do not edit. -->"
END = "<!-- End of what is made. -->"
DOCS = ROOT / "docs"
PAGE, DATA = DOCS / "performance.md", DOCS / "performance.json"
PICTURE = DOCS / "images" / "performance.svg"


def write(results: Results) -> list[Path]:
    """Write the page, its data and its picture, and return the files."""
    results.write(DATA)
    PICTURE.write_text(chart.render(results), encoding="utf-8")
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return [PAGE, DATA, PICTURE]


def replaced(page: str, results: Results) -> str:
    """The page with its generated part generated again. Raises ValueError if a marker is
    missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no part between {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n{render(results)}\n{END}{tail}"


def render(results: Results) -> str:
    if not results.runs:
        return "\nNot measured yet.\n"
    parts = [
        "",
        "![Seconds of a publish, this project and its peers](images/performance.svg)",
        "",
        *_machine(results),
        "",
        "## What was asked, and what is reached",
        "",
        "| figure | measured | asked | reached |",
        "|---|---|---|---|",
    ]
    parts += [
        f"| {v.figure} | {v.measured} | {v.asked} | {'yes' if v.reached else '**no**'} |"
        for v in verdicts(results)
    ]
    for scenario in SCENARIOS.values():
        parts += _scenario(results, scenario)
    return "\n".join([*parts, ""])


def _machine(results: Results) -> Iterator[str]:
    known = dict(results.machine)
    cores, system = known.pop("cores", "?"), known.pop("system", "?")
    versions = ", ".join(f"{name} {version}" for name, version in known.items())
    yield f"Measured on {system} with {cores} cores: {versions}."


def _scenario(results: Results, scenario: Scenario) -> Iterator[str]:
    runs = [run for run in results.runs if run.scenario == scenario.name]
    if not runs:
        return
    cases = [case for case in CASES if any(run.case == case for run in runs)]
    rounds = {len(results.rounds(scenario.name, name)) for name in scenario.who} - {0}
    n = " or ".join(str(count) for count in sorted(rounds))
    each = FIRST in cases and UNCHANGED in cases
    yield from ("", f"## {scenario.title}", "")
    if not isinstance(scenario.tree, int) and cases != [SAVES]:
        yield f"{runs[0].files:,} files. "
    yield (
        f"Seconds, median [lowest–highest], n = {n}. CPU (the client's, in seconds) and requests: "
        f"{' · '.join(CASES[case] for case in cases)}. Memory: the highest of all."
    )
    yield ""
    yield (
        f"| | {' | '.join(CASES[case] for case in cases)} | requests | CPU | memory |"
        f"{' CPU of a file sent |' if each else ''}"
    )
    yield "|---" * (len(cases) + 4 + each) + "|"
    for name in scenario.who:
        if any(results.of(scenario.name, name, case) for case in cases):
            yield _row(results, scenario.name, name, cases, each=each)
    missing = [name for name in scenario.who if not results.rounds(scenario.name, name)]
    if missing:
        yield from ("", f"Not measured: {'; '.join(COMPETITORS[name].label for name in missing)}.")
    yield ""
    yield _others(results, scenario.name)


def _row(results: Results, scenario: str, name: str, cases: list[str], *, each: bool) -> str:
    cells = [COMPETITORS[name].label]
    requests, cpu, memory = [], [], 0.0
    for case in cases:
        figure = results.figure(scenario, name, case)
        ran = results.of(scenario, name, case)
        flaws = [run.wrong for run in ran if run.wrong]
        text = range_of(figure) if figure else ""
        if flaws:
            text = f"{text} wrong {len(flaws)} of {len(ran)} times: {_short(flaws[0])}".strip()
        cells.append(text)
        counted = results.requests(scenario, name, case)
        requests.append(f"{counted.median:,.0f}" if counted else "–")
        used = results.figure(scenario, name, case, "cpu")
        cpu.append(number(used.median) if used else "–")
        memory = max([memory, *(run.memory for run in results.right(scenario, name, case))])
    cells += [" · ".join(requests), " · ".join(cpu), f"{memory:,.0f} MB" if memory else ""]
    if each:
        sent = results.cpu_per_file(scenario, name)
        cells.append(f"{number(max(sent.median, 0))} ms" if sent else "")
    return "| " + " | ".join(cells) + " |"


def _others(results: Results, scenario: str) -> str:
    """The load by everything else, which says how far the figures can be trusted."""
    runs = [run for run in results.runs if run.scenario == scenario and not run.wrong]
    if not runs:
        return ""
    worst = max(runs, key=lambda run: run.other + run.host)
    share = sum(run.other + run.host for run in runs) / max(sum(run.wall for run in runs), 0.001)
    return (
        f"CPU of anything else meanwhile: {share:.1%} of a core; at most "
        f"{number(worst.other + worst.host)} s in one run of {number(worst.wall)} s."
    )


def _short(text: str) -> str:
    line = text.strip().splitlines()[-1] if text.strip() else ""
    return line[:80].replace("|", "/")
