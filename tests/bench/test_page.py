"""docs/performance.md shows what was measured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bench import chart, page
from bench.results import Results
from bench.targets import verdicts
from tests.bench.conftest import run


def test_the_page_and_the_picture_are_those_of_their_data() -> None:
    measured = Results.read(page.DATA)
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.replaced(text, measured) == text
    if measured.runs:
        assert page.PICTURE.read_text(encoding="utf-8") == chart.render(measured)


def test_a_page_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no part between"):
        page.replaced("# A page\n", Results())


def test_what_stands_around_the_markers_stays(results: Results) -> None:
    made = page.replaced(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", results)
    assert made.startswith("before\n")
    assert made.endswith("\nafter\n")
    assert "old" not in made


def test_a_target_that_is_missed_is_called_missed(results: Results) -> None:
    [floor] = [v for v in verdicts(results) if "times the floor" in v.figure]
    measured = "1.50 [1.00–2.00] (n = 3)"
    assert (floor.measured, floor.asked, floor.reached) == (measured, "≤ 1.3", False)
    assert f"| {measured} | ≤ 1.3 | **no** |" in page.render(results)


def test_a_target_that_is_reached_is_called_reached(results: Results) -> None:
    results.runs = [r for r in results.runs if r.round == 2]
    assert "| 1.00 [1.00–1.00] (n = 1) | ≤ 1.3 | yes |" in page.render(results)


def test_what_was_not_measured_has_no_verdict(results: Results) -> None:
    assert not [v for v in verdicts(results) if "collectfasta" in v.figure]


def test_a_competitor_that_left_something_wrong_is_shown_so(results: Results) -> None:
    results.runs.append(run("stock", "first", 5.0, wrong="2 files are missing, a among them"))
    text = page.render(results)
    assert "| django-storages | wrong 1 of 1 times: 2 files are missing, a among them |" in text


def test_a_competitor_that_was_not_measured_is_named(results: Results) -> None:
    text = page.render(results)
    assert "Not measured: " in text
    assert "azcopy sync" in text


@pytest.mark.parametrize(
    ("scenario", "case", "seconds", "asked", "reached"),
    [
        ("null-20000", "unchanged", 1.6, "≤ 1.6", True),
        ("null-20000", "unchanged", 1.7, "≤ 1.6", False),
        ("null-5000", "unchanged", 1.7, "≤ 1.6", False),
        ("null-5000", "changed", 1.9, "≤ 2", True),
        ("azurite-40ms", "unchanged", 1.5, "≤ 1.4", False),
    ],
)
def test_hashed_publishing_has_its_own_bound(
    scenario: str, case: str, seconds: float, asked: str, reached: bool
) -> None:
    results = Results()
    results.runs = [
        run("hashed", case, seconds, scenario=scenario),
        run("floor", case, 1.0, scenario=scenario),
    ]
    [verdict] = [v for v in verdicts(results) if "times the floor" in v.figure]
    assert (verdict.asked, verdict.reached) == (asked, reached)


def test_hashing_5000_files_has_the_lower_bound() -> None:
    results = Results()
    for scenario in ("hashing-1000", "hashing-5000"):
        for competitor, wall in (("hashing", 0.2), ("django-manifest", 1.0)):
            results.runs.append(run(competitor, "first", wall, scenario=scenario))
    found = [v for v in verdicts(results) if "part of Django's time" in v.figure]
    assert [(v.asked, v.reached) for v in found] == [("≤ 0.5", True), ("≤ 0.1", False)]


def test_seconds_per_file_that_grow_by_more_than_a_third_miss_the_target() -> None:
    results = Results()
    for files, wall in ((1000, 1.0), (5000, 4.0), (20000, 20.0)):
        scenario = f"null-{files}"
        results.runs.append(run("hashed", "first", wall, scenario=scenario, files=files))
    results.runs.append(run("hashed", "first", 50.0, scenario="null-50000", files=50000))
    [growth] = [v for v in verdicts(results) if "seconds per file" in v.figure]
    assert (growth.measured, growth.reached) == ("1.25 [1.25–1.25] times (n = 1)", True)
    results.runs.append(run("hashed", "first", 60.0, 2, scenario="null-50000", files=50000))
    results.runs.append(run("hashed", "first", 60.0, 3, scenario="null-50000", files=50000))
    [growth] = [v for v in verdicts(results) if "seconds per file" in v.figure]
    assert not growth.reached


def test_the_memory_of_each_round_counts() -> None:
    results = Results()
    for round_, memory in ((1, 100.0), (2, 90.0), (3, 151.0)):
        results.runs.append(
            run("hashed", "first", 1.0, round_, scenario="one-large", memory=memory)
        )
    [memory_row] = [v for v in verdicts(results) if v.figure.startswith("memory")]
    assert (memory_row.measured, memory_row.reached) == ("100 [90.0–151] MB (n = 3)", False)


def test_media_must_be_as_fast_as_azcopy_and_its_cpu_and_memory_are_given() -> None:
    results = Results()
    for competitor, wall in (("migratemedia", 1.2), ("azcopy-media", 1.0)):
        results.runs.append(run(competitor, "up", wall, scenario="media-40ms", memory=100.0 * wall))
    found = {v.figure.rpartition(": ")[2]: v for v in verdicts(results)}
    assert found.keys() == {"time", "CPU", "memory"}
    assert (found["time"].asked, found["time"].reached) == ("≤ 1 of azcopy's", False)
    assert "azcopy 100 [100–100] MB (n = 1)" in found["memory"].measured


def test_saving_takes_one_request_and_a_third_of_the_time_of_django_storages() -> None:
    results = Results()
    for competitor, wall, requests in (("save", 1.0, 1000), ("stock-save", 2.9, 2000)):
        results.runs.append(
            run(competitor, "saves", wall, scenario="saving", requests={"PUT": requests})
        )
    found = [(v.measured, v.asked, v.reached) for v in verdicts(results)]
    assert found == [("2.90 [2.90–2.90] (n = 1)", "≥ 3", False), ("1", "1", True)]


def test_the_cpu_of_everything_else_is_told(results: Results) -> None:
    results.runs.append(run("stock", "first", 10.0, other=2.5))
    assert "at most 2.50 s in one run of 10.0 s" in page.render(results)


def test_the_picture_is_one_with_a_bar_for_each(results: Results) -> None:
    picture = ET.fromstring(chart.render(results))  # noqa: S314
    bars = [r for r in picture.iter("{http://www.w3.org/2000/svg}rect") if r.get("x")]
    assert len(bars) == 2
    widths = sorted(float(bar.get("width", "0")) for bar in bars)
    assert widths[1] / widths[0] == pytest.approx(1.5, rel=0.01)
