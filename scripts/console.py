"""What the user sees: one line for each step with its time, and each problem as one sentence; and
what the user's Ctrl-C does."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


class Problem(Exception):
    """Something the user can fix: the text says what is wrong and what to type next."""


@dataclass
class Step:
    """A step in progress; its `text` may be made more specific while it runs."""

    text: str


def is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(code: str, text: str) -> str:
    """The text in an ANSI colour, on a terminal and without NO_COLOR."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def mark(sign: str, plain: str) -> str:
    """The sign, or its plain replacement if the output cannot encode it."""
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain
    return sign


@contextmanager
def step(text: str) -> Iterator[Step]:
    """Print the step with the seconds that it took; a terminal shows it while it runs, too."""
    current = Step(text)
    started = time.monotonic()
    if is_terminal():
        print(f"{mark('…', '.')} {text}", end="", flush=True)
    sign = paint("31", mark("✗", "x"))
    try:
        yield current
        sign = paint("32", mark("✓", "+"))
    finally:
        erase = "\r\x1b[K" if is_terminal() else ""
        seconds = paint("2", f"{time.monotonic() - started:.1f} s")
        say(f"{erase}{sign} {current.text}  {seconds}")


@contextmanager
def foreground_process_group() -> Iterator[None]:
    """Take the terminal's foreground, so that Ctrl-C reaches this process and not `make` above it.

    `make` would answer it with 'Error 130', where ending the site is what the user meant. Without a
    terminal, or where this process leads its group already, nothing changes.
    """
    try:
        descriptor = sys.stdin.fileno()
        before = os.tcgetpgrp(descriptor)
        is_in_group = before == os.getpgrp() != os.getpid()
    except (OSError, ValueError, AttributeError):
        is_in_group = False
    if not is_in_group:
        yield
        return
    # A process outside the foreground is stopped when it hands the terminal over; and Ctrl-Z would
    # stop this one where no shell waits to wake it.
    with ignored(signal.SIGTTOU, signal.SIGTSTP):
        try:
            os.setpgid(0, 0)
            os.tcsetpgrp(descriptor, os.getpgrp())
            yield
        finally:
            with suppress(OSError):
                os.tcsetpgrp(descriptor, before)
                os.setpgid(0, before)


@contextmanager
def ignored(*signals: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def entry(work: Callable[[], int]) -> int:
    """Run a target; its result is the exit status, which is 1 for a problem, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return work()
    except Problem as problem:
        print(f"{paint('31', 'error:')} {problem}", file=sys.stderr)
    except BrokenPipeError:
        # The reader of our output is gone; keep Python from reporting that a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"{paint('31', 'error:')} the system refused{where}: {error.strerror or error}. "
            "Check what is there, its owner and the free space, then run it again",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on from here.", file=sys.stderr)
        return 130
    return 1
