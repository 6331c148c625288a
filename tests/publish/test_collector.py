"""Python's collector of cycles rests during a publish, and works again after it."""

from __future__ import annotations

import gc

import pytest

from azureblob.management.commands.collectstatic import gc_paused


def test_it_rests_and_is_back_after_a_failure() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), gc_paused():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_whoever_has_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
