"""The targets, and whether the measurements reach them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import Figure, Results
from bench.scenarios import (
    ALL,
    CASES,
    CHANGED,
    FIRST,
    MEDIA,
    SAVES,
    SCENARIOS,
    TOUCHED,
    TWO,
    UNCHANGED,
)

PER_LIST = 5000
# A List Blobs, the manifest with its copy in the history, and the render cache.
_REQUESTS_BESIDES_FILES = 4
_MEMORY_MB = 150
_SIZES = {"null-1000": 1000, "null-5000": 5000, "null-20000": 20000, "null-50000": 50000}


@dataclass(frozen=True)
class Verdict:
    """A figure: what was measured, what was asked, and whether it was reached."""

    figure: str
    measured: str
    asked: str
    reached: bool


def verdicts(results: Results) -> list[Verdict]:
    """Those of everything that was measured."""
    return [
        *_against_floor(results),
        *_growth(results),
        *_requests(results),
        *_memory(results),
        *_cpu(results),
        *_against_peers(results),
        *_hashing(results),
        *_media(results),
        *_saving(results),
        *_login(results),
    ]


def number(value: float) -> str:
    """With three significant digits, where there are so many."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(figure: Figure, unit: str = "") -> str:
    """Median, lowest, highest and the number of runs."""
    return f"{range_of(figure)}{unit} (n = {figure.n})"


def range_of(figure: Figure) -> str:
    return f"{number(figure.median)} [{number(figure.low)}–{number(figure.high)}]"


def _requests(results: Results) -> Iterator[Verdict]:
    for scenario, title in (
        ("azurite-40ms", "1,000 files"),
        ("null-5000", "5,000 files"),
        ("null-20000", "20,000 files"),
    ):
        runs = results.right(scenario, "hashed", FIRST)
        most = max((sum(run.requests.values()) for run in runs), default=0)
        if runs:
            asked = runs[0].files + _REQUESTS_BESIDES_FILES
            yield Verdict(
                f"requests, {title}, hashed, first", f"{most:,}", f"≤ {asked:,}", most <= asked
            )
        idle = results.right(scenario, "hashed", UNCHANGED)
        if runs and idle:
            blobs = max(run.requests.get("PUT", 0) for run in runs)
            asked = -(-blobs // PER_LIST) + 1
            most = max(sum(run.requests.values()) for run in idle)
            yield Verdict(
                f"requests, {title}, hashed, nothing changed",
                f"{most:,}",
                f"≤ {asked:,}",
                most <= asked,
            )


def _cpu(results: Results) -> Iterator[Verdict]:
    names = {"plain": "unhashed", "gzip": "unhashed, compressed", "hashed": "hashed, compressed"}
    for scenario, title in (("null-5000", "5,000 files"), ("null-20000", "20,000 files")):
        for competitor, label in names.items():
            figure = results.cpu_per_file(scenario, competitor)
            if figure:
                yield Verdict(
                    f"client CPU for each file sent, {title}, {label}",
                    spread(figure, " ms"),
                    "≤ 0.6 ms",
                    figure.median <= 0.6,
                )


def _against_floor(results: Results) -> Iterator[Verdict]:
    """The targets of hashed publishing first."""
    for scenario, case, most in (
        ("null-20000", UNCHANGED, 1.6),
        ("null-5000", UNCHANGED, 1.6),
        ("null-5000", CHANGED, 2),
        ("azurite-40ms", UNCHANGED, 1.4),
    ):
        if figure := results.ratio(scenario, case, "hashed", "floor"):
            label = f"hashed, {SCENARIOS[scenario].title}, {CASES[case]}: times the floor"
            yield Verdict(label, spread(figure), f"≤ {most}", figure.median <= most)
    if figure := results.ratio("null-20000", FIRST, "hashed", "plain"):
        label = f"hashed, {SCENARIOS['null-20000'].title}, first: times the unhashed"
        yield Verdict(label, spread(figure), "≤ 3", figure.median <= 3)
    for scenario, cases, most in (
        ("azurite-40ms", ALL, 1.3),
        ("null-40ms", TWO, 1.5),
        ("null-5000", TWO, 1.5),
        ("null-20000", TWO, 1.5),
    ):
        for case in cases:
            if figure := results.ratio(scenario, case, "plain", "floor"):
                label = f"unhashed, {SCENARIOS[scenario].title}, {CASES[case]}: times the floor"
                yield Verdict(label, spread(figure), f"≤ {most}", figure.median <= most)


def _growth(results: Results) -> Iterator[Verdict]:
    """Seconds per file with the most files, compared with the least of the smaller trees."""
    *smaller, largest = _SIZES
    sizes = ", ".join(f"{_SIZES[scenario]:,}" for scenario in smaller)
    for competitor, label in (("hashed", "hashed"), ("plain", "unhashed")):
        for case in TWO:
            most = results.seconds_per_file(largest, competitor, case)
            known = [
                figure.median
                for scenario in smaller
                if (figure := Figure.of(results.seconds_per_file(scenario, competitor, case)))
            ]
            if known and (growth := Figure.of(value / min(known) for value in most)):
                yield Verdict(
                    f"{label}, null server, loopback, {CASES[case]}: seconds per file with "
                    f"{_SIZES[largest]:,} files, compared with the least of {sizes}",
                    spread(growth, " times"),
                    "≤ 1.33",
                    growth.median <= 4 / 3,
                )


def _memory(results: Results) -> Iterator[Verdict]:
    for scenario, competitor, cases in (
        ("null-20000", "hashed", TWO),
        ("one-large", "hashed", TWO),
        ("media-loopback", "migratemedia", MEDIA),
        ("saving", "save", (SAVES,)),
    ):
        for case in cases:
            figure = results.figure(scenario, competitor, case, "memory")
            if figure and figure.median:
                label = f"memory, {SCENARIOS[scenario].title}, {CASES[case]}"
                reached = figure.high <= _MEMORY_MB
                yield Verdict(label, spread(figure, " MB"), f"≤ {_MEMORY_MB} MB", reached)


def _against_peers(results: Results) -> Iterator[Verdict]:
    azurite = "1,000 files, Azurite, 40 ms"
    null = "5,000 files, null server, loopback"
    for scenario, title, case, peer, label, least in (
        ("azurite-40ms", azurite, FIRST, "stock", "django-storages", 50),
        ("azurite-40ms", azurite, UNCHANGED, "stock", "django-storages", 115),
        ("azurite-40ms", azurite, CHANGED, "stock", "django-storages", 110),
        ("azurite-40ms", azurite, TOUCHED, "stock", "django-storages", 360),
        ("azurite-40ms", azurite, FIRST, "collectfasta", "collectfasta", 4.5),
        ("azurite-40ms", azurite, FIRST, "azcopy", "azcopy sync", 2.2),
        ("null-5000", null, FIRST, "stock", "django-storages", 20),
        ("null-5000", null, FIRST, "upload-batch", "upload-batch", 7),
    ):
        figure = results.ratio(scenario, case, peer, "plain")
        if figure:
            yield Verdict(
                f"{title}, {CASES[case]}: times as fast as {label}",
                spread(figure),
                f"≥ {least}",
                figure.median >= least,
            )


def _hashing(results: Results) -> Iterator[Verdict]:
    for scenario, title in (("hashing-1000", "1,000 files"), ("hashing-5000", "5,000 files")):
        for case in TWO:
            figure = results.ratio(scenario, case, "hashing", "django-manifest")
            if figure:
                most = 0.1 if (scenario, case) == ("hashing-5000", FIRST) else 0.5
                yield Verdict(
                    f"hashing alone, {title}, {CASES[case]}: part of Django's time",
                    spread(figure),
                    f"≤ {most}",
                    figure.median <= most,
                )
        checked = results.of(scenario, "hashing", FIRST)
        if checked:
            wrong = [run.wrong for run in checked if run.wrong]
            yield Verdict(
                f"hashing alone, {title}: the output, byte for byte",
                wrong[0] if wrong else "the same",
                "the same",
                not wrong,
            )
    # Where there is no target in times of the floor.
    for scenario, local, title, cases in (
        ("azurite-40ms", "hashing-1000", "1,000 files, Azurite, 40 ms", (FIRST,)),
        ("null-40ms", "hashing-1000", "1,000 files, null server, 40 ms", TWO),
        ("null-5000", "hashing-5000", "5,000 files, null server, loopback", (FIRST,)),
    ):
        for case in cases:
            whole = results.figure(scenario, "hashed", case)
            unhashed = results.figure(scenario, "plain", case)
            django = results.figure(local, "django-manifest", case)
            if whole and unhashed and django:
                asked = unhashed.median + django.median / 2
                yield Verdict(
                    f"hashed publish, {title}, {CASES[case]}",
                    spread(whole, " s"),
                    f"≤ {number(asked)} s: unhashed and half of Django's hashing",
                    whole.median <= asked,
                )


def _media(results: Results) -> Iterator[Verdict]:
    for scenario in ("media-loopback", "media-40ms"):
        for case in MEDIA:
            for what, label in (("wall", "time"), ("cpu", "CPU"), ("memory", "memory")):
                ours = results.figure(scenario, "migratemedia", case, what)
                peer = results.figure(scenario, "azcopy-media", case, what)
                ratio = results.ratio(scenario, case, "migratemedia", "azcopy-media")
                if not ours or not peer or not ratio:
                    continue
                unit = " MB" if what == "memory" else " s"
                title = f"{SCENARIOS[scenario].title}, {CASES[case]}: {label}"
                measured = f"{spread(ours, unit)}; azcopy {spread(peer, unit)}"
                if what == "wall":
                    measured += f"; {range_of(ratio)} of azcopy's"
                    yield Verdict(title, measured, "≤ 1 of azcopy's", ratio.median <= 1)
                else:
                    yield Verdict(title, measured, "given", reached=True)


def _saving(results: Results) -> Iterator[Verdict]:
    for scenario in ("saving", "saving-azurite"):
        title = SCENARIOS[scenario].title
        if ratio := results.ratio(scenario, SAVES, "stock-save", "save"):
            yield Verdict(
                f"{title}, {CASES[SAVES]}: times as fast as django-storages",
                spread(ratio),
                "≥ 3",
                ratio.median >= 3,
            )
        if runs := results.right(scenario, "save", SAVES):
            most = max(sum(run.requests.values()) / run.files for run in runs)
            yield Verdict(f"{title}: requests for each save", f"{most:g}", "1", most == 1)


def _login(results: Results) -> Iterator[Verdict]:
    login = results.facts.get("login")
    if login:
        one, other = login["hashed"], login["plain"]
        for what, parts in (
            ("with its HTML", ("page", "files")),
            ("its static files alone", ("files",)),
        ):
            sent = sum(one[part] for part in parts)
            share = sent / sum(other[part] for part in parts)
            yield Verdict(
                f"admin login page, bytes over the wire, cold, {what}: part of the uncompressed",
                f"{share:.1%} ({sent:,} bytes)",
                "≤ 35%",
                share <= 0.35,
            )
