"""A rule picks its requests by what they are and by counting; by chance only as the seed says."""

from __future__ import annotations

import pytest

from tests.faults import Fault, Rule
from tests.faults.rules import Plan


def picked(rule: Rule, requests: list[tuple[str, str, str]], seed: int = 7) -> list[int]:
    """The indexes of the requests that the rule picks."""
    plan = Plan([rule], seed)
    verdicts = [plan.verdict(*request) for request in requests]
    return [number for number, verdict in enumerate(verdicts) if verdict.fault is Fault.RESET]


PUTS = [("PUT", f"/a/c/{number % 4}.css", "") for number in range(12)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(fault=Fault.RESET), list(range(12))),
        (Rule(fault=Fault.RESET, every=5), [4, 9]),
        (Rule(fault=Fault.RESET, first=1), [0, 1, 2, 3]),
        (Rule(fault=Fault.RESET, at=frozenset({2, 7})), [2, 7]),
        (Rule(fault=Fault.RESET, path="*/2.css"), [2, 6, 10]),
        (Rule(fault=Fault.RESET, path="*/2.css", every=2), [6]),
        (Rule(fault=Fault.RESET, path="*/2.css", at=frozenset({0})), [2]),
        (Rule(fault=Fault.RESET, method="GET"), []),
        (Rule(fault=Fault.RESET, probability=0), []),
    ],
)
def test_a_rule_picks_by_path_and_by_counting_what_it_concerns(
    rule: Rule, expected: list[int]
) -> None:
    assert picked(rule, PUTS) == expected


def test_no_comp_is_not_any_comp() -> None:
    requests = [("GET", "/a/c", "list"), ("GET", "/a/c/x", "")]
    assert picked(Rule(comp="", fault=Fault.RESET), requests) == [1]
    assert picked(Rule(comp="list", fault=Fault.RESET), requests) == [0]
    assert picked(Rule(fault=Fault.RESET), requests) == [0, 1]


def test_chance_depends_on_the_seed_and_not_on_the_order_of_arrival() -> None:
    requests = [("PUT", f"/a/c/{number}", "") for number in range(400)]
    rule = Rule(fault=Fault.RESET, probability=0.25)
    hit = picked(rule, requests)
    assert 60 < len(hit) < 140
    assert picked(rule, requests[::-1]) == sorted(399 - number for number in hit)
    assert picked(rule, requests, seed=8) != hit


def test_the_first_fault_wins_and_all_delays_add_up() -> None:
    plan = Plan([Rule(delay=5), Rule(status=503, delay=6), Rule(fault=Fault.RESET)], 0)
    verdict = plan.verdict("GET", "/", "")
    assert (verdict.status, verdict.fault, verdict.delay) == (503, Fault.NONE, 11)


def test_a_rule_can_be_written_in_one_line() -> None:
    text = "PUT */css/* comp=block every=2 first=3 at=1,5 probability=0.5 delay=40 fault=lost"
    assert Rule.parse(text) == Rule(
        "PUT", "*/css/*", "block", 2, 3, frozenset({1, 5}), 0.5, 40, Fault.LOST
    )
    busy = Rule.parse("GET status=503 retry_after=1")
    assert (busy.error_code, busy.retry_after, busy.path) == ("ServerBusy", 1, "*")
    assert Rule.parse("GET status=409 code=BlobImmutable").error_code == "BlobImmutable"


@pytest.mark.parametrize(
    "text", ["PUT a b", "PUT a evry=2", "PUT a every=0", "PUT a status=500 fault=lost"]
)
def test_a_rule_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Rule.parse(text)
