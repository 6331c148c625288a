"""docs/performance.md: what stands in it is what was measured."""

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
    assert (floor.measured, floor.asked, floor.reached) == ("1.50 [1.00–2.00]", "≤ 1.3", False)
    assert "| 1.50 [1.00–2.00] | ≤ 1.3 | **no** |" in page.render(results)


def test_a_target_that_is_reached_is_called_reached(results: Results) -> None:
    results.runs = [r for r in results.runs if r.round == 2]
    assert "| 1.00 [1.00–1.00] | ≤ 1.3 | yes |" in page.render(results)


def test_what_was_not_measured_has_no_verdict(results: Results) -> None:
    assert not [v for v in verdicts(results) if "collectfasta" in v.figure]


def test_a_competitor_that_left_something_wrong_is_shown_so(results: Results) -> None:
    results.runs.append(run("stock", "first", 5.0, wrong="2 files are missing, a among them"))
    text = page.render(results)
    assert "| django-storages | wrong 1 of 1 times: 2 files are missing, a among them |" in text


def test_the_cpu_of_everything_else_is_told(results: Results) -> None:
    results.runs.append(run("stock", "first", 10.0, other=2.5))
    assert "at most 2.50 s in one run of 10.0 s" in page.render(results)


def test_the_picture_is_one_with_a_bar_for_each(results: Results) -> None:
    picture = ET.fromstring(chart.render(results))  # noqa: S314
    bars = [r for r in picture.iter("{http://www.w3.org/2000/svg}rect") if r.get("x")]
    assert len(bars) == 2
    widths = sorted(float(bar.get("width", "0")) for bar in bars)
    assert widths[1] / widths[0] == pytest.approx(1.5, rel=0.01)
