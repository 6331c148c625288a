"""What is measured: a tree, a server, a delay, and the cases of each competitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

FIRST, UNCHANGED, CHANGED, TOUCHED = "first", "unchanged", "changed", "touched"
UP, DOWN, VERIFY, SAVES = "up", "down", "verify", "saves"
ALL = (FIRST, UNCHANGED, CHANGED, TOUCHED)
TWO = (FIRST, UNCHANGED)
THREE = (FIRST, UNCHANGED, CHANGED)
MEDIA = (UP, DOWN, VERIFY)
CASES = {
    FIRST: "first",
    UNCHANGED: "nothing changed",
    CHANGED: "1% changed",
    TOUCHED: "all mtimes new",
    UP: "up",
    DOWN: "down",
    VERIFY: "verify",
    SAVES: "1,000 saves of 20 KB, 16 threads",
}
# What the command `savefiles` does.
SAVED_FILES, SAVED_BYTES, SAVING_THREADS = 1000, 20_000, 16
_T = TypeVar("_T")


@dataclass(frozen=True)
class Scenario:
    """`tree` is a number of files, or the name of a tree of bench.trees. `server` is `azurite`,
    `null` or `none`. `who` has the cases of each competitor. `seconds` is roughly the duration of a
    round."""

    name: str
    title: str
    tree: int | str
    server: str
    delay_ms: int
    who: dict[str, tuple[str, ...]]
    seconds: int

    def only(self, competitors: Sequence[str]) -> Scenario:
        """With these competitors alone; with all of them if there are none."""
        who = {name: cases for name, cases in self.who.items() if name in competitors}
        return replace(self, who=who) if competitors else self


_OURS = {"floor": ALL, "plain": ALL, "gzip": ALL, "hashed": ALL}
_SCENARIOS = (
    Scenario(
        "azurite-40ms",
        "1,000 files, Azurite, 40 ms",
        1000,
        "azurite",
        40,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO, "azcopy": TWO},
        770,
    ),
    Scenario(
        "azurite-loopback",
        "1,000 files, Azurite, loopback",
        1000,
        "azurite",
        0,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO, "azcopy": TWO},
        160,
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
        "admin",
        "azurite",
        40,
        {**_OURS, "stock": ALL, "collectfasta": ALL, "upload-batch": TWO},
        120,
    ),
    Scenario(
        "admin-loopback",
        "Django admin's own files, Azurite, loopback",
        "admin",
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
        "null-1000",
        "1,000 files, null server, loopback",
        1000,
        "null",
        0,
        {"floor": TWO, "plain": TWO, "hashed": TWO},
        20,
    ),
    Scenario(
        "null-5000",
        "5,000 files, null server, loopback",
        5000,
        "null",
        0,
        {**_OURS, "stock": TWO, "collectfasta": TWO, "upload-batch": TWO, "azcopy": TWO},
        210,
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
        "null-50000",
        "50,000 files, null server, loopback",
        50000,
        "null",
        0,
        {"floor": TWO, "plain": TWO, "hashed": TWO},
        110,
    ),
    Scenario(
        "packages",
        "The files of a site with 60 packages, null server, loopback",
        "packages",
        "null",
        0,
        {"floor": TWO, "plain": TWO, "gzip": TWO, "hashed-packages": TWO},
        30,
    ),
    Scenario(
        "one-large",
        "One file of 1 GB, null server, loopback",
        "one-large",
        "null",
        0,
        {"hashed": TWO},
        15,
    ),
    Scenario(
        "media-loopback",
        "Media, 1,000 files of 100 KB and 20 of 50 MB, Azurite, loopback",
        "media",
        "azurite",
        0,
        {"migratemedia": MEDIA, "azcopy-media": MEDIA},
        90,
    ),
    Scenario(
        "media-40ms",
        "Media, 1,000 files of 100 KB and 20 of 50 MB, Azurite, 40 ms",
        "media",
        "azurite",
        40,
        {"migratemedia": MEDIA, "azcopy-media": MEDIA},
        90,
    ),
    Scenario(
        "saving",
        "Saving through Django, null server, loopback",
        "none",
        "null",
        0,
        {"save": (SAVES,), "stock-save": (SAVES,)},
        15,
    ),
    Scenario(
        "saving-azurite",
        "Saving through Django, Azurite, loopback",
        "none",
        "azurite",
        0,
        {"save": (SAVES,), "stock-save": (SAVES,)},
        20,
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


def _part(name: str, competitors: Sequence[str], seconds: int) -> Scenario:
    """A scenario with some of its competitors, a round of which takes so many seconds."""
    return replace(SCENARIOS[name].only(competitors), seconds=seconds)


_MAIN = ("floor", "plain", "hashed")
# What `--only` accepts besides a scenario.
GROUPS = {
    "table": (
        _part("null-20000", _MAIN, 50),
        _part("null-5000", _MAIN, 25),
        _part("azurite-40ms", ("floor", "hashed"), 20),
        SCENARIOS["hashing-5000"],
        _part("null-1000", _MAIN, 10),
        _part("null-50000", ("hashed",), 60),
        SCENARIOS["one-large"],
    ),
    "media": tuple(
        SCENARIOS[name] for name in ("media-loopback", "media-40ms", "saving", "saving-azurite")
    ),
}
QUICK = Scenario(
    "quick", "100 files, Azurite, loopback", 100, "azurite", 0, {**_OURS, "stock": ALL}, 40
)


def rotated(names: Sequence[_T], round_: int) -> list[_T]:
    """Start each round with the next competitor, so that none of them is always the first."""
    start = round_ % len(names) if names else 0
    return [*names[start:], *names[:start]]


def chosen(names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names and groups; all of them if there are none."""
    found: dict[str, Scenario] = {}
    for name in names or SCENARIOS:
        parts = GROUPS.get(name) or (SCENARIOS[name],)
        found |= {scenario.name: scenario for scenario in parts}
    return list(found.values())
