"""Spans of time on the command line."""

from __future__ import annotations

import argparse
import re

from django.core.management.base import CommandParser

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Times so far back overflow, and whoever asks for more means something else.
_LONGEST_SECONDS = 36_500 * 86_400.0


def duration(text: str) -> float:
    """Seconds of `30d`, `12h`, `45m`, `90s` or `0`. Raises ArgumentTypeError."""
    found = re.fullmatch(r"([0-9]+)([smhd])|0", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time: 30d, 12h, 45m, 90s or 0")
    seconds = float(found[1] or 0) * _UNITS[found[2] or "s"]
    if seconds > _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is longer than a hundred years")
    return seconds


def add_clearing_arguments(parser: CommandParser, *, default: str, kept: str) -> None:
    """The arguments of a command that clears away; `kept` says what is, within the span."""
    parser.add_argument(
        "--older-than",
        type=duration,
        default=default,
        metavar="SPAN",
        help=f"Keep what was {kept} within this span: {default} (default), 12h, 45m, 90s or 0.",
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="Name what would be deleted, no more."
    )
