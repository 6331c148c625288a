"""Which hashed files no page can want any more.

A file may go when no manifest of the container names it, and none that this site had live in the
last N days did. The history tells when each was: from its record's time until the next one's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from azureblob.publish.history import SHARED, Record, records
from azureblob.publish.manifest import Manifest, names_of
from azureblob.rest.errors import PublishError
from azureblob.rest.listing import RemoteBlob
from azureblob.rest.models import Request
from azureblob.rest.transport import Transport

# A record's time is that of its upload, in whole seconds; its manifest went live just after.
_MARGIN_SECONDS = 1


class Live(NamedTuple):
    """What a live manifest names; `ours` as in Manifest."""

    names: frozenset[str]
    ours: bool = True


@dataclass(frozen=True)
class Verdict:
    """`doomed` are the blobs that may go, old records of the history among them. `unknown_until`
    (Unix time) is set where nothing tells what `unknown`, a manifest, named before. `unrecorded`
    are manifests of which the history has no copy, `abandoned` those of which only it is left."""

    doomed: dict[str, RemoteBlob]
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
    PublishError."""
    if own not in manifests:
        raise PublishError(
            f"There is no {own} in the container, so nothing tells what is live. Run "
            "collectstatic first."
        )
    live = {}
    for name, there in manifests.items():
        if there.paths is None:
            raise PublishError(
                f"{name} is no manifest of Django's. Nothing was deleted; run collectstatic of "
                "the site that it belongs to, which writes it anew."
            )
        live[name] = Live(frozenset(there.paths.values()), there.ours)
    histories = records(remote)
    named = _named(transport, [record.name for listed in histories.values() for record in listed])
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
    """`named` has what each record names. What other sites had live stays for as long as it is in
    their history: they prune it by a span of their own."""
    cut = now - older_than
    shared, mine = histories.get(SHARED, []), histories.get(own, [])
    known = {name: _known_since(name, live[name], histories, named) for name in live}
    begins = min((record.time for record in shared + mine), default=math.inf)
    known[own] = max(known[own], begins)
    unrecorded = tuple(name for name, since in known.items() if since == math.inf)
    abandoned = tuple(name for name in histories if name != SHARED and name not in live)
    last = max(known, key=lambda name: known[name])
    if known[last] > cut:
        return Verdict({}, min(known[last], now), last, unrecorded, abandoned)
    kept_records = {
        record.name
        for name, listed in histories.items()
        for record in (
            _recent(listed, now, cut)
            if name == own
            else _recent_of_shared(histories, named, live, cut)
            if name == SHARED
            else listed
        )
    }
    kept = frozenset().union(
        *(there.names for there in live.values()), *(named[name] for name in kept_records)
    )
    own_records = {record.name for record in shared + mine}
    named_before = frozenset().union(*(named[name] for name in own_records))
    doomed = {
        name: blob
        for name, blob in remote.items()
        if blob.modified < cut
        and name not in kept
        and name not in kept_records
        and name not in live
        and (name in own_records or name in named_before or blob.is_hashed(name))
    }
    return Verdict(doomed, unrecorded=unrecorded, abandoned=abandoned)


def _known_since(
    name: str,
    live: Live,
    histories: Mapping[str, list[Record]],
    named: Mapping[str, frozenset[str]],
) -> float:
    """From when on (Unix time) every version of a manifest is recorded: minus infinity for always,
    infinity if not even the live one is."""
    own = histories.get(name, [])
    recorded = [named[record.name] for record in own + histories.get(SHARED, [])]
    if not live.ours and live.names not in recorded:
        return math.inf
    return max((record.time for record in own if record.found), default=-math.inf)


def _recent(listed: list[Record], now: float, cut: float) -> list[Record]:
    """The records of one manifest that were live after `cut`."""
    ends = [record.time for record in listed[1:]] + [now]
    return [
        record for end, record in zip(ends, listed, strict=True) if end >= cut - _MARGIN_SECONDS
    ]


def _recent_of_shared(
    histories: Mapping[str, list[Record]],
    named: Mapping[str, frozenset[str]],
    live: Mapping[str, Live],
    cut: float,
) -> list[Record]:
    """Nothing tells which manifest ended which of the shared records. All have ended when the last
    of them came, or was taken over into the history of its own manifest; but those that are live.
    """
    shared = histories[SHARED]
    contents = {named[record.name] for record in shared}
    taken_over = [
        record.time
        for name, listed in histories.items()
        for record in listed
        if name == SHARED or named[record.name] in contents
    ]
    if max(taken_over) >= cut - _MARGIN_SECONDS:
        return shared
    names = {there.names for there in live.values()}
    return [record for record in shared if named[record.name] in names]


def _named(transport: Transport, listed: Iterable[str]) -> dict[str, frozenset[str]]:
    found = {}
    for request, answer in transport.run(Request("GET", name) for name in listed):
        if not answer.ok:
            raise PublishError(f"{request.blob} cannot be read: {answer.reason}")
        names = names_of(answer.body)
        if names is None:
            raise PublishError(
                f"{request.blob} is no manifest of Django's, so nothing tells what was live then. "
                "Nothing was deleted. Delete it if it is not collectstatic's; if it is, only "
                "once no page of that time is in use."
            )
        found[request.blob] = names
    return found
