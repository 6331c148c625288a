"""What was asked of publishing, held against what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import Figure, Results
from bench.scenarios import ALL, CASES, CHANGED, FIRST, TOUCHED, TWO, UNCHANGED

PER_LIST = 5000
_AZCOPY_SECONDS = 6.1  # azcopy sync's first run, measured elsewhere; it is on no package index


@dataclass(frozen=True)
class Verdict:
    """One figure: what was measured, what was asked, and whether that is reached."""

    figure: str
    measured: str
    asked: str
    reached: bool


def verdicts(results: Results) -> list[Verdict]:
    """Of all that was measured; what was not is left out."""
    return [
        *_requests(results),
        *_cpu(results),
        *_against_floor(results),
        *_against_peers(results),
        *_hashing(results),
        *_login(results),
    ]


def number(value: float) -> str:
    """Three digits, as far as they say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(figure: Figure) -> str:
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
            # The list, the files, the manifest with its copy, and the render cache.
            asked = runs[0].files + 4
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
                    f"client CPU a file sent, {title}, {label}",
                    f"{spread(figure)} ms",
                    "≤ 0.6 ms",
                    figure.median <= 0.6,
                )


def _against_floor(results: Results) -> Iterator[Verdict]:
    for scenario, title, cases, most in (
        ("azurite-40ms", "1,000 files, Azurite, 40 ms", ALL, 1.3),
        ("null-40ms", "1,000 files, null server, 40 ms", TWO, 1.5),
        ("null-5000", "5,000 files, null server, loopback", TWO, 1.5),
        ("null-20000", "20,000 files, null server, loopback", TWO, 1.5),
    ):
        for case in cases:
            figure = results.ratio(scenario, case, "plain", "floor")
            if figure:
                yield Verdict(
                    f"{title}, {CASES[case]}: times the floor",
                    spread(figure),
                    f"≤ {most}",
                    figure.median <= most,
                )


def _against_peers(results: Results) -> Iterator[Verdict]:
    azurite = "1,000 files, Azurite, 40 ms"
    null = "5,000 files, null server, loopback"
    for scenario, title, case, peer, label, least in (
        ("azurite-40ms", azurite, FIRST, "stock", "django-storages", 50),
        ("azurite-40ms", azurite, UNCHANGED, "stock", "django-storages", 115),
        ("azurite-40ms", azurite, CHANGED, "stock", "django-storages", 110),
        ("azurite-40ms", azurite, TOUCHED, "stock", "django-storages", 360),
        ("azurite-40ms", azurite, FIRST, "collectfasta", "collectfasta", 4.5),
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
    first = results.figure("azurite-40ms", "plain", FIRST)
    if first:
        times = Figure(
            _AZCOPY_SECONDS / first.median,
            _AZCOPY_SECONDS / first.high,
            _AZCOPY_SECONDS / first.low,
            first.n,
        )
        yield Verdict(
            f"{azurite}, first: times as fast as azcopy's {_AZCOPY_SECONDS} s, measured elsewhere",
            spread(times),
            "≥ 2.2",
            times.median >= 2.2,
        )


def _hashing(results: Results) -> Iterator[Verdict]:
    for scenario, title in (("hashing-1000", "1,000 files"), ("hashing-5000", "5,000 files")):
        for case in TWO:
            figure = results.ratio(scenario, case, "hashing", "django-manifest")
            if figure:
                yield Verdict(
                    f"hashing alone, {title}, {CASES[case]}: part of Django's time",
                    spread(figure),
                    "≤ 0.5",
                    figure.median <= 0.5,
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
    for scenario, local, title in (
        ("azurite-40ms", "hashing-1000", "1,000 files, Azurite, 40 ms"),
        ("null-40ms", "hashing-1000", "1,000 files, null server, 40 ms"),
        ("null-5000", "hashing-5000", "5,000 files, null server, loopback"),
    ):
        for case in TWO:
            whole = results.figure(scenario, "hashed", case)
            unhashed = results.figure(scenario, "plain", case)
            django = results.figure(local, "django-manifest", case)
            if whole and unhashed and django:
                asked = unhashed.median + django.median / 2
                yield Verdict(
                    f"hashed publish, {title}, {CASES[case]}",
                    f"{spread(whole)} s",
                    f"≤ {number(asked)} s: unhashed and half of Django's hashing",
                    whole.median <= asked,
                )


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
