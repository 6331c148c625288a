"""A call in a thread that ends with the block that began it."""

from __future__ import annotations

import threading

import pytest

from azureblob.publish.background import InBackground


def test_the_result_or_the_error_of_the_call_is_that_of_result() -> None:
    with InBackground(lambda: 1, lambda: None) as call:
        assert call.result() == call.result() == 1
    with InBackground(lambda: 1 // 0, lambda: None) as call, pytest.raises(ZeroDivisionError):
        call.result()


def test_a_call_that_has_not_ended_when_the_block_is_left_is_cancelled() -> None:
    cancelled = threading.Event()
    threads = set(threading.enumerate())

    def call() -> None:
        assert cancelled.wait(60)
        raise ValueError("cancelled")

    with pytest.raises(KeyError), InBackground(call, cancelled.set):
        raise KeyError
    assert set(threading.enumerate()) == threads


def test_a_call_that_has_ended_is_not_cancelled() -> None:
    cancelled = threading.Event()
    with InBackground(lambda: None, cancelled.set) as call:
        call.result()
    assert not cancelled.is_set()


def test_a_call_is_waited_for_no_longer_than_wanted() -> None:
    go_on = threading.Event()
    with InBackground(lambda: go_on.wait(60), go_on.set) as call:
        assert not call.ends_within(0.01)
        go_on.set()
        assert call.ends_within(60)
        assert call.result()
