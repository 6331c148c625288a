"""What a publish learned about the files that it rewrote, and how the render cache stores it.

The summary is all that a publish needs if no file has changed. The details say for each rewritten
file what the rewriting depended on: a file whose source and dependencies are the same need not be
read as text and rewritten again, as its hashed name follows from the MD5 of the result.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

_MD5 = re.compile(r"[0-9a-f]{32}")
_EXTENSION = re.compile(r"[^/]\.[A-Za-z0-9]{1,11}\Z")


class StaleCache(Exception):
    """A file was rewritten, and the result is not the one of the cache."""


class Scan(NamedTuple):
    """The result of a search for references that are not rewritten: the `targets`, which are static
    files, and checksums of the `absent` ones, which would be targets if such a file was added."""

    targets: tuple[str, ...] = ()
    absent: tuple[int, ...] = ()


class Rewritten(NamedTuple):
    """What is known of a rewritten file: the MD5 (hex) of its `source` and of the `result`.

    `names` maps the keys that Django's converter looked up to the hashed names that it found, or
    None. `paths` maps the paths that it looked for among the source files to what is there: see
    kind_of(). `missing` has line, text and target of references that lead to no file. `plain` is
    the scan of the result.
    """

    source: str
    result: str
    names: Mapping[str, str | None]
    paths: Mapping[str, str]
    missing: tuple[tuple[int, str, str], ...]
    plain: Scan


class Scanned(NamedTuple):
    """What is known of a file that is not rewritten, or of one that is published unchanged: the MD5
    (hex) of its `source`, and its references."""

    source: str
    plain: Scan


class Details(NamedTuple):
    """What is known of each file. `unusual` are the names of static files that Scan.absent never
    contains. `scanned` are files that are not rewritten, and `followed` files that are published
    under their own names."""

    unusual: frozenset[str] = frozenset()
    rewritten: Mapping[str, Rewritten] = {}
    scanned: Mapping[str, Scanned] = {}
    followed: Mapping[str, Scanned] = {}


class Summary(NamedTuple):
    """What is known of all files together. `fingerprint` stands for the rules that every result
    depends on, and `tree` for the names and contents of all files; it is empty if the summary does
    not have all of their results.

    `results` maps the files that rewriting changes to the MD5 (hex) of what they become. `aliased`
    and `missing` are as in HashedTree, `missing` with line, text and target by file. `needed` are
    the files that are referred to without a hash, if they were looked for.
    """

    fingerprint: str
    tree: str
    results: Mapping[str, str]
    aliased: tuple[str, ...]
    missing: Mapping[str, tuple[tuple[int, str, str], ...]]
    needed: frozenset[str]


class Learned(NamedTuple):
    """The content of the cache, to be stored."""

    summary: Summary
    details: Details


class Known:
    """The content of the cache, as it was stored. The details are parsed when they are asked for:
    they are most of it, and an unchanged publish does not need them. `say` gets what is wrong."""

    def __init__(self, content: bytes, say: Callable[[str], None] = lambda problem: None) -> None:
        """Raises ValueError if the content has another shape."""
        summary, _, self._details = content.partition(b"\n")
        self.summary = _parsed(summary, _summary)
        self._say = say

    def details(self) -> Details | None:
        try:
            return _parsed(self._details, _details)
        except ValueError as error:
            self._say(str(error))
            return None


def is_usual(name: str) -> bool:
    """Whether a name has an ordinary extension. Most strings that are no reference have none, so
    that the cache is smaller without them."""
    return _EXTENSION.search(name) is not None


def checksum(name: str) -> int:
    """A number for a name. Two names may share one, which costs no more than time."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def scan_of(targets: Iterable[str], absent: Iterable[str]) -> Scan:
    return Scan(
        tuple(sorted(targets)), tuple(sorted({checksum(name) for name in absent if is_usual(name)}))
    )


# --- As it is stored ------------------------------------------------------------------------------


def serialized(learned: Learned) -> bytes:
    """The same bytes for the same content: the summary in the first line, then the details."""
    summary, details = learned
    parts = (
        summary._replace(needed=sorted(summary.needed))._asdict(),  # type: ignore[arg-type]
        details._replace(unusual=sorted(details.unusual))._asdict(),  # type: ignore[arg-type]
    )
    return b"\n".join(
        json.dumps(part, separators=(",", ":"), sort_keys=True).encode() for part in parts
    )


_T = TypeVar("_T")


def _parsed(content: bytes, make: Callable[[Any], _T]) -> _T:
    """Raises ValueError if the content has another shape."""
    try:
        return make(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it has another shape") from None


def _summary(value: Any) -> Summary:
    return Summary(
        _text(value["fingerprint"]),
        _text(value["tree"]),
        _each(value["results"], _digest),
        tuple(map(_text, value["aliased"])),
        _each(value["missing"], _missing),
        frozenset(map(_text, value["needed"])),
    )


def _details(value: Any) -> Details:
    return Details(
        frozenset(map(_text, value["unusual"])),
        _each(value["rewritten"], _rewritten),
        _each(value["scanned"], _scanned),
        _each(value["followed"], _scanned),
    )


def _each(found: Any, make: Callable[[Any], _T]) -> dict[str, _T]:
    """Each value converted in its place, so that not all of them are in memory twice."""
    if not isinstance(found, dict):
        raise TypeError
    for name, value in found.items():
        found[name] = make(value)
    return found or _NONE


# Most files refer to nothing. One empty dict for all of them saves a tenth of the memory.
_NONE: dict[str, Any] = {}


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _rewritten(value: Any) -> Rewritten:
    source, result, names, paths, missing, plain = value
    return Rewritten(
        _digest(source),
        source if result == source else _digest(result),
        _each(names, _text_or_none),
        _each(paths, _text),
        _missing(missing),
        _scan(plain),
    )


def _missing(value: Any) -> tuple[tuple[int, str, str], ...]:
    return tuple((_number(line), _text(text), _text(target)) for line, text, target in value)


def _scanned(value: Any) -> Scanned:
    source, plain = value
    return Scanned(_digest(source), _scan(plain))


def _scan(value: Any) -> Scan:
    targets, absent = value
    if not (targets or absent):
        return _NOTHING
    return Scan(tuple(map(_text, targets)), tuple(map(_number, absent)))


_NOTHING = Scan()


def _digest(value: Any) -> str:
    if not _MD5.fullmatch(value):
        raise ValueError
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value
