"""Medians and ratios of runs, and the file that stores them."""

from __future__ import annotations

from pathlib import Path

from bench.results import Figure, Results
from bench.scenarios import GROUPS, SCENARIOS, chosen, rotated
from tests.bench.conftest import run


def test_a_figure_is_a_median_with_lowest_highest_and_number() -> None:
    assert Figure.of([5, 1, 2]) == Figure(2, 1, 5, 3)
    assert Figure.of([4, 1]) == Figure(2.5, 1, 4, 2)
    assert Figure.of([]) is None


def test_a_ratio_is_made_round_by_round(results: Results) -> None:
    assert results.ratio("azurite-40ms", "first", "plain", "floor") == Figure(1.5, 1.0, 2.0, 3)


def test_a_round_that_only_one_of_two_finished_makes_no_ratio(results: Results) -> None:
    results.runs = [r for r in results.runs if (r.competitor, r.round) != ("floor", 3)]
    ratio = results.ratio("azurite-40ms", "first", "plain", "floor")
    assert ratio == Figure(1.25, 1.0, 1.5, 2)


def test_what_ended_wrong_is_no_figure(results: Results) -> None:
    results.runs.append(run("plain", "first", 0.0, 4, wrong="2 files are missing"))
    figure = results.figure("azurite-40ms", "plain", "first")
    assert figure == Figure(3.0, 2.0, 8.0, 3)


def test_cpu_of_a_file_leaves_out_what_a_run_with_nothing_to_send_takes(results: Results) -> None:
    results.runs.append(run("plain", "unchanged", 1.0, 1))
    assert results.cpu_per_file("azurite-40ms", "plain") == Figure(2.0, 2.0, 2.0, 1)


def test_a_scenario_measured_again_takes_the_place_of_its_old_runs(results: Results) -> None:
    results.runs.append(run("plain", "first", 1.0, scenario="null-5000"))
    results.replace("azurite-40ms", [run("floor", "first", 9.0)])
    assert [(r.scenario, r.wall) for r in results.runs] == [("null-5000", 1.0), ("azurite-40ms", 9)]


def test_results_are_the_same_after_writing_and_reading(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json")
    assert Results.read(tmp_path / "results.json") == results
    assert Results.read(tmp_path / "none.json") == Results()


def test_over_the_rounds_each_competitor_comes_at_each_place() -> None:
    names = ["a", "b", "c"]
    orders = [rotated(names, round_) for round_ in range(3)]
    assert [sorted(places) for places in zip(*orders, strict=True)] == [names] * 3


def test_rounds_are_those_that_a_competitor_has_run(results: Results) -> None:
    results.runs.append(run("stock", "first", 9.0, 1))
    assert results.rounds("azurite-40ms", "plain") == {1, 2, 3}
    assert results.rounds("azurite-40ms", "stock") == {1}
    assert results.rounds("null-5000", "plain") == set()


def test_memory_that_was_not_measured_is_not_written(results: Results, tmp_path: Path) -> None:
    results.runs = [run("plain", "first", 1.0), run("floor", "first", 1.0, memory=40.5)]
    results.write(tmp_path / "results.json")
    lines = (tmp_path / "results.json").read_text().splitlines()
    assert ['"memory"' in line for line in lines if '"wall"' in line] == [False, True]
    assert Results.read(tmp_path / "results.json") == results


def test_no_name_chooses_every_scenario() -> None:
    assert chosen([]) == list(SCENARIOS.values())


def test_a_group_chooses_its_scenarios_with_its_competitors_alone() -> None:
    table = {scenario.name: scenario for scenario in chosen(["table"])}
    assert {"null-20000", "null-5000", "azurite-40ms", "hashing-5000"} <= table.keys()
    assert set(table["azurite-40ms"].who) == {"floor", "hashed"}
    assert table["hashing-5000"] == SCENARIOS["hashing-5000"]


def test_three_rounds_of_the_table_take_less_than_a_quarter_of_an_hour() -> None:
    assert 3 * sum(scenario.seconds for scenario in GROUPS["table"]) < 900
