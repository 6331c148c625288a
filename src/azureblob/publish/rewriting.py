"""One file by the rules of Django's manifest storage: its hashed name, and its references.

Django's own converter rewrites the references, so that the result is the same, byte for byte.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from azureblob.publish.comments import comments, is_within
from azureblob.publish.discovery import LocalFile
from azureblob.publish.patterns import Blocks, Pattern, block_before, ignored_blocks

# Names that Django's parsing of names as URLs does not change.
_ORDINARY = re.compile(r"[A-Za-z0-9_.@+~,=!/-]+")
# The methods of Django's storage that turn a reference into the one to a hashed file.
_CONVERSION = (
    *("url_converter", "_url", "_stored_name", "hash_key", "clean_name"),
    "is_in_ignored_block",  # since Django 6.1
)
_SHOWN = 100
_QUERY_OR_FRAGMENT = re.compile("[?#]")


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


class Outcome(NamedTuple):
    """The `data` of a rewritten file. `unnamed` are the files that it refers to and that have no
    hashed name yet; if there are any, the rest does not count. `names`, `paths` and `missing` are
    those of azureblob.publish.learned.Rewritten."""

    data: bytes
    unnamed: set[str]
    names: dict[str, str | None]
    paths: dict[str, str]
    missing: list[MissingReference]


def manifest_storage(kind: type[ManifestFilesMixin], location: Path) -> Any:
    return kind(location=location, base_url=settings.STATIC_URL)


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


class Rewriter:
    """The rules of the manifest storage `kind` for these `sources`. References are rewritten to the
    names in `hashed_names`, by the keys of the storage. `by_key` has the original names by the same
    keys. `aliased` collects the files that are referred to by a name of their own: see
    HashedTree.aliases."""

    def __init__(
        self, sources: Mapping[str, LocalFile], kind: type[ManifestFilesMixin], scratch: Path
    ) -> None:
        storage = manifest_storage(type(kind.__name__, (_SourceFiles, kind), {}), scratch)
        self.storage = storage
        self.by_key = {storage.hash_key(storage.clean_name(name)): name for name in sources}
        self.hashed_names = _HashedNames()
        self.aliased: set[str] = set()
        storage.sources, storage.folders, storage.names = sources, _folders(sources), self.by_key
        storage.aliased = self.aliased
        self._names_as_django = (
            kind.file_hash is HashedFilesMixin.file_hash
            and kind.hashed_name is HashedFilesMixin.hashed_name
        )
        self._converts_as_django = (
            self._names_as_django
            and all(
                getattr(kind, method, None) is getattr(HashedFilesMixin, method, None)
                for method in _CONVERSION
            )
            and _after(HashedFilesMixin, kind, "url") is FileSystemStorage.url
        )

    def kind_of(self, path: str) -> str:
        """What a path is: the MD5 (hex) of a source file, `/` for a folder, empty for neither."""
        kind: str = self.storage.kind_of(path)
        return kind

    # --- Names ------------------------------------------------------------------------------------

    def short_hashed_name(self, name: str, md5: str) -> str | None:
        """The hashed name for content with this MD5 (hex), or None if it needs the content."""
        if not (self._names_as_django and _ORDINARY.fullmatch(name)):
            return None
        # As by posixpath.splitext(), which takes longer than all the rest.
        start = name.rfind("/") + 1
        dot = name.rfind(".", start)
        if not name[start : max(dot, start)].strip("."):
            dot = len(name)
        return f"{name[:dot]}.{md5[:12]}{name[dot:]}"

    def hashed_name(self, name: str, content: LocalFile) -> str:
        if short := self.short_hashed_name(name, content.md5.hex()):
            return short
        with Path(content.path).open("rb") as file:
            hashed: str = self.storage.clean_name(self.storage.hashed_name(name, File(file)))
        return hashed

    # --- References -------------------------------------------------------------------------------

    def rewrite(self, name: str, data: bytes, patterns: Sequence[Pattern]) -> Outcome:
        """Rewrite the references in a file. Raises UnicodeDecodeError."""
        missing: list[MissingReference] = []
        self.storage.unnamed, self.storage.seen, self.hashed_names.looked_up = set(), {}, {}
        text = "" if data.isascii() else data.decode()
        for pattern in patterns:
            if pattern.may_match(data):
                before = text or data.decode()
                text = self._replace(name, before, pattern, missing)
                if text != before:
                    data = text.encode()
        return Outcome(
            data, self.storage.unnamed, self.hashed_names.looked_up, self.storage.seen, missing
        )

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
            arguments: list[Any] = [name, self.hashed_names, pattern.template]
            if pattern.ignored is not None:
                if ignored is None:
                    ignored = ignored_blocks(self.storage, text, pattern.ignored)
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
        hashed = self.hashed_names.get(target)
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
            written = self.storage.url_converter(*arguments)(match)
        except (ValueError, SuspiciousFileOperation):
            name, url = arguments[0], match["url"]
            line = match.string.count("\n", 0, match.start()) + 1
            missing.append(MissingReference(name, line, match["matched"], _target(name, url)))
        return written


def _after(base: type, kind: type, method: str) -> object:
    """The method that super() finds in the methods of `base`, for an object of the class `kind`."""
    following = kind.__mro__[kind.__mro__.index(base) + 1 :]
    return next((vars(one)[method] for one in following if method in vars(one)), None)


def _target(name: str, url: str) -> str:
    """The name of the static file that a reference in the file `name` means."""
    path = unquote(_QUERY_OR_FRAGMENT.split(url, maxsplit=1)[0]).strip()
    if path.startswith("/"):
        return posixpath.normpath(path.removeprefix(settings.STATIC_URL))
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _folders(names: Iterable[str]) -> frozenset[str]:
    found = {"."}
    for folder in {name.rpartition("/")[0] for name in names}:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)
