"""Pruning: which hashed files no page can use any more, and their deletion.

A file may be deleted if no manifest of the container names it, and no manifest that this site had
live in the last N days does. The history has the time from which each was live; it ended when the
next one went live.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from azureblob.publish import PublishError
from azureblob.publish.headers import has_hashed_name
from azureblob.publish.manifest import SHARED, Manifest, Record, hashed_names_of, records
from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.models import RemoteBlob, Request, quoted
from azureblob.rest.retries import backoff, is_transient
from azureblob.rest.transport import Transport

# A record's time is that of its upload, in whole seconds; its manifest went live just after.
_MARGIN_SECONDS = 1
# A batch takes much less than a minute, which is how long the leases last.
_BATCH = 64
_ROUNDS = 6
_PAUSE_SECONDS = 10.0
# "Specifying conditional headers": with If-Match, 412 is also the status for a missing blob.
_GONE = {404, 412}
# "Delete Blob": without this header, a blob that has snapshots is not deleted.
_WITH_SNAPSHOTS = {"x-ms-delete-snapshots": "include"}


class Live(NamedTuple):
    """The hashed names in a live manifest; `recorded` as in Manifest."""

    names: frozenset[str]
    recorded: bool = True


@dataclass(frozen=True)
class Verdict:
    """`obsolete` are the blobs that may be deleted, old records of the history included.

    `unknown_until` (Unix time) is set if the history does not reach back far enough: what the
    manifest `unknown` named before then is not known. `unrecorded` are manifests of which the
    history has no copy, and `abandoned` those that exist only in the history.
    """

    obsolete: dict[str, RemoteBlob]
    unknown_until: float | None = None
    unknown: str = ""
    unrecorded: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()


def judge(
    transport: Transport,
    own: str,
    remote: Mapping[str, RemoteBlob],
    manifests: Mapping[str, Manifest],
    older_than: float,
) -> Verdict:
    """What the site whose manifest is `own` may delete now. `older_than` is in seconds. Raises
    PublishError and BlobServiceError."""
    if own not in manifests:
        raise PublishError(
            f"There is no {own} in the container, so it is not known which files are live. Run "
            "collectstatic first."
        )
    live = {}
    for name, manifest in manifests.items():
        if manifest.paths is None:
            raise PublishError(
                f"{name} is no manifest of Django's. Nothing was deleted. Run collectstatic of "
                "the site that it belongs to, which writes it anew."
            )
        live[name] = Live(frozenset(manifest.paths.values()), manifest.recorded)
    histories = records(remote)
    named = _read_names(
        transport, [record.name for listed in histories.values() for record in listed]
    )
    return verdict(remote, histories, named, live, own, manifests[own].read, older_than)


def verdict(
    remote: Mapping[str, RemoteBlob],
    histories: Mapping[str, list[Record]],
    named: Mapping[str, frozenset[str]],
    live: Mapping[str, Live],
    own: str,
    now: float,
    older_than: float,
) -> Verdict:
    """`named` has the hashed names in each record. Files of other sites are retained while they are
    in those sites' histories: each site prunes its own, with its own `older_than`."""
    cutoff = now - older_than
    shared, ours = histories.get(SHARED, []), histories.get(own, [])
    known_since = {name: _known_since(name, live[name], histories, named) for name in live}
    begins = min((record.time for record in shared + ours), default=math.inf)
    known_since[own] = max(known_since[own], begins)
    unrecorded = tuple(name for name, since in known_since.items() if since == math.inf)
    abandoned = tuple(name for name in histories if name != SHARED and name not in live)
    last = max(known_since, key=lambda name: known_since[name])
    if known_since[last] > cutoff:
        return Verdict({}, min(known_since[last], now), last, unrecorded, abandoned)
    retained_records = {
        record.name
        for name, listed in histories.items()
        for record in (
            _recent(listed, now, cutoff)
            if name == own
            else _recent_of_shared(histories, named, live, cutoff)
            if name == SHARED
            else listed
        )
    }
    retained = frozenset().union(
        *(manifest.names for manifest in live.values()),
        *(named[name] for name in retained_records),
    )
    own_records = {record.name for record in shared + ours}
    named_before = frozenset().union(*(named[name] for name in own_records))
    obsolete = {
        name: blob
        for name, blob in remote.items()
        if blob.modified < cutoff
        and name not in retained
        and name not in retained_records
        and name not in live
        and (name in own_records or name in named_before or has_hashed_name(name, blob))
    }
    return Verdict(obsolete, unrecorded=unrecorded, abandoned=abandoned)


def _known_since(
    name: str,
    live: Live,
    histories: Mapping[str, list[Record]],
    named: Mapping[str, frozenset[str]],
) -> float:
    """The time (Unix) from which on every version of a manifest is recorded: minus infinity for
    always, infinity if not even the live version is."""
    own = histories.get(name, [])
    recorded = [named[record.name] for record in own + histories.get(SHARED, [])]
    if not live.recorded and live.names not in recorded:
        return math.inf
    return max((record.time for record in own if record.found), default=-math.inf)


def _recent(listed: list[Record], now: float, cutoff: float) -> list[Record]:
    """The records of one manifest that were live after `cutoff`."""
    ends = [record.time for record in listed[1:]] + [now]
    return [
        record for end, record in zip(ends, listed, strict=True) if end >= cutoff - _MARGIN_SECONDS
    ]


def _recent_of_shared(
    histories: Mapping[str, list[Record]],
    named: Mapping[str, frozenset[str]],
    live: Mapping[str, Live],
    cutoff: float,
) -> list[Record]:
    """The shared records that were live after `cutoff`. It is unknown which manifest ended which
    of them. All of them, except live ones, had ended when the last of them was written, or when
    the last of them was copied into the history of its own manifest.
    """
    shared = histories[SHARED]
    contents = {named[record.name] for record in shared}
    copied = [
        record.time
        for name, listed in histories.items()
        for record in listed
        if name == SHARED or named[record.name] in contents
    ]
    if max(copied) >= cutoff - _MARGIN_SECONDS:
        return shared
    names = {manifest.names for manifest in live.values()}
    return [record for record in shared if named[record.name] in names]


def _read_names(transport: Transport, listed: Iterable[str]) -> dict[str, frozenset[str]]:
    """The hashed names in each record. Raises PublishError."""
    found = {}
    for request, response in transport.run(Request("GET", name) for name in listed):
        if not response.ok:
            raise PublishError(f"{request.blob} cannot be read: {response.reason}")
        names = hashed_names_of(response.body)
        if names is None:
            raise PublishError(
                f"{request.blob} is no manifest of Django's, so it is not known which files were "
                "live then. Nothing was deleted. Delete it if it is not collectstatic's; if it is, "
                "delete it once no page of that time is in use."
            )
        found[request.blob] = names
    return found


# --- Deletion -------------------------------------------------------------------------------------


def delete(
    transport: Transport,
    obsolete: Mapping[str, RemoteBlob],
    deleted: Callable[[str], None],
    before_batch: Callable[[], None] = lambda: None,
) -> None:
    """Delete each blob, unless it was written again since it was listed. Raises PublishError and
    BlobServiceError.

    `before_batch` is called before each batch, and regularly while the account has asked for a
    pause. The transport should make one attempt per request: failed requests are repeated in later
    rounds.
    """
    left = dict(obsolete)
    reasons: dict[str, str] = {}
    size = min(_BATCH, transport.connections)  # so that no request of a batch waits for another
    for attempt in range(1, _ROUNDS + 1):
        names = [name for name in left if name not in reasons]
        for start in range(0, len(names), size):
            _pause(transport.pause_seconds, before_batch)
            before_batch()
            requests = [
                Request(
                    "DELETE", name, headers={"If-Match": quoted(left[name].etag), **_WITH_SNAPSHOTS}
                )
                for name in names[start : start + size]
            ]
            for request, response in transport.run(requests):
                name = request.blob
                if is_fatal(response):
                    raise service_error(response)
                if response.ok or response.status in _GONE:
                    del left[name]
                    # If it is missing in a later round, an earlier one deleted it and the response
                    # was lost.
                    if response.ok or attempt > 1:
                        deleted(name)
                elif attempt == _ROUNDS or not is_transient(response):
                    reasons[name] = response.reason
        if len(left) == len(reasons):
            break
        time.sleep(backoff(attempt))
    if left:
        name, reason = next(iter(reasons.items()))
        raise PublishError(f"{len(left)} blobs could not be deleted, {name} for one: {reason}")


def _pause(seconds: float, meanwhile: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        meanwhile()
        time.sleep(min(left, _PAUSE_SECONDS))
