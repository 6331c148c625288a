"""Static files under names that contain a hash of their content, as Django's manifest storage does.

Django goes over all files up to six times, and writes and reads each file on the way. Here each
file is rewritten by Django's own converter once the files that it refers to have their names, so
the result is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from django.contrib.staticfiles.storage import ManifestFilesMixin

from azureblob.publish import PublishError
from azureblob.publish.discovery import LocalFile, content
from azureblob.publish.learned import (
    Details,
    Known,
    Learned,
    Rewritten,
    Scan,
    Scanned,
    StaleCache,
    Summary,
)
from azureblob.publish.patterns import read_patterns
from azureblob.publish.reuse import Reusable, fingerprint, tree_digest, unusual
from azureblob.publish.rewriting import MissingReference, Rewriter, manifest_storage
from azureblob.rest.models import md5

if TYPE_CHECKING:
    from azureblob.publish.references import PlainReferences

# Rewritten files of up to this size are stored in one file; upload() reads them into memory.
_MAX_TOGETHER = 128 * 1024


class HashingError(PublishError):
    """Some files cannot be named; the text says which and why."""


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


def saved_manifest(storage: Any) -> bytes:
    """The manifest that a manifest storage has saved."""
    with storage.manifest_storage.open(storage.manifest_name) as file:
        data: bytes = file.read()
    return data


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
        self._rewriter = Rewriter(sources, kind, scratch)
        self._keys = {name: key for key, name in self._rewriter.by_key.items()}
        storage = self._rewriter.storage
        self._all_patterns = read_patterns(storage)
        self._patterns = self._all_patterns.by_name(sources)
        self._fingerprint = fingerprint(kind, storage, find_needed=find_needed)
        self._digest = tree_digest(sources) if self._fingerprint else ""
        valid = known is not None and known.summary.fingerprint == self._fingerprint
        self._known = known if valid and self._fingerprint else None
        self._find_needed = find_needed
        self._plain: PlainReferences | None = None
        self._files: dict[str, LocalFile] = {}
        self._names: dict[str, str] = {}
        self._missing: dict[str, list[MissingReference]] = {}
        self._rewritten: dict[str, Rewritten] = {}
        self._scanned: dict[str, Scan] = {}
        # Whether the names of all rewritten files follow from the MD5s of their contents.
        self._short_names = True
        # Where small rewritten files are stored; open while files are being rewritten.
        self._together: BinaryIO

    def tree(self) -> HashedTree:
        known = self._recalled()
        if known is None:
            self._name_all()
            needed = self._plain.needed() if self._plain else frozenset(self._sources)
        else:
            needed = known.needed if self._find_needed else frozenset(self._sources)
        aliases = {
            self._rewriter.hashed_name(name, self._sources[name]): name
            for name in sorted(self._rewriter.aliased)
        }
        # Django's order: the deepest folders first.
        ordered = sorted(self._sources, key=lambda name: name.count("/"), reverse=True)
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
        reusable = Reusable(details or Details(), self._sources, self._rewriter.kind_of)
        if self._find_needed:
            # Imported here to shorten start-up: most publishes do not need its patterns.
            from azureblob.publish.references import PlainReferences

            self._plain = PlainReferences(self._sources, self._all_patterns, reusable.followed())
        scanned = reusable.scanned()
        rewritten = []
        for name in self._sources:
            if name in self._patterns:
                rewritten.append(name)
            else:
                self._name_unchanged(name, scanned.get(name))
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
        with (self._scratch / "rewritten").open("ab") as self._together:
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
            self._name(name, _unread(known_md5) if name in self._patterns else source)
        self._rewriter.aliased.update(known.aliased)
        self._missing = {
            name: [MissingReference(name, *one) for one in found]
            for name, found in known.missing.items()
        }
        return known

    def _reuse(self, reusable: Reusable, names: Iterable[str]) -> None:
        """Name the files of which it is known what they are rewritten to."""
        rewriter = self._rewriter
        found = reusable.rewritten(names, self._names, rewriter.by_key, rewriter.short_hashed_name)
        for name, (hashed, entry) in found.items():
            self._name(name, _unread(entry.result), hashed)
            self._rewritten[name] = entry
            self._missing[name] = [MissingReference(name, *one) for one in entry.missing]
            rewriter.aliased.update(path for path in entry.paths if path in self._sources)
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

        summary = Summary(
            self._fingerprint,
            self._digest if self._short_names else "",
            {
                name: entry.result
                for name, entry in self._rewritten.items()
                if entry.result != entry.source
            },
            tuple(sorted(self._rewriter.aliased)),
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
        original = _read(source)
        outcome = self._rewriter.rewrite(name, original, self._patterns[name])
        if outcome.unnamed:
            return outcome.unnamed
        self._missing[name] = outcome.missing
        changed = outcome.data != original
        digest = md5(outcome.data) if changed else source.md5
        hashed = self._rewriter.short_hashed_name(name, digest.hex())
        # A site's own naming reads the file.
        self._short_names &= hashed is not None
        stored = self._store(outcome.data, digest, alone=hashed is None) if changed else source
        self._name(name, stored, hashed)
        self._rewritten[name] = Rewritten(
            source.md5.hex(),
            digest.hex(),
            outcome.names,
            outcome.paths,
            tuple((one.line, one.written, one.target) for one in outcome.missing),
            self._plain.scan(name, outcome.data) if self._plain else Scan(),
        )
        return set()

    def _store(self, data: bytes, digest: bytes, *, alone: bool) -> LocalFile:
        """Store a rewritten file. Small ones are stored in one file, unless they have to be
        `alone`, as creating a file takes longer than rewriting it."""
        if alone or len(data) > _MAX_TOGETHER:
            own = self._scratch / f"{digest.hex()}.rewritten"
            own.write_bytes(data)
            return LocalFile(str(own), len(data), digest)
        start = self._together.tell()
        self._together.write(data)
        return LocalFile(self._together.name, len(data), digest, start)

    def _name(self, name: str, content: LocalFile, hashed: str | None = None) -> None:
        """`hashed` is the hashed name if it is known."""
        if hashed is None:
            hashed = self._rewriter.hashed_name(name, content)
        self._names[name] = hashed
        self._files[hashed] = content
        if name in self._keys:
            self._rewriter.hashed_names[self._keys[name]] = hashed

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


def _describe_cycle(cycle: list[str]) -> str:
    """`cycle` begins and ends with the same file; each file is a target of the next."""
    return (
        f"These files refer to each other in a circle: {' -> '.join(reversed(cycle))}. None of "
        "them can be named by its content, which would contain its own name. Break the circle."
    )
