"""Ctrl-C and SIGTERM as a sentence, once what was begun has been put in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.management.base import CommandError

# By a shell's custom, 128 and the signal's number.
_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


class _Terminated(KeyboardInterrupt):
    """SIGTERM came, as from a CI job that is cancelled. By itself it would end the process where
    it stands, and leave temporary files and leases behind."""


@contextmanager
def told_as(text: str) -> Iterator[None]:
    """What is within ends with its own clean-up, and then as a CommandError of this text."""
    own = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if own else None
    try:
        yield
    except _Terminated:
        raise CommandError(text, returncode=_TERMINATED) from None
    except KeyboardInterrupt:
        raise CommandError(text, returncode=_INTERRUPTED) from None
    finally:
        if own:
            signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated
