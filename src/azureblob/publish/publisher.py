"""A publish: list the container, send what differs, and put the manifest last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from azureblob.progress import Progress
from azureblob.publish import PublishError
from azureblob.publish.headers import has_hashed_name
from azureblob.publish.lease import Leases, lease_manifests
from azureblob.publish.manifest import (
    HISTORY,
    SHARED,
    Manifest,
    complete_history,
    find_manifests,
    has_manifest_headers,
    is_cache,
    is_live,
    is_marked,
    is_record,
    put_live,
    put_record,
    read_paths,
    records,
)
from azureblob.publish.plan import Change, Plan, Target, Wanted, make_plan
from azureblob.publish.prune import delete
from azureblob.publish.upload import upload
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import RemoteBlob
from azureblob.rest.transport import Transport

# Each lost round means that another publish succeeded.
_ROUNDS = 10
# The leases of a prune expire after a minute, even if it was killed.
_LEASE_SECONDS = 90.0
_LEASE_POLL_SECONDS = 2.0
_SHOWN_FAILURES = 20
_WAITING = "prunestatic is at work; waiting until it has ended."
# So many files do not fail because of their content: the service is down, and each further file
# would wait for its retries.
_MAX_FAILURES = 64


@dataclass
class Result:
    """Names of static files (not of blobs): those with a blob that was sent or got other headers,
    and the others."""

    modified: set[str] = field(default_factory=set)
    unmodified: set[str] = field(default_factory=set)


class Publisher:
    """`say(text, level)` gets a line for each file at level 2, and at level 1 what every user
    should know. `manifest_name` is the site's, whether this publish writes a manifest or not
    (`hashed`)."""

    def __init__(
        self,
        transport: Transport,
        scratch: Path,
        say: Callable[[str, int], None],
        *,
        manifest_name: str,
        hashed: bool = True,
        everything: bool = False,
        dry_run: bool = False,
        quiet: bool = False,
    ) -> None:
        self._transport = transport
        self._scratch = scratch
        self._say = say
        self._manifest_name = manifest_name
        self._hashed = hashed
        self._everything = everything
        self._dry_run = dry_run
        self._quiet = quiet
        self._reported: set[str] = set()

    def run(self, target: Target, listed: Mapping[str, RemoteBlob] | None = None) -> Result:
        """Publish. `listed` is the result of look(), if it was called before.

        If this raises PublishError or BlobServiceError, the manifest is still the one that was
        there before. If it raises StaleCache, nothing was sent: some files of the target, which
        were not rendered, are not as the render cache says.
        """
        result = Result()
        everything = self._everything
        for attempt in range(_ROUNDS):
            remote = self.look() if attempt or listed is None else listed
            # If the manifest is live, this publish put it, and only the response was lost.
            if attempt and not self._is_live(target, remote):
                self._say("Another publish came between; looking again.", 1)
            target = self._without_manifests(target, remote)
            plan = make_plan(target.blobs, remote, everything=everything)
            if not self._dry_run:
                plan = plan.rendered(target)
            everything = False
            self._carry_out(plan, result)
            if self._put_manifest(target, remote):
                result.unmodified = {item.source for item in target.blobs} - result.modified
                return result
        raise PublishError(
            "Another publish replaced the manifest each time before this one could. Publish from "
            "one place at a time, then run collectstatic again."
        )

    # --- Files ------------------------------------------------------------------------------------

    def look(self) -> Mapping[str, RemoteBlob]:
        """The blobs of the container. Waits for a prune to end, which may delete some of them.
        Raises PublishError and BlobServiceError."""
        if not self._hashed:
            return list_blobs(self._transport)
        name = self._manifest_name
        deadline = time.monotonic() + _LEASE_SECONDS
        announced = False
        while True:
            remote = list_blobs(self._transport, steady=name)
            if name not in remote or not remote[name].leased or self._dry_run:
                return remote
            if time.monotonic() > deadline:
                raise PublishError(
                    f"Another process holds a lease on {name}. If no prunestatic runs, break the "
                    "lease: az storage blob lease break"
                )
            if not announced:
                self._say(_WAITING, 1)
                announced = True
            self._transport.pause(_LEASE_POLL_SECONDS)

    def _without_manifests(self, target: Target, remote: Mapping[str, RemoteBlob]) -> Target:
        """The target without static files that would replace a manifest, of this site or another,
        or would look like a record of the history or a render cache."""
        blobs = []
        for item in target.blobs:
            if why := self._conflict(item, remote):
                text = (
                    f"'{item.name}' is not published under its own name: {why}. Rename the file, "
                    "or leave it out with --ignore."
                )
                if text not in self._reported:
                    self._reported.add(text)
                    self._say(text, 1)
            else:
                blobs.append(item)
        return replace(target, blobs=blobs)

    def _conflict(self, item: Wanted, remote: Mapping[str, RemoteBlob]) -> str:
        """Why a static file must not be published under this name, or empty."""
        name, blob = item.name, remote.get(item.name)
        if name == self._manifest_name:
            return "the site's manifest has that name"
        if name.startswith(HISTORY) and (name == item.source or is_record(name) or is_cache(name)):
            return "the history of the manifests is in that folder"
        if blob is not None and (
            is_marked(blob)
            or (
                has_manifest_headers(blob)
                and name in find_manifests(self._transport, {name: blob}, self._manifest_name)
            )
        ):
            return "another site's manifest has that name in this container"
        return ""

    def _carry_out(self, plan: Plan, result: Result) -> None:
        """Raises PublishError and BlobServiceError."""
        for item in plan.unmodified:
            self._say(f"Skipping '{item.name}' (not modified)", 2)
        if self._dry_run:
            for change in plan.changes:
                verb = "send" if change.kind == "send" else "set the headers of"
                self._say(f"Pretending to {verb} '{change.wanted.name}' ({change.why})", 1)
                result.modified.add(change.wanted.source)
            return
        failures: dict[str, str] = {}
        sent: list[str] = []
        size = sum(change.wanted.file.size for change in plan.changes if change.kind == "send")
        with Progress(len(plan.changes), size, quiet=self._quiet) as progress:

            def done(change: Change, failure: str) -> None:
                wanted = change.wanted
                if failure:
                    failures[wanted.name] = failure
                    return
                result.modified.add(wanted.source)
                sent.append(wanted.name)
                progress.add(wanted.file.size if change.kind == "send" else 0)
                verb = "Sent" if change.kind == "send" else "Set the headers of"
                self._say(f"{verb} '{wanted.name}' ({change.why})", 2)

            def stop() -> bool:
                return len(failures) >= _MAX_FAILURES

            for changes in (plan.added, plan.changed):
                if changes and not failures:
                    upload(changes, self._transport, self._scratch, done, stop)
        if failures:
            raise PublishError(_describe(failures, len(sent), len(plan.changes)))

    # --- The manifest -----------------------------------------------------------------------------

    def _put_manifest(self, target: Target, remote: Mapping[str, RemoteBlob]) -> bool:
        """Put the manifest in place, unless it is live already. Returns False if another publish or
        a prune came between. Raises LeaseTaken and BlobServiceError."""
        if not target.manifest or self._dry_run or self._is_live(target, remote):
            return True
        name = self._manifest_name
        live = remote.get(name)
        if live is None and remote:
            return self._put_first(target)
        complete_history(self._transport, name, remote)
        put_record(self._transport, name, target.manifest)
        return put_live(self._transport, name, target.manifest, live)

    def _put_first(self, target: Target) -> bool:
        """Put the site's first manifest. A prune of another site cannot hold a lease on it, so this
        holds leases on the other manifests, and checks that no file has been deleted.
        """
        name = self._manifest_name
        with self._leases() as leases:
            if name in leases.remote or any(
                item.name not in leases.remote for item in target.blobs
            ):
                return False
            put_record(self._transport, name, target.manifest)
            return put_live(self._transport, name, target.manifest, None)

    def _is_live(self, target: Target, remote: Mapping[str, RemoteBlob]) -> bool:
        return is_live(target.manifest, remote.get(self._manifest_name))

    def _leases(self) -> AbstractContextManager[Leases]:
        return lease_manifests(
            self._transport,
            self._manifest_name,
            patience=_LEASE_SECONDS,
            waiting=lambda: self._say(_WAITING, 1),
        )

    # --- --clear ----------------------------------------------------------------------------------

    def clear(self, target: Target) -> list[str]:
        """Delete blobs with plain names that are not wanted, and return the names. Hashed files are
        for prunestatic to delete. Raises PublishError and BlobServiceError."""
        if self._dry_run:
            remote = list_blobs(self._transport)
            manifests = find_manifests(self._transport, remote, self._manifest_name)
            obsolete = self._obsolete(target, remote, manifests)
            for name in obsolete:
                self._say(f"Pretending to delete '{name}'", 1)
            return sorted(obsolete)
        # A concurrent publish may rely on a plain file that it listed.
        with self._leases() as leases, self._transport.with_attempts(1) as transport:
            obsolete = self._obsolete(target, leases.remote, leases.manifests)
            delete(
                transport, obsolete, lambda name: self._say(f"Deleting '{name}'", 1), leases.renew
            )
        return sorted(obsolete)

    def _obsolete(
        self,
        target: Target,
        remote: Mapping[str, RemoteBlob],
        manifests: Mapping[str, Manifest],
    ) -> dict[str, RemoteBlob]:
        """Blobs with plain names that are not wanted. If other sites publish into the container,
        only those that a manifest of this site has named, and no manifest of theirs has."""
        histories = records(remote)
        others = (manifests.keys() | histories.keys()) - {self._manifest_name, SHARED}
        wanted = {item.name for item in target.blobs}.union(manifests)
        unwanted = {
            name: blob
            for name, blob in remote.items()
            if name not in wanted and not name.startswith(HISTORY)
            if not has_hashed_name(name, blob)
        }
        if not others or not unwanted:
            return unwanted
        self._say(
            f"Other sites publish into this container ({', '.join(sorted(others))}): only files "
            "that this site has published before are cleared.",
            1,
        )
        published = {
            name: {plain for record in listed for plain in read_paths(self._transport, record.name)}
            for name, listed in histories.items()
        }
        theirs = set().union(
            *(manifests[name].paths or () for name in others & manifests.keys()),
            *(published[name] for name in others & published.keys()),
        )
        ours = published.get(self._manifest_name, set()) - theirs
        return {name: blob for name, blob in unwanted.items() if name in ours}


def _describe(failures: Mapping[str, str], sent: int, total: int) -> str:
    lines = [f"    {name}: {why}" for name, why in list(failures.items())[:_SHOWN_FAILURES]]
    if len(failures) > _SHOWN_FAILURES:
        lines.append(f"    and {len(failures) - _SHOWN_FAILURES} more")
    if left := total - sent - len(failures):
        lines.append(f"{left} were not tried any more.")
    return (
        f"{len(failures)} of {total} files could not be sent:\n" + "\n".join(lines) + "\n"
        "The manifest, if there is one, is as it was. Run collectstatic again: it sends only "
        "what is missing."
    )
