"""A publish from beginning to end: list, send what differs, put the manifest last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from azureblob.content_types import content_encoding
from azureblob.progress import Progress, standard
from azureblob.publish import history, manifest
from azureblob.publish.deletion import delete
from azureblob.publish.files import LocalFile, first_bytes
from azureblob.publish.headers import HeaderRules
from azureblob.publish.lease import Leases, held
from azureblob.publish.plan import Change, Plan, Wanted, make_plan
from azureblob.publish.upload import send
from azureblob.rest.errors import PublishError
from azureblob.rest.listing import RemoteBlob, list_blobs
from azureblob.rest.transport import Transport

if TYPE_CHECKING:
    from azureblob.publish.hashing import HashedTree

# Each round lost means that somebody else's publish came through.
_ROUNDS = 10
# A prune's lease ends after a minute even if the prune was killed.
_LEASE_SECONDS = 90.0
_LEASE_POLL_SECONDS = 2.0
_SHOWN_FAILURES = 20
_WAITING = "prunestatic is at work; waiting until it has ended."
# So many do not fail because of what they are: the service is away, and each would try and wait.
_ENOUGH_FAILURES = 64


@dataclass(frozen=True)
class Target:
    """What shall be there. `manifest` is empty where names are not hashed."""

    blobs: list[Wanted]
    manifest_name: str = ""
    manifest: bytes = b""


@dataclass
class Result:
    """Names of static files (not of blobs) that were sent or mended, and that were as they are."""

    modified: set[str] = field(default_factory=set)
    unmodified: set[str] = field(default_factory=set)


def target_of_plain(sources: Mapping[str, LocalFile], rules: HeaderRules, *, gzip: bool) -> Target:
    """All files under their own names."""
    return Target([_wanted(name, name, file, rules, gzip) for name, file in sources.items()])


def target_of_hashed(
    sources: Mapping[str, LocalFile],
    tree: HashedTree,
    rules: HeaderRules,
    *,
    gzip: bool,
    plain: Iterable[str],
    manifest_name: str,
) -> Target:
    """The hashed files, and those of `plain` under their own names as well; and what is referred
    to by a further name, under that."""
    blobs = {
        hashed: _wanted(hashed, name, tree.files[hashed], rules, gzip)
        for name, hashed in tree.paths.items()
    }
    for name in plain:
        blobs.setdefault(name, _wanted(name, name, sources[name], rules, gzip))
    for alias, name in tree.aliases.items():
        file = tree.files[tree.names[name]]
        # Its digest is not that of these bytes, which may change while the name stays.
        blobs.setdefault(alias, _wanted(alias, name, file, rules, gzip, hashed=False))
    return Target(list(blobs.values()), manifest_name, tree.manifest)


def _wanted(
    name: str,
    source: str,
    file: LocalFile,
    rules: HeaderRules,
    gzip: bool,
    *,
    hashed: bool | None = None,
) -> Wanted:
    """`hashed`: whether the name changes with the content; by default any but the source's does."""
    changes = name != source if hashed is None else hashed
    encoding = content_encoding(name, partial(first_bytes, file))
    headers = rules.of(name, hashed=changes, plain_name=source, content_encoding=encoding)
    return Wanted(name, source, file, headers, gzip and headers.compressible)


class Publication:
    """`say(text, level)` gets a line for each file, at level 2; at level 1 what all should know.
    `manifest_name` is the site's, whether this publish writes it or not."""

    def __init__(
        self,
        transport: Transport,
        scratch: Path,
        say: Callable[[str, int], None],
        *,
        manifest_name: str,
        everything: bool = False,
        dry_run: bool = False,
        quiet: bool = False,
    ) -> None:
        self._channel = transport
        self._scratch = scratch
        self._say = say
        self._own = manifest_name
        self._everything = everything
        self._dry_run = dry_run
        self._quiet = quiet

    def run(self, target: Target) -> Result:
        """Publish. Raises PublishError; then the manifest is the one that was there before."""
        result = Result()
        everything = self._everything
        for attempt in range(_ROUNDS):
            remote = self._listed(target)
            # It may also be this publish's own that came through, and only its answer got lost.
            if attempt and not self._is_live(target, remote):
                self._say("Another publish came between; looking again.", 1)
            target = self._without_manifests(target, remote)
            plan = make_plan(target.blobs, remote, everything=everything)
            everything = False
            self._carry_out(plan, result)
            if self._is_done(target, remote):
                result.unmodified = {item.source for item in target.blobs} - result.modified
                return result
        raise PublishError(
            "The manifest was replaced by somebody else each time it was to be put in place. "
            "Publish from one place at a time, then run collectstatic again."
        )

    def _listed(self, target: Target) -> dict[str, RemoteBlob]:
        """What is there, once no prune is at work: it deletes what the list would promise."""
        deadline = time.monotonic() + _LEASE_SECONDS
        told = False
        while True:
            remote = list_blobs(self._channel, steady=target.manifest_name)
            there = remote.get(target.manifest_name)
            if there is None or not there.leased or self._dry_run:
                return remote
            if time.monotonic() > deadline:
                raise PublishError(
                    f"Somebody holds a lease on {target.manifest_name}. If no prunestatic runs, "
                    "break the lease: az storage blob lease break"
                )
            if not told:
                self._say(_WAITING, 1)
                told = True
            time.sleep(_LEASE_POLL_SECONDS)

    def _without_manifests(self, target: Target, remote: Mapping[str, RemoteBlob]) -> Target:
        """Without static files that would replace a manifest of this site or of another one, or
        that would pass for records of the history."""
        blobs = [item for item in target.blobs if not self._is_taken(item, remote)]
        return target if len(blobs) == len(target.blobs) else replace(target, blobs=blobs)

    def _is_taken(self, item: Wanted, remote: Mapping[str, RemoteBlob]) -> bool:
        name, there = item.name, remote.get(item.name)
        if name == self._own:
            why = "the site's manifest has that name"
        elif history.is_record(name) or (name == item.source and name.startswith(manifest.HISTORY)):
            why = "the history of the manifests is kept in that folder"
        elif there is not None and (
            there.is_manifest
            or (
                manifest.may_be_of_older_version(there)
                and name in manifest.find(self._channel, {name: there}, self._own)
            )
        ):
            why = "another site's manifest has that name in this container"
        else:
            return False
        self._say(
            f"'{name}' is not published under its own name: {why}. Rename the file, or leave it "
            "out with --ignore.",
            1,
        )
        return True

    def _carry_out(self, plan: Plan, result: Result) -> None:
        for item in plan.unmodified:
            self._say(f"Skipping '{item.name}' (not modified)", 2)
        if self._dry_run:
            for change in plan.changes:
                verb = "send" if change.kind == "send" else "mend the headers of"
                self._say(f"Pretending to {verb} '{change.wanted.name}' ({change.why})", 1)
                result.modified.add(change.wanted.source)
            return
        failures: dict[str, str] = {}
        sent: list[str] = []
        size = sum(change.wanted.file.size for change in plan.changes if change.kind == "send")
        with Progress(len(plan.changes), size, standard(), quiet=self._quiet) as progress:

            def done(change: Change, failure: str) -> None:
                wanted = change.wanted
                if failure:
                    failures[wanted.name] = failure
                    return
                result.modified.add(wanted.source)
                sent.append(wanted.name)
                progress.add(wanted.file.size if change.kind == "send" else 0)
                verb = "Sent" if change.kind == "send" else "Mended the headers of"
                self._say(f"{verb} '{wanted.name}' ({change.why})", 2)

            for wave in (plan.added, plan.changed):
                if wave and not failures:
                    send(
                        wave,
                        self._channel,
                        self._scratch,
                        done,
                        lambda: len(failures) >= _ENOUGH_FAILURES,
                    )
        if failures:
            raise PublishError(_report(failures, len(sent), len(plan.changes)))

    def clear(self, target: Target) -> list[str]:
        """Delete what has a plain name and is not wanted, and return the names; hashed files are
        prunestatic's. Raises PublishError."""
        if self._dry_run:
            remote = list_blobs(self._channel)
            manifests = manifest.find(self._channel, remote, self._own)
            doomed = self._obsolete(target, remote, manifests)
            for name in doomed:
                self._say(f"Pretending to delete '{name}'", 1)
            return sorted(doomed)
        # A publish that is at work may rely on a plain file that it found.
        with self._held() as leases, self._channel.with_attempts(1) as once:
            doomed = self._obsolete(target, leases.remote, leases.manifests)
            delete(once, doomed, lambda name: self._say(f"Deleting '{name}'", 1), leases.keep)
        return sorted(doomed)

    def _obsolete(
        self,
        target: Target,
        remote: Mapping[str, RemoteBlob],
        manifests: Mapping[str, manifest.Manifest],
    ) -> dict[str, RemoteBlob]:
        """Blobs of plain names that are not wanted. Where other sites publish into the container,
        only those that a manifest of this site has named, and none of theirs has."""
        histories = history.records(remote)
        others = (manifests.keys() | histories.keys()) - {self._own, history.SHARED}
        kept = {item.name for item in target.blobs}.union(manifests)
        doomed = {
            name: blob
            for name, blob in remote.items()
            if name not in kept and not name.startswith(manifest.HISTORY)
            if not blob.is_hashed(name)
        }
        if not others or not doomed:
            return doomed
        self._say(
            f"Other sites publish into this container ({', '.join(sorted(others))}): only files "
            "that this site has published before are cleared.",
            1,
        )
        plain = {
            name: {
                plain
                for record in listed
                for plain in manifest.read_paths(self._channel, record.name)
            }
            for name, listed in histories.items()
        }
        theirs = set().union(
            *(manifests[name].paths or () for name in others & manifests.keys()),
            *(plain[name] for name in others & plain.keys()),
        )
        ours = plain.get(self._own, set()) - theirs
        return {name: blob for name, blob in doomed.items() if name in ours}

    def _held(self) -> AbstractContextManager[Leases]:
        return held(
            self._channel,
            self._own,
            patience=_LEASE_SECONDS,
            waiting=lambda: self._say(_WAITING, 1),
        )

    def _is_done(self, target: Target, remote: Mapping[str, RemoteBlob]) -> bool:
        """Whether the manifest is in place; it is put there unless it is there already."""
        name = target.manifest_name
        if not name or self._dry_run or self._is_live(target, remote):
            return True
        there = remote.get(name)
        if there is None and remote:
            return self._put_first(target)
        history.complete(self._channel, name, remote)
        history.put_record(self._channel, name, target.manifest)
        return manifest.put_live(self._channel, name, target.manifest, there)

    def _put_first(self, target: Target) -> bool:
        """Put a manifest where there is none. A prune of another site cannot hold a lease on it,
        and so this publish holds one on theirs, and looks whether all that it relies on is there.
        """
        name = target.manifest_name
        with self._held() as leases:
            if name in leases.remote or any(
                item.name not in leases.remote for item in target.blobs
            ):
                return False
            history.put_record(self._channel, name, target.manifest)
            return manifest.put_live(self._channel, name, target.manifest, None)

    def _is_live(self, target: Target, remote: Mapping[str, RemoteBlob]) -> bool:
        return manifest.is_live(target.manifest, remote.get(target.manifest_name))


def _report(failures: Mapping[str, str], sent: int, of: int) -> str:
    shown = [f"    {name}: {why}" for name, why in list(failures.items())[:_SHOWN_FAILURES]]
    if len(failures) > _SHOWN_FAILURES:
        shown.append(f"    and {len(failures) - _SHOWN_FAILURES} more")
    if left := of - sent - len(failures):
        shown.append(f"{left} were not tried any more.")
    return (
        f"{len(failures)} of {of} files could not be sent:\n" + "\n".join(shown) + "\n"
        "The manifest, if there is one, is as it was. Run collectstatic again: it sends only "
        "what is missing."
    )
