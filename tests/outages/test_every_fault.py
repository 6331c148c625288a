"""Every operation under every fault, with the budget that sites have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from azureblob.timeouts import REQUEST_SECONDS
from tests.faults import Fault, Rule
from tests.outages.conftest import THREADS, Place, Site
from tests.outages.operations import MARGIN, Operation, operations, tried

pytestmark = pytest.mark.endurance

FAULTS: dict[str, Rule | None] = {
    "down": None,
    "stalled for 30 s": Rule(delay=30_000),
    "hanging": Rule(fault=Fault.HANG),
    "trickling": Rule(fault=Fault.TRICKLE),
    "trickling bodies": Rule(fault=Fault.TRICKLE_BODY),
    "resetting": Rule(fault=Fault.RESET),
    "refusing": Rule(status=403),
    "without containers": Rule(status=404, code="ContainerNotFound"),
    "busy": Rule(status=503, retry_after=1),
    "busy for long": Rule(status=503, retry_after=60),
}
OPEN = 0.5


@pytest.fixture(scope="module")
def site(place: Place) -> Iterator[Site]:
    with place.running(TEST_OPEN_SECONDS=str(OPEN)) as running:
        assert running.get("/").status == 200
        yield running


def failing(place: Place, rule: Rule | None) -> Callable[[], None]:
    def fail() -> None:
        if rule is None:
            place.proxy.cut()
        else:
            place.proxy.rules = [rule]

    return fail


# Most answers have no body: there it changes nothing.
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "trickling bodies"])
def test_every_operation_ends_within_the_budget(
    site: Site, place: Place, heal: Callable[[], None], fault: str
) -> None:
    def well() -> None:
        heal()
        time.sleep(OPEN + 0.1)

    wanted: list[Operation] = operations()
    fail = failing(place, FAULTS[fault])
    assert list(tried(site, wanted, fail, well, REQUEST_SECONDS)) == []
    site.said()


def test_a_file_that_comes_a_byte_at_a_time_is_looked_at_within_the_budget(
    site: Site, place: Place, heal: Callable[[], None]
) -> None:
    wanted = [operation for operation in operations() if operation.name == "finish"]
    fail = failing(place, FAULTS["trickling bodies"])
    assert list(tried(site, wanted, fail, heal, REQUEST_SECONDS, health=200)) == []
    site.said()


@pytest.mark.parametrize("fault", FAULTS)
def test_cold_pages_end_within_the_budget_and_come_back(
    place: Place, heal: Callable[[], None], fault: str
) -> None:
    with place.running() as cold:
        failing(place, FAULTS[fault])()
        for path in ("/", "/admin/login/", "/"):
            answer = cold.get(path)
            assert answer.status == 503
            assert answer.seconds < REQUEST_SECONDS + MARGIN
            assert "Temporarily unavailable" in answer.text
        health = cold.get("/healthz")
        # It asks for heads alone, which have no body.
        assert health.status == (200 if fault == "trickling bodies" else 503)
        assert health.seconds < 2 + MARGIN
        heal()
        deadline = time.monotonic() + 40
        while cold.get("/").status == 503 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert cold.get("/").status == 200
        cold.said()


def test_visitors_by_the_dozen_do_not_wait_for_one_another(
    place: Place, heal: Callable[[], None]
) -> None:
    import threading

    with place.running() as cold:
        place.proxy.rules = [Rule(fault=Fault.HANG)]
        seconds: list[float] = []
        visitors = [
            threading.Thread(target=lambda: seconds.append(cold.get("/").seconds))
            for _ in range(6 * THREADS)
        ]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        assert max(seconds) < REQUEST_SECONDS + MARGIN
        cold.said()
