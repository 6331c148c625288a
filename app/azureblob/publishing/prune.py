"""Which hashed files no page can want any more.

A file may go when no manifest that was live in the last N days names it. The history tells when
each was: from its record's time until the next one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from azureblob.publishing.channel import Channel
from azureblob.publishing.errors import PublishError, explain
from azureblob.publishing.listing import RemoteBlob, list_blobs
from azureblob.publishing.manifest import HISTORY, history, names_of
from azureblob.publishing.requests import Request


@dataclass(frozen=True)
class Verdict:
    """`doomed` are the blobs that may go, old records of the history among them; `history_begins`
    (Unix time) is set where the history is too short to tell."""

    doomed: dict[str, RemoteBlob]
    history_begins: float | None = None


def judge(channel: Channel, manifest_name: str, older_than: float) -> Verdict:
    """What may be deleted now. `older_than` is in seconds. Raises PublishError."""
    live, now = _live(channel, manifest_name)
    remote = list_blobs(channel)
    records = history(remote)
    named = _named(channel, [name for _, name in records])
    return verdict(remote, records, named, live, now, older_than)


def verdict(
    remote: Mapping[str, RemoteBlob],
    records: list[tuple[float, str]],
    named: Mapping[str, frozenset[str]],
    live: frozenset[str],
    now: float,
    older_than: float,
) -> Verdict:
    """`records` are times and names of the history in order, `named` what each of them names."""
    cut = now - older_than
    if not records or records[0][0] > cut:
        return Verdict({}, history_begins=records[0][0] if records else now)
    ends = [time for time, _ in records[1:]] + [now]
    # A record's time is that of its upload, in whole seconds; its manifest went live just after.
    recent = {name for end, (_, name) in zip(ends, records, strict=True) if end >= cut - 1}
    kept = live.union(*(named[name] for name in recent))
    known = frozenset().union(*named.values())
    return Verdict(
        {
            name: blob
            for name, blob in remote.items()
            if blob.modified < cut
            and name not in kept
            and (
                name not in recent
                if name.startswith(HISTORY)
                else name in known or blob.is_hashed(name)
            )
        }
    )


def _live(channel: Channel, manifest_name: str) -> tuple[frozenset[str], float]:
    """What the live manifest names, and the service's own time."""
    answer = channel.ask(Request("GET", manifest_name))
    if answer.status == 404 and answer.code != "ContainerNotFound":
        raise PublishError(
            f"There is no {manifest_name} in the container, so nothing tells what is live. Run "
            "collectstatic first."
        )
    if not answer.ok:
        raise PublishError(explain(answer))
    names = names_of(answer.body)
    if names is None:
        raise PublishError(
            f"{manifest_name} is no manifest of Django's. Nothing was deleted; run collectstatic, "
            "which writes it anew."
        )
    return names, parsedate_to_datetime(answer.headers["date"]).timestamp()


def _named(channel: Channel, records: list[str]) -> dict[str, frozenset[str]]:
    found = {}
    for request, answer in channel.run(Request("GET", name) for name in records):
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
