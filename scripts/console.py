"""What the user sees: one line for each step with its time, and each problem as one sentence."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    try:
        yield current
    except BaseException:
        _finish(current.text, paint("31", mark("✗", "x")), started)
        raise
    _finish(current.text, paint("32", mark("✓", "+")), started)


def _finish(text: str, sign: str, started: float) -> None:
    erase = "\r\x1b[K" if is_terminal() else ""
    seconds = paint("2", f"{time.monotonic() - started:.1f} s")
    say(f"{erase}{sign} {text}  {seconds}")


def entry(work: Callable[[], int]) -> int:
    """Run a target; its result is the exit status, which is 1 for a problem, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
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


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
