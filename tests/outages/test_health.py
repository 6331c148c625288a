"""/healthz under gunicorn: for any Host header, and while every other thread waits for storage."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults import Fault, Rule
from tests.outages.conftest import HOST, THREADS, Answer, Place, Site

PROMISE_SECONDS = 2
# For a machine that is busy with other tests.
MARGIN = 1.5


@pytest.fixture(scope="module")
def redirecting(place: Place) -> Iterator[Site]:
    """The site as it is deployed: with ALLOWED_HOSTS, and a redirect to https."""
    with place.running(TEST_SSL_REDIRECT="true") as site:
        yield site


@pytest.mark.parametrize(
    "host",
    ["10.2.3.4", "10.2.3.4:8000", "[fd00::7]:8000", "web-5d4f9c7b8-x2x9z", "localhost", HOST],
)
def test_a_probe_is_answered_whatever_its_host_header_says(redirecting: Site, host: str) -> None:
    answer = redirecting.get("/healthz", host=host)
    assert (answer.status, json.loads(answer.text)["status"]) == (200, "ok")
    assert redirecting.ask("HEAD", "/healthz", host=host).status == 200
    assert redirecting.ask("POST", "/healthz", host=host).status == 405


@pytest.mark.parametrize("path", ["/", "/healthz/", "/healthz/x", "//healthz", "/admin/login/"])
def test_every_other_path_is_for_the_hosts_that_are_allowed(redirecting: Site, path: str) -> None:
    for host in ("10.2.3.4", "evil.example"):
        answer = redirecting.get(path, host=host)
        assert answer.status == 400
        assert "evil.example" not in answer.headers.get("Location", "")
    assert redirecting.get("/", host=HOST).status == 301


@pytest.mark.parametrize("threads", [THREADS, 4])
def test_health_is_answered_in_time_while_all_visitors_wait_for_storage(
    place: Place, heal: Callable[[], None], threads: int
) -> None:
    """The pages are cold: all of their threads want the manifest."""
    with place.running("--threads", str(threads), AZURE_REQUEST_SECONDS="4") as site:
        place.proxy.rules = [Rule(fault=Fault.HANG)]
        answers: list[Answer] = []
        visitors = [
            threading.Thread(target=lambda: answers.append(site.get("/")))
            for _ in range(2 * threads)
        ]
        for visitor in visitors:
            visitor.start()
        time.sleep(0.1)
        begin = time.monotonic()
        probes = [site.get("/healthz") for _ in range(2)]
        assert time.monotonic() - begin < 2 * (PROMISE_SECONDS + MARGIN)
        for probe in probes:
            assert probe.status == 503
            assert json.loads(probe.text)["checks"]["static"] == "timeout"
            assert probe.seconds < PROMISE_SECONDS + MARGIN
        for visitor in visitors:
            visitor.join()
        assert {answer.status for answer in answers} == {503}
        assert max(answer.seconds for answer in answers) < 4 + 3
        heal()
        assert site.get("/healthz").status == 200
        site.said()
