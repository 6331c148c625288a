"""Which results of the last publish hold for this one."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin

from azureblob.publish.discovery import LocalFile
from azureblob.publish.learned import Details, Rewritten, Scan, Scanned, checksum, is_usual

# What every class has, whatever is in its body.
_OF_EVERY_CLASS = {
    "__annotations__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__qualname__",
    "__static_attributes__",
    "__weakref__",
}


def fingerprint(kind: type[ManifestFilesMixin], storage: Any, *, find_needed: bool) -> str:
    """A digest of all that every result depends on: the code, Python and Django, the patterns of
    the storage class `kind`, and STATIC_URL. Empty if a result may depend on more, because the
    class has methods of its own or Django's have been replaced.

    The code is compared as it is, not by its version, so that no change of it can be forgotten.
    Python's exact version is part of it, as bug fixes have changed how it parses URLs.
    """
    if not (_has_only_data(kind) and _is_original(HashedFilesMixin)):
        return ""
    patterns = [
        (glob, [[part.pattern, part.flags] if hasattr(part, "flags") else part for part in parts])
        for glob, found in storage._patterns.items()
        for parts in found
    ]
    facts = [
        sys.version_info[:3],
        django.get_version(),
        os.sep,
        settings.STATIC_URL,
        find_needed,
        patterns,
    ]
    try:
        digest = hashlib.sha256(json.dumps(facts).encode())
        for file in _code():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    except (OSError, TypeError, ValueError):
        return ""  # Python without source files, or patterns of another shape
    return digest.hexdigest()


def _code() -> list[Path]:
    """The source files of this package and of Django's manifest storage. Raises TypeError."""
    return [
        *sorted(Path(__file__).parent.glob("*.py")),
        Path(inspect.getsourcefile(HashedFilesMixin) or ""),
    ]


def _has_only_data(kind: type) -> bool:
    """Whether the classes that are not Django's own have no methods or properties."""
    return not any(
        callable(value) or hasattr(value, "__get__")
        for base in kind.__mro__
        if not (base is object or base.__module__.startswith("django."))
        for name, value in vars(base).items()
        if name not in _OF_EVERY_CLASS
    )


def _is_original(kind: type) -> bool:
    return all(
        getattr(value, "__module__", "") == kind.__module__
        for value in vars(kind).values()
        if callable(value)
    )


def tree_digest(sources: Mapping[str, LocalFile]) -> str:
    """A digest of the names and contents of all files, in any order."""
    # No name contains a null character.
    parts = sorted(f"{name}\0{file.md5.hex()}" for name, file in sources.items())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class Reusable:
    """What of `known` holds for these sources. `kind_of` says what a path is among them."""

    def __init__(
        self,
        known: Details,
        sources: Mapping[str, LocalFile],
        kind_of: Callable[[str], str],
    ) -> None:
        self._known = known
        self._sources = sources
        self._kind_of = kind_of

    def rewritten(
        self,
        names: Iterable[str],
        hashed: Mapping[str, str],
        by_key: Mapping[str, str],
        hashed_name: Callable[[str, str], str | None],
    ) -> dict[str, tuple[str, Rewritten]]:
        """Of these files that are to be rewritten, those whose results hold, with their hashed
        names. A file has to be rewritten again if its source has changed, if a name that it looked
        up has another result, or if it depends on a file that has to be rewritten.

        `hashed` has the names of the files that are not rewritten, and `by_key` the files by the
        keys that were looked up. `hashed_name` makes a hashed name with an MD5 (hex), or None if
        that takes more.
        """
        found: dict[str, tuple[str, Rewritten]] = {}
        for name in names:
            entry = self._known.rewritten.get(name)
            if entry and entry.source == self._md5(name):
                made = hashed_name(name, entry.result)
                if made is not None:
                    found[name] = made, entry
        users: dict[str, list[str]] = defaultdict(list)
        stale: list[str] = []
        for name, (_, entry) in found.items():
            current = self._holds(entry.plain) and all(
                self._kind_of(path) == kind for path, kind in entry.paths.items()
            )
            for key, expected in entry.names.items():
                target = by_key.get(key)
                if target is None:
                    current &= expected is None
                elif target in hashed:
                    current &= expected == hashed[target]
                elif target in found:
                    current &= expected == found[target][0]
                    users[target].append(name)
                else:
                    current = False
            if not current:
                stale.append(name)
        while stale:
            name = stale.pop()
            if found.pop(name, None):
                stale += users[name]
        return found

    def scanned(self) -> dict[str, Scan]:
        return self._scans(self._known.scanned)

    def followed(self) -> dict[str, Scan]:
        return self._scans(self._known.followed)

    def _scans(self, known: Mapping[str, Scanned]) -> dict[str, Scan]:
        return {
            name: entry.plain
            for name, entry in known.items()
            if entry.source == self._md5(name) and self._holds(entry.plain)
        }

    def _md5(self, name: str) -> str:
        file = self._sources.get(name)
        return file.md5.hex() if file else ""

    @cached_property
    def _checksums(self) -> set[int]:
        return {checksum(name) for name in self._sources}

    @cached_property
    def _has_new_unusual(self) -> bool:
        """Whether there are new names that the scans did not note as absent."""
        return not self._known.unusual.issuperset(unusual(self._sources))

    def _holds(self, scan: Scan) -> bool:
        """Whether all targets still exist, and none of the absent ones does."""
        return (
            not self._has_new_unusual
            and self._checksums.isdisjoint(scan.absent)
            and all(target in self._sources for target in scan.targets)
        )


def unusual(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in names if not is_usual(name))
