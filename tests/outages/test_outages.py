"""The site while its storage is down, stalls, trickles or refuses: always an answer, and in time.

A short budget and some faults here; test_every_fault.py has all of them with the usual budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults import Fault, Rule
from tests.outages.conftest import Place, Site
from tests.outages.operations import MARGIN, operations, tried

BUDGET = 0.8
OPEN = 0.3


@pytest.fixture(scope="module")
def site(place: Place) -> Iterator[Site]:
    with place.running(AZURE_REQUEST_SECONDS=str(BUDGET), TEST_OPEN_SECONDS=str(OPEN)) as running:
        assert running.get("/").status == 200
        yield running


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (Rule(fault=Fault.HANG), {"finish", "50 tokens", "delete"}),
        (Rule(status=403), {operation.name for operation in operations()}),
    ],
    ids=["hang", "refused"],
)
def test_every_operation_ends_within_the_budget_with_a_page(
    site: Site, place: Place, heal: Callable[[], None], rule: Rule, names: set[str]
) -> None:
    def fail() -> None:
        place.proxy.rules = [rule]

    def well() -> None:
        heal()
        time.sleep(OPEN + 0.1)  # the circuit

    wanted = [operation for operation in operations() if operation.name in names]
    assert list(tried(site, wanted, fail, well, BUDGET)) == []
    log = site.said()
    assert "of a deleted picture could not be deleted" in log
    assert "pictures/" in log
    assert site.get("/healthz").status == 200


def test_cold_pages_are_a_503_with_retry_after_and_fast_from_then_on(
    place: Place, heal: Callable[[], None]
) -> None:
    paths = ("/", "/admin/login/", "/favicon.ico")
    with place.running(AZURE_REQUEST_SECONDS=str(BUDGET), TEST_OPEN_SECONDS="3") as cold:
        place.proxy.rules = [Rule(fault=Fault.TRICKLE_BODY)]
        for path in paths:
            answer = cold.get(path)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
            assert answer.headers["Content-Type"].startswith("text/html")
            assert "Temporarily unavailable" in answer.text
            assert "no-store" in answer.headers["Cache-Control"]
            assert answer.seconds < BUDGET + MARGIN
        place.proxy.take()
        begin = time.monotonic()
        assert {cold.get(path).status for path in 3 * paths} == {503}
        if time.monotonic() - begin < 2:  # else the circuit has let one try again
            assert place.proxy.take() == []
        assert cold.get("/", headers={"Accept": "application/json"}).text.startswith("{")
        heal()
        deadline = time.monotonic() + 30
        while cold.get("/").status == 503 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert [cold.get(path).status for path in paths] == [200, 200, 302]
        cold.said()


def test_a_site_whose_files_were_never_published_says_so_in_its_log_and_not_to_visitors(
    place: Place, heal: Callable[[], None]
) -> None:
    with place.running(AZURE_STATIC_CONTAINER="never-published") as cold:
        answer = cold.get("/")
        assert answer.status == 503
        assert "collectstatic" not in answer.text
        assert "nothing was published. Run manage.py collectstatic" in cold.said()
