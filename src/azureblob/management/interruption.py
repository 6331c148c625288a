"""Ctrl-C and SIGTERM end a command with a sentence, after it has cleaned up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.management.base import CommandError

# The convention of shells: 128 plus the signal's number.
_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as from a CI job that is cancelled. By default it would end the process at once, and
    leave temporary files and leases behind."""


@contextmanager
def interrupt_message(text: str) -> Iterator[None]:
    """When interrupted, let the block clean up, then raise a CommandError with this text."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_main_thread else None
    try:
        yield
    except _Terminated:
        raise CommandError(text, returncode=_TERMINATED) from None
    except KeyboardInterrupt:
        raise CommandError(text, returncode=_INTERRUPTED) from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated
