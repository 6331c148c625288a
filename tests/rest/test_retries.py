"""When a request is tried again, and after how long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureblob.rest.models import Response
from azureblob.rest.retries import backoff, is_transient, retry_after


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504])
def test_failures_of_the_service_and_of_the_network_are_transient(status: int) -> None:
    assert is_transient(Response(status))


@pytest.mark.parametrize("status", [201, 400, 401, 403, 404, 409, 412, 501])
def test_other_responses_would_be_the_same_another_time(status: int) -> None:
    assert not is_transient(Response(status))


@given(st.integers(1, 40))
def test_waits_begin_well_under_a_second_and_double_up_to_ten_seconds(attempt: int) -> None:
    longest = min(10.0, 0.2 * 2 ** (attempt - 1))
    assert longest / 2 <= backoff(attempt) <= longest


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_any_retry_after_gives_a_wait_that_is_a_number(value: str) -> None:
    assert 0 <= retry_after(value, time.time()) <= 7 * 86400


def test_a_retry_after_is_seconds_or_a_date() -> None:
    now = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
    assert retry_after("7", now) == 7
    assert retry_after("Tue, 14 Nov 2023 22:13:27 GMT", now) == 7
    assert retry_after("Tue, 14 Nov 2023 22:13:10 GMT", now) == 0
    assert retry_after("soon", now) == 0
    assert retry_after("", now) == 0
