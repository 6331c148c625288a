"""Static files under names that contain a hash of their content, as Django's manifest storage does.

Django goes over all files up to six times, and writes and reads each file on the way. Here each
file is rewritten by Django's own converter once the files that it refers to have their names, so
the result is the same, byte for byte.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from azureblob.publish import PublishError
from azureblob.publish.discovery import LocalFile, content
from azureblob.publish.patterns import (
    Blocks,
    Pattern,
    block_before,
    ignored_blocks,
    read_patterns,
)
from azureblob.publish.references import PlainReferences, comments, is_within
from azureblob.publish.render_cache import (
    Details,
    Known,
    Learned,
    Rewritten,
    Scan,
    Scanned,
    StaleCache,
    Summary,
)
from azureblob.publish.reuse import Reusable, fingerprint, tree_digest, unusual
from azureblob.rest.models import md5

# Names that Django's parsing of names as URLs does not change.
_ORDINARY = re.compile(r"[A-Za-z0-9_.@+~,=!/-]+")
# The methods of Django's storage that turn a reference into the one to a hashed file.
_CONVERSION = (
    *("url_converter", "_url", "_stored_name", "hash_key", "clean_name"),
    "is_in_ignored_block",  # since Django 6.1
)
# Rewritten files of up to this size are stored in one file; upload() reads them into memory.
_MAX_TOGETHER = 128 * 1024
_SHOWN = 100
_QUERY_OR_FRAGMENT = re.compile("[?#]")


class HashingError(PublishError):
    """Some files cannot be named; the text says which and why."""


@dataclass(frozen=True, slots=True)
class MissingReference:
    """The `file` refers in `line` (from 1) to `target`, which is no static file. `written` is the
    whole reference as it is in the file."""

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
    """`files` has each file by its hashed name. `names` maps original names to hashed names, and so
    does `paths`, with the keys and the order of the manifest. `aliases` maps further names that a
    file refers to to the original name of the file. `needed` are the original names that a file
    refers to without a hash, or all names if they were not looked for.

    `learned` is for the render cache. It is None if the cache has it already, or if the storage's
    rules may change from one publish to the next. A file that was not rewritten, as the cache has
    its MD5, has no path: `render` rewrites the files with these original names, and raises
    StaleCache if the result is another one.
    """

    files: dict[str, LocalFile]
    names: dict[str, str]
    paths: dict[str, str]
    aliases: dict[str, str]
    manifest: bytes
    missing: Sequence[MissingReference | str]
    needed: frozenset[str]
    learned: Learned | None = None
    render: Callable[[Iterable[str]], Mapping[str, LocalFile]] | None = None


def hash_names(
    sources: Mapping[str, LocalFile],
    kind: type[ManifestFilesMixin],
    scratch: Path,
    *,
    find_needed: bool = False,
    known: Known | None = None,
) -> HashedTree:
    """Name each file, rewrite the references in it, and make the manifest.

    `kind` is the manifest storage whose rules are used, and `scratch` an empty folder for the files
    that are rewritten. `find_needed` looks for `HashedTree.needed`. `known` is what an earlier
    publish learned; files are not rewritten if that still holds. Raises HashingError.
    """
    return _Hashing(sources, kind, scratch, find_needed=find_needed, known=known).tree()


def manifest_storage(kind: type[ManifestFilesMixin], location: Path) -> Any:
    return kind(location=location, base_url=settings.STATIC_URL)


def saved_manifest(storage: Any) -> bytes:
    """The manifest that a manifest storage has saved."""
    with storage.manifest_storage.open(storage.manifest_name) as file:
        data: bytes = file.read()
    return data


class _SourceFiles(HashedFilesMixin):
    """Mixed into the site's manifest storage, this makes its converter look for the targets of
    references among the source files; Django looks in STATIC_ROOT, where it has copied them.

    `names` maps each name that the converter may look up to the original one. `unnamed` collects
    those that it asks for before they have a hashed name. `aliased` collects the files that it
    reads: it names the target of a reference with a query by the content before rewriting.
    `seen` has the paths that it looked for, and what is there.
    """

    sources: Mapping[str, LocalFile] = {}
    folders: frozenset[str] = frozenset()
    names: Mapping[str, str] = {}
    unnamed: set[str]
    aliased: set[str]
    seen: dict[str, str]

    def kind_of(self, name: str) -> str:
        """What a path is: the MD5 (hex) of a source file, `/` for a folder, empty for neither."""
        if name in self.sources:
            return self.sources[name].md5.hex()
        return "/" if name in self.folders else ""

    def hashed_name(
        self, name: str, content: File[Any] | None = None, filename: str | None = None
    ) -> str:
        if content is None:
            target = self.names.get(self.hash_key(self.clean_name(name)))
            if target is not None:
                self.unnamed.add(target)
                return name
        return super().hashed_name(name, content, filename)

    def exists(self, name: str) -> bool:
        name = posixpath.normpath(name)
        if name.startswith(("../", "/")) or name == "..":
            raise SuspiciousFileOperation(name)
        self.seen[name] = self.kind_of(name)
        return name in self.sources or name in self.folders

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        name = posixpath.normpath(name)
        if name not in self.sources:
            raise FileNotFoundError(name)
        self.aliased.add(name)
        return ContentFile(Path(self.sources[name].path).read_bytes())


class _HashedNames(dict[str, str]):
    """Hashed names by the storage's keys, as Django's converter looks them up. `looked_up` has what
    it found, None for nothing."""

    looked_up: dict[str, str | None]

    def get(self, key: str, default: Any = None) -> Any:
        found = self.looked_up[key] = super().get(key)
        return default if found is None else found

    def __getitem__(self, key: str) -> str:
        found = self.looked_up[key] = super().get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return self.get(str(key)) is not None


class _Hashing:
    def __init__(
        self,
        sources: Mapping[str, LocalFile],
        kind: type[ManifestFilesMixin],
        scratch: Path,
        *,
        find_needed: bool,
        known: Known | None,
    ) -> None:
        self._sources = sources
        self._kind = kind
        self._scratch = scratch
        self._hashes_as_django = kind.file_hash is HashedFilesMixin.file_hash
        self._names_as_django = (
            self._hashes_as_django and kind.hashed_name is HashedFilesMixin.hashed_name
        )
        storage = manifest_storage(type(kind.__name__, (_SourceFiles, kind), {}), scratch)
        self._storage = storage
        self._converts_as_django = (
            self._names_as_django
            and all(
                getattr(kind, method, None) is getattr(HashedFilesMixin, method, None)
                for method in _CONVERSION
            )
            and _after(HashedFilesMixin, kind, "url") is FileSystemStorage.url
        )
        self._all_patterns = read_patterns(storage)
        self._patterns = {name: self._all_patterns.of(name) for name in sources}
        by_key = {storage.hash_key(storage.clean_name(name)): name for name in sources}
        self._keys = {name: key for key, name in by_key.items()}
        storage.sources, storage.folders, storage.names = sources, _folders(sources), by_key
        storage.unnamed, storage.aliased, storage.seen = set(), set(), {}
        self._fingerprint = fingerprint(kind, storage, find_needed=find_needed)
        self._digest = tree_digest(sources) if self._fingerprint else ""
        valid = known is not None and known.summary.fingerprint == self._fingerprint
        self._known = known if valid and self._fingerprint else None
        self._find_needed = find_needed
        self._plain: PlainReferences | None = None
        self._files: dict[str, LocalFile] = {}
        self._names: dict[str, str] = {}
        self._hashed_files = _HashedNames()
        self._missing: dict[str, list[MissingReference]] = {}
        self._rewritten: dict[str, Rewritten] = {}
        self._scanned: dict[str, Scan] = {}

    def tree(self) -> HashedTree:
        known = self._recalled()
        if known is None:
            self._name_all()
            needed = self._plain.needed() if self._plain else frozenset(self._sources)
        else:
            needed = known.needed if self._find_needed else frozenset(self._sources)
        aliases = {
            self._hashed_name(name, self._sources[name]): name
            for name in sorted(self._storage.aliased)
        }
        # Django's order: the deepest folders first.
        ordered = sorted(self._sources, key=lambda name: len(name.split("/")), reverse=True)
        paths = {self._keys[name]: self._names[name] for name in ordered if name in self._keys}
        return HashedTree(
            files=self._files,
            names=self._names,
            paths=paths,
            # Names that no other file has; without these blobs browsers would get a 404.
            aliases={alias: name for alias, name in aliases.items() if alias not in self._files},
            manifest=self._manifest(paths),
            missing=[one for name in self._sources for one in self._missing.get(name, [])],
            needed=needed,
            learned=None if known else self._learned(needed),
            render=self._render,
        )

    # --- The order --------------------------------------------------------------------------------

    def _name_all(self) -> None:
        """Name the files, each after those that it refers to. Raises HashingError."""
        details = self._known.details() if self._known else None
        reusable = Reusable(details or Details(), self._sources, self._storage.kind_of)
        if self._find_needed:
            self._plain = PlainReferences(self._sources, self._all_patterns, reusable.followed())
        scanned = reusable.scanned()
        for name, patterns in self._patterns.items():
            if not patterns:
                self._name_unchanged(name, scanned.get(name))
        rewritten = [name for name, patterns in self._patterns.items() if patterns]
        self._reuse(reusable, rewritten)
        waiting = self._name_rewritten(name for name in rewritten if name not in self._names)
        while waiting:
            try:
                order = [*TopologicalSorter(waiting).static_order()]
            except CycleError as error:
                raise HashingError(_describe_cycle(error.args[1])) from None
            found = self._name_rewritten(name for name in order if name in waiting)
            # Rewriting can reveal further references. All that are known are added up, so that
            # this ends: in an order, or with a cycle.
            waiting = {name: waiting[name] | targets for name, targets in found.items()}

    def _name_rewritten(self, names: Iterable[str]) -> dict[str, set[str]]:
        """Name each file, unless it refers to files without a name; the result has those files, and
        what they wait for. Raises HashingError with all files that are not UTF-8."""
        waiting: dict[str, set[str]] = {}
        undecodable = []
        for name in names:
            try:
                if targets := self._rewrite(name):
                    waiting[name] = targets
            except UnicodeDecodeError as error:
                byte = f"byte {error.object[error.start]:#04x} at {error.start}"
                undecodable.append(f"    {name}: {byte}")
        if undecodable:
            raise HashingError(
                "These files are not UTF-8, so no reference in them can be followed:\n"
                + "\n".join(undecodable)
            )
        return waiting

    # --- What is known ----------------------------------------------------------------------------

    def _recalled(self) -> Summary | None:
        """Name all files if no file has changed, and return what else is known of them."""
        known = self._known.summary if self._known else None
        if known is None or known.tree != self._digest:
            return None
        named = [*known.aliased, *known.missing, *known.needed]
        if not all(name in self._sources for name in named):
            return None
        for name, source in self._sources.items():
            known_md5 = known.results.get(name) or source.md5.hex()
            self._name(name, _unread(known_md5) if self._patterns[name] else source)
        self._storage.aliased.update(known.aliased)
        self._missing = {
            name: [MissingReference(name, *one) for one in found]
            for name, found in known.missing.items()
        }
        return known

    def _reuse(self, reusable: Reusable, names: Iterable[str]) -> None:
        """Name the files of which it is known what they are rewritten to."""
        found = reusable.rewritten(names, self._names, self._storage.names, self._short_hashed_name)
        for name, (_, entry) in found.items():
            self._name(name, _unread(entry.result))
            self._rewritten[name] = entry
            self._missing[name] = [MissingReference(name, *one) for one in entry.missing]
            self._storage.aliased.update(path for path in entry.paths if path in self._sources)
            if self._plain:
                self._plain.add(entry.plain)

    def _render(self, names: Iterable[str]) -> dict[str, LocalFile]:
        """Rewrite files whose results are known, and return them. Raises StaleCache if a result is
        another one."""
        expected = {name: self._files[self._names[name]].md5 for name in names}
        try:
            self._name_rewritten(expected)
        except HashingError:
            raise StaleCache from None
        files = {name: self._files[self._names[name]] for name in expected}
        if any(not file.path or file.md5 != expected[name] for name, file in files.items()):
            raise StaleCache
        return files

    def _learned(self, needed: frozenset[str]) -> Learned | None:
        """What the next publish may use."""
        if not self._fingerprint:
            return None

        def scanned(scans: Mapping[str, Scan]) -> dict[str, Scanned]:
            return {
                name: Scanned(self._sources[name].md5.hex(), scan) for name, scan in scans.items()
            }

        # A name that needs more than an MD5 needs the file.
        complete = all(self._short_hashed_name(name, "") for name in self._rewritten)
        summary = Summary(
            self._fingerprint,
            self._digest if complete else "",
            {
                name: entry.result
                for name, entry in self._rewritten.items()
                if entry.result != entry.source
            },
            tuple(sorted(self._storage.aliased)),
            {name: entry.missing for name, entry in self._rewritten.items() if entry.missing},
            needed if self._find_needed else frozenset(),
        )
        details = Details(
            unusual(self._sources),
            self._rewritten,
            scanned(self._scanned),
            scanned(self._plain.followed if self._plain else {}),
        )
        return Learned(summary, details)

    # --- One file ---------------------------------------------------------------------------------

    def _name_unchanged(self, name: str, known: Scan | None) -> None:
        source = self._sources[name]
        if self._plain and self._plain.may_have_references(name):
            if known is None:
                known = self._plain.scan(name, _read(source))
            else:
                self._plain.add(known)
            self._scanned[name] = known
        self._name(name, source)

    def _rewrite(self, name: str) -> set[str]:
        """Rewrite the references in a file and name it. If it refers to files that have no name
        yet, they are returned, and the file is not named."""
        source = self._sources[name]
        original = data = _read(source)
        text = "" if data.isascii() else data.decode()
        self._storage.unnamed, self._storage.seen, self._hashed_files.looked_up = set(), {}, {}
        missing: list[MissingReference] = []
        for pattern in self._patterns[name]:
            if pattern.may_match(data):
                before = text or data.decode()
                text = self._replace(name, before, pattern, missing)
                if text != before:
                    data = text.encode()
        if unnamed := self._storage.unnamed:
            return set(unnamed)
        self._missing[name] = missing
        plain = self._plain.scan(name, data) if self._plain else Scan()
        self._name(name, source if data == original else self._write(name, data))
        self._rewritten[name] = Rewritten(
            source.md5.hex(),
            self._files[self._names[name]].md5.hex(),
            self._hashed_files.looked_up,
            self._storage.seen,
            tuple((one.line, one.written, one.target) for one in missing),
            plain,
        )
        return set()

    def _replace(
        self, name: str, text: str, pattern: Pattern, missing: list[MissingReference]
    ) -> str:
        """The text with each match of a pattern replaced by Django's converter."""
        parts: list[str] = []
        ignored: Blocks | None = None
        commented: Blocks | None = None
        folder = posixpath.dirname(name)
        end = 0
        for match in pattern.find(text):
            arguments: list[Any] = [name, self._hashed_files, pattern.template]
            if pattern.ignored is not None:
                if ignored is None:
                    ignored = ignored_blocks(self._storage, text, pattern.ignored)
                # Given all blocks, Django would go over them for each match.
                arguments.append(block_before(ignored, match.start()))
            known = len(missing)
            converted = self._convert_ordinary(folder, match, arguments)
            if converted is None:
                converted = self._convert(arguments, match, missing)
            parts += text[end : match.start()], converted
            end = match.end()
            if len(missing) > known:
                if commented is None:
                    commented = comments(name, text)
                if is_within(commented, match.start()):
                    missing.pop()
        return "".join([*parts, text[end:]]) if parts else text

    def _convert_ordinary(
        self, folder: str, match: re.Match[str], arguments: list[Any]
    ) -> str | None:
        """What Django's converter makes of a relative path that it neither decodes nor splits, or
        None for any other reference. It is the same in a twentieth of the time."""
        url = match["url"]
        if not (
            self._converts_as_django
            and _ORDINARY.fullmatch(url)
            and url[0] != "/" != url[-1]
            and (not folder or _ORDINARY.fullmatch(folder))
            and not any(is_within(blocks, match.start()) for blocks in arguments[3:])
        ):
            return None
        target = posixpath.normpath(f"{folder}/{url}" if folder else url)
        hashed = self._hashed_files.get(target)
        if hashed is None:
            return None
        found = match.groupdict()
        found["url"] = url[: url.rfind("/") + 1] + hashed[hashed.rfind("/") + 1 :]
        converted: str = arguments[2] % found
        return converted

    def _convert(
        self, arguments: list[Any], match: re.Match[str], missing: list[MissingReference]
    ) -> str:
        written = match[0]
        try:
            written = self._storage.url_converter(*arguments)(match)
        except (ValueError, SuspiciousFileOperation):
            name, url = arguments[0], match["url"]
            line = match.string.count("\n", 0, match.start()) + 1
            missing.append(MissingReference(name, line, match["matched"], _target(name, url)))
        return written

    def _name(self, name: str, content: LocalFile) -> None:
        hashed = self._hashed_name(name, content)
        self._names[name] = hashed
        self._files[hashed] = content
        if name in self._keys:
            self._hashed_files[self._keys[name]] = hashed

    def _short_hashed_name(self, name: str, md5: str) -> str | None:
        """The hashed name for content with this MD5 (hex), or None if it needs the content."""
        if not (self._names_as_django and _ORDINARY.fullmatch(name)):
            return None
        # As by posixpath.splitext(), which takes longer than all the rest.
        start = name.rfind("/") + 1
        dot = name.rfind(".", start)
        if not name[start : max(dot, start)].strip("."):
            dot = len(name)
        return f"{name[:dot]}.{md5[:12]}{name[dot:]}"

    def _hashed_name(self, name: str, content: LocalFile) -> str:
        if short := self._short_hashed_name(name, content.md5.hex()):
            return short
        with Path(content.path).open("rb") as file:
            hashed: str = self._storage.clean_name(self._storage.hashed_name(name, File(file)))
        return hashed

    def _write(self, name: str, data: bytes) -> LocalFile:
        """Store a rewritten file. Small ones are stored in one file, as creating a file takes
        longer than rewriting it. A site's own naming reads the file, which is then one of its own.
        """
        digest = md5(data)
        if len(data) > _MAX_TOGETHER or not self._short_hashed_name(name, ""):
            own = self._scratch / f"{digest.hex()}.rewritten"
            own.write_bytes(data)
            return LocalFile(str(own), len(data), digest)
        path = f"{self._scratch}/rewritten"
        with open(path, "ab") as file:  # noqa: PTH123 - a Path takes a third of the time
            start = file.tell()
            file.write(data)
        return LocalFile(path, len(data), digest, start)

    def _manifest(self, paths: dict[str, str]) -> bytes:
        storage = manifest_storage(self._kind, self._scratch)
        storage.hashed_files = paths
        storage.save_manifest()
        return saved_manifest(storage)


def _unread(result: str) -> LocalFile:
    """A rewritten file of which only the MD5 (hex) is known."""
    return LocalFile("", 0, bytes.fromhex(result))


def _read(file: LocalFile) -> bytes:
    """All of a file, which may have grown since it was found. Raises OSError."""
    data = content(file)
    return data if len(data) == file.size else Path(file.path).read_bytes()


def _after(base: type, kind: type, method: str) -> object:
    """The method that super() finds in the methods of `base`, for an object of the class `kind`."""
    following = kind.__mro__[kind.__mro__.index(base) + 1 :]
    return next((vars(one)[method] for one in following if method in vars(one)), None)


def _describe_cycle(cycle: list[str]) -> str:
    """`cycle` begins and ends with the same file; each file is a target of the next."""
    return (
        f"These files refer to each other in a circle: {' -> '.join(reversed(cycle))}. None of "
        "them can be named by its content, which would contain its own name. Break the circle."
    )


def _target(name: str, url: str) -> str:
    """The name of the static file that a reference in the file `name` means."""
    path = unquote(_QUERY_OR_FRAGMENT.split(url, maxsplit=1)[0]).strip()
    if path.startswith("/"):
        return posixpath.normpath(path.removeprefix(settings.STATIC_URL))
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _folders(names: Iterable[str]) -> frozenset[str]:
    found = {"."}
    for name in names:
        folder = posixpath.dirname(name)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(found)
