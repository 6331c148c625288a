"""The plan of a publish: the wanted blobs, and how the container differs from them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from azureblob.content_types import content_encoding
from azureblob.publish.discovery import LocalFile, first_bytes
from azureblob.publish.headers import GZIP, HeaderRules, Headers, source_md5
from azureblob.rest.models import BLOB_HEADERS, RemoteBlob

if TYPE_CHECKING:
    from azureblob.publish.hashing import HashedTree


_OTHER_HEADERS = attrgetter(
    *(header.attribute for header in BLOB_HEADERS if header.attribute != "content_encoding")
)


class Wanted(NamedTuple):
    """A blob as it should be. `source` is the static file's own name; the blob's name may be its
    hashed name. `gzip`: compress the file if that saves enough. A `file` without a path has to be
    rendered before it is sent: see Target."""

    name: str
    source: str
    file: LocalFile
    headers: Headers
    gzip: bool


@dataclass(frozen=True)
class Target:
    """All blobs as they should be, and the manifest's content; empty if names are not hashed.
    `render` returns files for the sources with these names, and raises StaleCache if they are not
    as they were wanted."""

    blobs: list[Wanted]
    manifest: bytes = b""
    render: Callable[[Iterable[str]], Mapping[str, LocalFile]] | None = None


class Change(NamedTuple):
    """`send` the blob, or set its `headers` alone; then `remote` is the blob as it is. `why` is for
    the user."""

    wanted: Wanted
    kind: Literal["send", "headers"]
    why: str
    remote: RemoteBlob | None = None


@dataclass
class Plan:
    """`added` blobs can be sent at any time. `changed` blobs replace some that live pages may use,
    so they are sent after the blobs that they may refer to."""

    added: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unmodified: list[Wanted] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        return self.added + self.changed

    def rendered(self, target: Target) -> Plan:
        """The plan with a file for each blob that is sent. Raises StaleCache."""
        sources = {
            change.wanted.source: None
            for change in self.changes
            if change.kind == "send" and not change.wanted.file.path
        }
        if not sources or target.render is None:
            return self
        files = target.render(sources)

        def with_file(change: Change) -> Change:
            wanted = change.wanted
            if change.kind != "send" or wanted.file.path:
                return change
            return change._replace(wanted=wanted._replace(file=files[wanted.source]))

        return Plan(
            [with_file(change) for change in self.added],
            [with_file(change) for change in self.changed],
            self.unmodified,
        )


# --- What is wanted -------------------------------------------------------------------------------


def plain_target(sources: Mapping[str, LocalFile], rules: HeaderRules, *, gzip: bool) -> Target:
    """All files under their own names."""
    return Target([_wanted(name, name, file, rules, gzip) for name, file in sources.items()])


def hashed_target(
    sources: Mapping[str, LocalFile],
    tree: HashedTree,
    rules: HeaderRules,
    *,
    gzip: bool,
    plain: Collection[str],
) -> Target:
    """The hashed files, their aliases, and the files of `plain` under their own names as well."""
    blobs = {
        hashed: _wanted(hashed, name, tree.files[hashed], rules, gzip)
        for name, hashed in tree.paths.items()
    }
    for name in sorted(plain):
        blobs.setdefault(name, _wanted(name, name, sources[name], rules, gzip))
    for alias, name in tree.aliases.items():
        file = tree.files[tree.names[name]]
        # The hash in an alias is not that of these bytes, which may change while the name stays.
        blobs.setdefault(alias, _wanted(alias, name, file, rules, gzip, hashed=False))
    return Target(list(blobs.values()), tree.manifest, tree.render)


def _wanted(
    name: str,
    source: str,
    file: LocalFile,
    rules: HeaderRules,
    gzip: bool,
    *,
    hashed: bool | None = None,
) -> Wanted:
    """`hashed`: whether the name changes with the content; by default, if it is not the source's
    own name."""
    changes = name != source if hashed is None else hashed
    encoding = content_encoding(name, partial(first_bytes, file))
    headers = rules.of(name, hashed=changes, plain_name=source, content_encoding=encoding)
    return Wanted(name, source, file, headers, gzip and headers.compressible)


# --- How it differs -------------------------------------------------------------------------------


def make_plan(
    wanted: Iterable[Wanted], remote: Mapping[str, RemoteBlob], *, everything: bool = False
) -> Plan:
    """`everything` sends all blobs, whether they differ or not."""
    plan = Plan()
    for item in wanted:
        blob = remote.get(item.name)
        if blob is None:
            plan.added.append(Change(item, "send", "new"))
        elif why := "asked for" if everything else _content_difference(item, blob):
            plan.changed.append(Change(item, "send", why))
        elif why := _header_difference(item.headers, blob):
            plan.changed.append(Change(item, "headers", why, blob))
        else:
            plan.unmodified.append(item)
    return plan


def _content_difference(wanted: Wanted, blob: RemoteBlob) -> str:
    """Why the content has to be sent, or empty."""
    # A file that is encoded already is sent as it is, whatever encoding the blob has.
    if wanted.headers.content_encoding:
        return "" if base64.b64decode(blob.md5 or "") == wanted.file.md5 else "changed"
    if blob.content_encoding not in {"", GZIP}:
        return f"compressed as {blob.content_encoding}"
    if blob.content_encoding:
        if not source_md5(blob):
            return "compressed by another tool"
        if source_md5(blob) != wanted.file.md5.hex():
            return "changed"
        return "" if wanted.gzip else "no longer to be compressed"
    # The MD5 of the stored bytes, not the metadata: a tool that sets one header clears the others,
    # and then compressed bytes have no Content-Encoding.
    if base64.b64decode(blob.md5 or "") != wanted.file.md5:
        return "changed"
    # With the metadata, the last publish tried compression, and it saved too little.
    return "to be compressed" if wanted.gzip and not source_md5(blob) else ""


def _header_difference(wanted: Headers, blob: RemoteBlob) -> str:
    """Which headers differ and what they were, or empty."""
    same_encoding = wanted.content_encoding in {"", blob.content_encoding}
    if same_encoding and _OTHER_HEADERS(wanted) == _OTHER_HEADERS(blob):
        return ""  # in a quarter of the time, for nearly all blobs
    differences = []
    for attribute, _, name in BLOB_HEADERS:
        new, old = getattr(wanted, attribute), getattr(blob, attribute)
        # An encoding by the publish itself was part of the comparison of contents.
        if new != old and (new or attribute != "content_encoding"):
            differences.append(f"{name} was {old!r}" if old else f"no {name}")
    return ", ".join(differences)
