"""Ctrl-C for us alone."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def foreground_process_group() -> Iterator[None]:
    """Take the terminal's foreground, so that Ctrl-C reaches this process and not `make` above it.

    `make` would answer it with 'Error 130', where ending the site is what the user meant. Without a
    terminal, or where this process leads its group already, nothing changes.
    """
    try:
        descriptor = sys.stdin.fileno()
        before = os.tcgetpgrp(descriptor)
    except (OSError, ValueError, AttributeError):
        yield
        return
    if before != os.getpgrp() or before == os.getpid():
        yield
        return
    # A process outside the foreground is stopped when it hands the terminal over; and Ctrl-Z would
    # stop this one where no shell waits to wake it.
    handlers = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTTOU, signal.SIGTSTP)}
    try:
        os.setpgid(0, 0)
        os.tcsetpgrp(descriptor, os.getpgrp())
        yield
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(descriptor, before)
            os.setpgid(0, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
