"""Garbage collection is paused during a publish, and enabled again after it."""

from __future__ import annotations

import gc

import pytest

from azureblob.management.commands.collectstatic import gc_paused


def test_it_is_paused_and_enabled_again_after_a_failure() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), gc_paused():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_it_stays_disabled_if_it_was_before() -> None:
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
