"""Static files under names that hold their content's digest, as Django's manifest storage has them.

Django goes over all files up to six times, and writes and reads each on the way. Here each one is
rendered when all that it refers to has its name, by Django's own converter, so that what comes out
is the same byte for byte.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File

from azureblob.publish.comments import comments, is_within
from azureblob.publish.files import LocalFile
from azureblob.publish.patterns import (
    Blocks,
    Pattern,
    block_before,
    ignored_blocks,
    read_patterns,
)
from azureblob.publish.references import PlainReferences
from azureblob.rest.models import md5

# Names in which Django's parsing of them as URLs changes nothing.
_ORDINARY = re.compile(r"[A-Za-z0-9_.@+~,=!/-]+")
_SHOWN = 100
_TAIL = re.compile("[?#]")


class HashingError(Exception):
    """The files cannot be named; the text says which and why."""


@dataclass(frozen=True, slots=True)
class MissingReference:
    """`file` refers in `line` (from 1) to `target`, which is no static file. `written` is the whole
    of the reference as it stands in the file."""

    file: str
    line: int
    written: str
    target: str

    def __str__(self) -> str:
        written = " ".join(self.written.split())
        shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
        return f"{self.file}, line {self.line}: {shown} – there is no static file {self.target}"


@dataclass(frozen=True)
class HashedTree:
    """`files` has each file by its hashed name; `names` the hashed name by the original one, and
    `paths` the same as the manifest has it. `aliases` are further names that something refers to,
    with the original name each stands for. `needed` are the original names of what is referred to
    without a digest; where nobody looked for them, those of all files."""

    files: dict[str, LocalFile]
    names: dict[str, str]
    paths: dict[str, str]
    aliases: dict[str, str]
    manifest: bytes
    missing: Sequence[MissingReference | str]
    needed: frozenset[str]


def hash_names(
    sources: Mapping[str, LocalFile],
    rules: ManifestFilesMixin,
    scratch: Path,
    *,
    find_needed: bool = False,
) -> HashedTree:
    """Name each file, rewrite the references in those that have any, and make the manifest.

    `rules` is a manifest storage whose location is `scratch`, an empty folder; what is rewritten is
    written there. `find_needed` looks for `HashedTree.needed`. Raises HashingError.
    """
    return _Hashing(sources, rules, scratch, find_needed=find_needed).tree()


def read_manifest(rules: Any) -> bytes:
    """The manifest that a storage has saved."""
    with rules.manifest_storage.open(rules.manifest_name) as file:
        data: bytes = file.read()
    return data


class _Unfinished(Exception):
    """A file refers to others that have no name yet."""

    def __init__(self, targets: list[str]) -> None:
        super().__init__(targets)
        self.targets = targets


class _Names(dict[str, str]):
    """What Django's converter looks names up in."""

    def __init__(self, look_up: Callable[[str], str | None]) -> None:
        super().__init__()
        self._look_up = look_up

    def get(self, key: str, default: Any = None) -> Any:
        return self._look_up(key)


class _Hashing:
    def __init__(
        self,
        sources: Mapping[str, LocalFile],
        rules: ManifestFilesMixin,
        scratch: Path,
        *,
        find_needed: bool,
    ) -> None:
        self._sources = sources
        self._rules: Any = rules
        self._scratch = scratch
        kind = type(rules)
        self._hashes_as_django = kind.file_hash is HashedFilesMixin.file_hash
        self._names_as_django = (
            self._hashes_as_django and kind.hashed_name is HashedFilesMixin.hashed_name
        )
        self._patterns = read_patterns(rules)
        self._keys = {rules.hash_key(rules.clean_name(name)): name for name in sources}
        self._folders = _folders(sources)
        self._plain = PlainReferences(sources, self._patterns) if find_needed else None
        self._lookup = _Names(self._looked_up)
        self._files: dict[str, LocalFile] = {}
        self._names: dict[str, str] = {}
        self._missing: dict[str, list[MissingReference]] = {}
        self._hashed_as_they_were: set[str] = set()
        self._unfinished: list[str] = []
        self._made = 0

    def tree(self) -> HashedTree:
        undecodable = []
        with self._rules_read_the_sources():
            for name in self._sources:
                try:
                    self._finish(name)
                except UnicodeDecodeError as error:
                    undecodable.append(
                        f"    {name}: byte {error.object[error.start]:#04x} at {error.start}"
                    )
            aliases = self._aliases()
        if undecodable:
            raise HashingError(
                "These files are not UTF-8, so no reference in them can be followed:\n"
                + "\n".join(undecodable)
            )
        # Django's order: the deepest folders first.
        ordered = sorted(self._sources, key=lambda name: len(name.split("/")), reverse=True)
        key = {name: key for key, name in self._keys.items()}
        paths = {key[name]: self._names[name] for name in ordered if name in key}
        return HashedTree(
            files=self._files,
            names=self._names,
            paths=paths,
            aliases=aliases,
            manifest=self._manifest(paths),
            missing=[one for name in self._sources for one in self._missing.get(name, [])],
            needed=self._plain.needed() if self._plain else frozenset(self._sources),
        )

    # --- One file ---------------------------------------------------------------------------------

    def _finish(self, name: str) -> None:
        """Name a file, after all that it refers to. Raises HashingError and UnicodeDecodeError."""
        waiting = [name]
        while waiting:
            current = waiting[-1]
            if current in self._names:
                waiting.pop()
                continue
            try:
                self._render(current)
            except _Unfinished as needs:
                for target in needs.targets:
                    if target in waiting and self._leads_to(target, current, waiting):
                        raise HashingError(self._circle(target, current, waiting)) from None
                waiting += needs.targets

    def _render(self, name: str) -> None:
        """Name a file; one with references is rewritten first."""
        source = self._sources[name]
        patterns = self._patterns.of(name)
        if not patterns:
            if self._plain and self._plain.may_hold(name):
                self._plain.scan(name, Path(source.path).read_bytes().decode("utf-8", "replace"))
            self._name(name, source)
            return
        data = Path(source.path).read_bytes()
        text = data.decode()
        self._unfinished = []
        missing: list[MissingReference] = []
        rendered = text
        for pattern in patterns:
            rendered = self._replaced(name, rendered, pattern, missing)
        if self._unfinished:
            raise _Unfinished(list(dict.fromkeys(self._unfinished)))
        self._missing[name] = missing
        if self._plain:
            self._plain.scan(name, rendered)
        if rendered == text:
            self._name(name, source)
        else:
            self._name(name, self._written(rendered.encode()))

    def _replaced(
        self, name: str, text: str, pattern: Pattern, missing: list[MissingReference]
    ) -> str:
        """The text with each match of a pattern as Django's converter makes it."""
        parts: list[str] = []
        blocks: Blocks | None = None
        unread: Blocks | None = None
        end = 0
        for match in pattern.find(text):
            arguments: list[Any] = [name, self._lookup, pattern.template]
            if pattern.ignored is not None:
                if blocks is None:
                    blocks = ignored_blocks(self._rules, text, pattern.ignored)
                # All of them would be gone through for each match.
                arguments.append(block_before(blocks, match.start()))
            known = len(missing)
            parts += text[end : match.start()], self._converted(arguments, match, missing)
            end = match.end()
            if len(missing) > known:
                if unread is None:
                    unread = comments(name, text)
                if is_within(unread, match.start()):
                    missing.pop()
        return "".join([*parts, text[end:]]) if parts else text

    def _converted(
        self, arguments: list[Any], match: re.Match[str], missing: list[MissingReference]
    ) -> str:
        written = match[0]
        try:
            written = self._rules.url_converter(*arguments)(match)
        except (ValueError, SuspiciousFileOperation):
            name, url = arguments[0], match["url"]
            line = match.string.count("\n", 0, match.start()) + 1
            missing.append(MissingReference(name, line, match["matched"], _target(name, url)))
        return written

    def _looked_up(self, key: str) -> str | None:
        """The hashed name of what a reference leads to, if it is a static file."""
        target = self._keys.get(key)
        if target is None:
            return None
        if target not in self._names:
            if self._patterns.of(target):
                self._unfinished.append(target)
                return target
            self._render(target)
        return self._names[target]

    def _name(self, name: str, content: LocalFile) -> None:
        hashed = self._hashed_name(name, content)
        self._names[name] = hashed
        self._files[hashed] = content

    def _hashed_name(self, name: str, content: LocalFile) -> str:
        if self._names_as_django and _ORDINARY.fullmatch(name):
            folder, slash, last = name.rpartition("/")
            root, extension = posixpath.splitext(last)
            return f"{folder}{slash}{root}.{content.md5.hex()[:12]}{extension}"
        with Path(content.path).open("rb") as file:
            hashed: str = self._rules.clean_name(self._rules.hashed_name(name, File(file)))
        return hashed

    def _written(self, data: bytes) -> LocalFile:
        self._made += 1
        path = self._scratch / f"{self._made}.rendered"
        path.write_bytes(data)
        return LocalFile(str(path), len(data), md5(data))

    # --- Circles ----------------------------------------------------------------------------------

    def _leads_to(self, target: str, current: str, waiting: list[str]) -> bool:
        """Whether `current` is asked for because of `target`, and not only queued beside it."""
        return target == current or bool(self._way(target, current, waiting))

    def _way(self, start: str, end: str, waiting: list[str]) -> list[str]:
        """From reference to reference, among the files that wait."""
        ways: list[list[str]] = [[start]]
        seen = {start}
        while ways:
            way = ways.pop(0)
            for target in self._targets(way[-1]):
                if target == end:
                    return [*way, end]
                if target in waiting and target not in seen:
                    seen.add(target)
                    ways.append([*way, target])
        return []

    def _targets(self, name: str) -> list[str]:
        try:
            self._render(name)
        except _Unfinished as needs:
            return needs.targets
        return []

    def _circle(self, target: str, current: str, waiting: list[str]) -> str:
        way = [target] if target == current else self._way(target, current, waiting)
        shown = " -> ".join([*way, target])
        return (
            f"These files refer to each other in a circle: {shown}. None of them can be named by "
            "its content, which would hold its own name. Break the circle."
        )

    # --- What Django's converter asks the storage for ---------------------------------------------

    @contextmanager
    def _rules_read_the_sources(self) -> Iterator[None]:
        """Django looks into STATIC_ROOT for what it finds no hashed name for; here nothing was
        copied anywhere."""
        self._rules.exists, self._rules.open = self._exists, self._open
        try:
            yield
        finally:
            del self._rules.exists, self._rules.open

    def _exists(self, name: str) -> bool:
        name = posixpath.normpath(name)
        if name.startswith(("../", "/")) or name == "..":
            raise SuspiciousFileOperation(name)
        return name in self._sources or name in self._folders

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        name = posixpath.normpath(name)
        if name not in self._sources:
            raise IsADirectoryError(name)
        # Django names a reference with a query by what its target was before it was rewritten.
        self._hashed_as_they_were.add(name)
        return ContentFile(Path(self._sources[name].path).read_bytes())

    def _aliases(self) -> dict[str, str]:
        """Those names, where nothing has them otherwise: else a browser would find nothing."""
        found = {
            self._hashed_name(name, self._sources[name]): name
            for name in sorted(self._hashed_as_they_were)
        }
        return {alias: name for alias, name in found.items() if alias not in self._files}

    def _manifest(self, paths: dict[str, str]) -> bytes:
        self._rules.hashed_files = paths
        self._rules.save_manifest()
        return read_manifest(self._rules)


def _target(name: str, url: str) -> str:
    """The static file that a reference within `name` means."""
    path = unquote(_TAIL.split(url, maxsplit=1)[0]).strip()
    if path.startswith("/"):
        return posixpath.normpath(path.removeprefix(settings.STATIC_URL))
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _folders(names: Mapping[str, LocalFile]) -> set[str]:
    found = {"."}
    for name in names:
        folder = posixpath.dirname(name)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found
