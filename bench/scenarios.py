"""What is measured: a tree, a server, a line, and who runs which cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

FIRST, UNCHANGED, CHANGED, TOUCHED = "first", "unchanged", "changed", "touched"
ALL = (FIRST, UNCHANGED, CHANGED, TOUCHED)
TWO = (FIRST, UNCHANGED)
CASES = {
    FIRST: "first",
    UNCHANGED: "nothing changed",
    CHANGED: "1% changed",
    TOUCHED: "all mtimes new",
}
_T = TypeVar("_T")


@dataclass(frozen=True)
class Scenario:
    """`tree` is a number of files, or 0 for Django admin's own. `server` is `azurite`, `null` or
    `none`. `seconds` is about what a round takes."""

    name: str
    title: str
    tree: int
    server: str
    delay_ms: int
    who: dict[str, tuple[str, ...]]
    seconds: int


_OURS = {"floor": ALL, "plain": ALL, "gzip": ALL, "hashed": ALL}
_SCENARIOS = (
    Scenario(
        "azurite-40ms",
        "1,000 files, Azurite, 40 ms",
        1000,
        "azurite",
        40,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO},
        760,
    ),
    Scenario(
        "azurite-loopback",
        "1,000 files, Azurite, loopback",
        1000,
        "azurite",
        0,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO},
        150,
    ),
    Scenario(
        "manifest",
        "1,000 files, Azurite, loopback, hashed names",
        1000,
        "azurite",
        0,
        {"hashed": TWO, "stock-manifest": TWO},
        140,
    ),
    Scenario(
        "admin-40ms",
        "Django admin's own files, Azurite, 40 ms",
        0,
        "azurite",
        40,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO},
        120,
    ),
    Scenario(
        "admin-loopback",
        "Django admin's own files, Azurite, loopback",
        0,
        "azurite",
        0,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO},
        60,
    ),
    Scenario(
        "azurite-5000",
        "5,000 files, Azurite, loopback",
        5000,
        "azurite",
        0,
        {"floor": ALL, "plain": ALL, "hashed": ALL},
        100,
    ),
    Scenario(
        "azurite-5000-40ms",
        "5,000 files, Azurite, 40 ms",
        5000,
        "azurite",
        40,
        {"floor": ALL, "plain": ALL, "hashed": ALL},
        110,
    ),
    Scenario(
        "null-40ms",
        "1,000 files, null server, 40 ms",
        1000,
        "null",
        40,
        {**_OURS, "collectfasta": ALL},
        60,
    ),
    Scenario(
        "null-5000",
        "5,000 files, null server, loopback",
        5000,
        "null",
        0,
        {**_OURS, "stock": TWO, "collectfasta": TWO, "upload-batch": TWO},
        200,
    ),
    Scenario(
        "plain-names",
        "5,000 files, null server, loopback, with all plain names",
        5000,
        "null",
        0,
        {"hashed": ALL, "hashed-all": ALL},
        60,
    ),
    Scenario(
        "null-20000",
        "20,000 files, null server, loopback",
        20000,
        "null",
        0,
        {"floor": TWO, "plain": TWO, "hashed": TWO},
        60,
    ),
    Scenario(
        "hashing-1000",
        "1,000 files, hashing only, no network",
        1000,
        "none",
        0,
        {"hashing": TWO, "django-manifest": TWO},
        6,
    ),
    Scenario(
        "hashing-5000",
        "5,000 files, hashing only, no network",
        5000,
        "none",
        0,
        {"hashing": TWO, "django-manifest": TWO},
        35,
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _SCENARIOS}
QUICK = Scenario(
    "quick", "100 files, Azurite, loopback", 100, "azurite", 0, {**_OURS, "stock": ALL}, 40
)


def rotated(names: Sequence[_T], round_: int) -> list[_T]:
    """Each round begins one further on: who comes first is not always the same."""
    start = round_ % len(names) if names else 0
    return [*names[start:], *names[:start]]
