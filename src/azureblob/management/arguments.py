"""Arguments that commands share."""

from __future__ import annotations

import argparse
import re

from django.core.management.base import CommandParser

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# A time further back would overflow, and is a mistake.
_MAX_SECONDS = 36_500 * 86_400.0


def duration(text: str) -> float:
    """Seconds of `30d`, `12h`, `45m`, `90s` or `0`. Raises ArgumentTypeError."""
    found = re.fullmatch(r"([0-9]+)([smhd])|0", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time: 30d, 12h, 45m, 90s or 0")
    seconds = float(found[1] or 0) * _UNITS[found[2] or "s"]
    if seconds > _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is longer than a hundred years")
    return seconds


def add_deletion_arguments(parser: CommandParser, *, default: str, retained: str) -> None:
    """--older-than and --dry-run, for a command that deletes. `retained` says which blobs are not
    deleted if that was within the span: "live", "uploaded"."""
    parser.add_argument(
        "--older-than",
        type=duration,
        default=default,
        metavar="SPAN",
        help=f"Retain what was {retained} within this span: {default} (default), 12h, 45m, 90s "
        "or 0.",
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="Only name what would be deleted."
    )
