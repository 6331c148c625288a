"""Settings combined: what the program declares is what Microsoft's models allow."""

from __future__ import annotations

import itertools

import pulumi
import pytest

from tests.truth.program import problems
from tests.truth.settings import CHOICES, TOGETHER, together

Combination = tuple[str, ...]


@pytest.mark.parametrize("choices", TOGETHER)
def test_a_combination_sends_nothing_that_the_models_do_not_allow(choices: str) -> None:
    assert problems(together(choices.split())) == []


@pytest.fixture(scope="module")
def every_combination() -> dict[Combination, list[str]]:
    """The problems of each combination that the program accepts."""
    found: dict[Combination, list[str]] = {}
    for choices in itertools.product(*CHOICES):
        try:
            found[choices] = problems(together(choices))
        except pulumi.RunError:
            continue  # a contradiction, such as a Front Door that does not reach the account
    return found


@pytest.mark.endurance
def test_no_combination_sends_anything_that_the_models_do_not_allow(
    every_combination: dict[Combination, list[str]],
) -> None:
    assert {choices: wrong for choices, wrong in every_combination.items() if wrong} == {}
    assert len(every_combination) > 500


@pytest.mark.endurance
def test_every_two_choices_that_go_together_are_combined_in_each_run(
    every_combination: dict[Combination, list[str]],
) -> None:
    def pairs(choices: Combination) -> set[tuple[tuple[int, str], tuple[int, str]]]:
        return set(itertools.combinations(enumerate(choices), 2))

    accepted = set().union(*map(pairs, every_combination))
    assert set().union(*(pairs(tuple(choices.split())) for choices in TOGETHER)) == accepted
