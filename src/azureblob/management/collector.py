"""Python's collector of cycles, which a command that ends in seconds can do without."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """With thousands of files in memory the collector goes through all of them time and again: a
    fifth of a publish's CPU, for cycles that no publish makes. It is as it was afterwards, as the
    command may have been called from a process that goes on."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
