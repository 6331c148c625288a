"""The history: a copy of each manifest that went live, which tells prunestatic what may go.

Each manifest of the container has a folder of records: `staticfiles-history/<manifest>/`. Older
versions of this library put the records of all manifests into `staticfiles-history/` itself;
nothing tells whose those are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from azureblob.publish.manifest import HISTORY, names_of, put_request
from azureblob.rest.errors import PublishError, explain
from azureblob.rest.listing import RemoteBlob
from azureblob.rest.models import Request, md5
from azureblob.rest.transport import Transport

# The name, in the result of `records`, under which the shared records are listed.
SHARED = ""
_RECORD = re.compile(
    rf"{HISTORY}(?:(.+)/)?\d{{4}}-\d\d-\d\dT[\d.-]+Z-[0-9a-f]{{12}}(-found)?\.json"
)


class Record(NamedTuple):
    """A blob of the history. `time` (Unix) is that of its upload. `found`: the manifest had been
    published by other means, so what was live before it is not known."""

    time: float
    name: str
    found: bool = False


def is_record(name: str) -> bool:
    return _RECORD.fullmatch(name) is not None


def records(remote: Mapping[str, RemoteBlob]) -> dict[str, list[Record]]:
    """The records by manifest, in order of time; `SHARED` has those of older versions."""
    found: dict[str, list[Record]] = defaultdict(list)
    for name, blob in remote.items():
        if name.startswith(HISTORY) and (match := _RECORD.fullmatch(name)):
            found[match[1] or SHARED].append(Record(blob.modified, name, bool(match[2])))
    return {manifest: sorted(listed) for manifest, listed in found.items()}


def put_record(transport: Transport, manifest: str, content: bytes, *, found: bool = False) -> None:
    """Record that this content goes live under the name `manifest`. Raises PublishError."""
    # Finer than the service's own clock, which orders records by the second.
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    end = "-found" if found else ""
    name = f"{HISTORY}{manifest}/{moment}-{md5(content).hex()[:12]}{end}.json"
    answer = transport.ask(put_request(name, content, {}))
    if not answer.ok:
        raise PublishError(explain(answer))


def complete(transport: Transport, manifest: str, remote: Mapping[str, RemoteBlob]) -> None:
    """Record the live manifest, which is about to be replaced, unless its history ends with it.
    Raises PublishError.

    A publish that was cut off between its record and its manifest leaves a record of what was never
    live, by which the one before would seem to have ended then; an older version left its record
    among the shared ones; other tools leave none.
    """
    there = remote.get(manifest)
    if there is None:
        return
    known = records(remote)
    own = known.get(manifest, [])
    if own and remote[own[-1].name].md5 == there.md5:
        return
    answer = transport.ask(Request("GET", manifest))
    if answer.ok and names_of(answer.body) is not None:
        recorded = {remote[record.name].md5 for record in own + known.get(SHARED, [])}
        put_record(transport, manifest, answer.body, found=there.md5 not in recorded)
    elif not answer.ok and answer.status != 404:
        raise PublishError(explain(answer))
