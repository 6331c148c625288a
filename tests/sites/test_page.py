"""docs/sites.md: each row says what its run found, and no row that differs is called the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sites import page
from sites.catalogue import ALL
from sites.results import Results, Row


def results(tmp_path: Path, *rows: Row) -> Results:
    found = Results(tmp_path / "results.json")
    for row in rows:
        found.keep(row)
    return found


def row(package: str = "django-a", django: str = "5.2.1", **more: object) -> Row:
    return Row(package, "1.0", django, **{"files": 1200, "pages": 4, **more})  # type: ignore[arg-type]


def test_a_row_has_a_cell_for_each_line_of_django(tmp_path: Path) -> None:
    text = page.render(results(tmp_path, row(), row(django="6.1.3", wrong=["1 missing: a.css"])))
    assert "| package | files | Django 5.2 | Django 6.1 |" in text
    assert "| django-a 1.0 | 1,200 | same | **differs**: 1 publishing |" in text
    assert "- django-a, Django 6.1: 1 missing: a.css" in text


@pytest.mark.parametrize("kind", ["wrong", "types", "failures", "uploads"])
def test_any_deviation_makes_a_row_differ(kind: str) -> None:
    given: dict[str, Any] = {kind: ["something"]}
    assert page.cell(row(**given)).startswith("**differs**: 1 ")


def test_a_package_that_does_not_run_is_no_pass(tmp_path: Path) -> None:
    text = page.render(results(tmp_path, row(unsupported="it needs <Django 6>")))
    assert "| django-a 1.0 | 1,200 | not supported |" in text
    assert "- django-a, Django 5.2: it needs \\<Django 6\\>" in text


def test_pages_that_were_not_opened_are_not_passed(tmp_path: Path) -> None:
    assert page.cell(row(pages=0)) == "same; no pages opened"


def test_what_fails_with_django_itself_as_well_is_told_apart() -> None:
    found = row(own="ValueError: a.png", same=["/: 404 for a.png"])
    assert page.cell(found) == "same; refused by Django as well; 1 error in pages with both"


def test_a_run_that_is_missing_is_called_so(tmp_path: Path) -> None:
    text = page.render(results(tmp_path, row(), row("django-b", "6.0.1")))
    assert "| django-b 1.0 | 1,200 | not run | same |" in text


def test_the_site_of_all_packages_is_the_last_row(tmp_path: Path) -> None:
    lines = page.render(results(tmp_path, row(ALL), row("zebra"))).splitlines()
    assert [line[:12] for line in lines[3:5]] == ["| zebra 1.0 ", f"| {ALL[:10]}"]


def test_a_later_run_replaces_the_row_and_is_kept(tmp_path: Path) -> None:
    results(tmp_path, row(wrong=["bad"]), row())
    [kept] = Results(tmp_path / "results.json").rows.values()
    assert not kept.differs


def test_a_page_without_the_markers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no part between"):
        page.replaced("# A page\n", results(tmp_path))


def test_what_stands_around_the_markers_stays(tmp_path: Path) -> None:
    made = page.replaced(
        f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", results(tmp_path, row())
    )
    assert made.startswith("before\n")
    assert made.endswith("\nafter\n")
    assert "old" not in made
