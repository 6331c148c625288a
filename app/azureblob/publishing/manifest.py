"""The manifest: which file of which name is live. The last thing a publish writes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from azureblob.publishing.body import Bytes
from azureblob.publishing.channel import Channel
from azureblob.publishing.errors import PublishError, explain
from azureblob.publishing.listing import RemoteBlob
from azureblob.publishing.requests import Request

# A copy of each manifest that went live; prunestatic asks them what may go.
HISTORY = "staticfiles-history/"


def is_live(manifest: bytes, there: RemoteBlob | None) -> bool:
    return there is not None and base64.b64decode(there.md5 or "") == _md5(manifest)


def put_record(channel: Channel, manifest: bytes) -> None:
    """Keep a copy under the moment's name, for prunestatic. Raises PublishError."""
    # Finer than the service's own clock, which orders records by the second.
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    name = f"{HISTORY}{moment}-{_md5(manifest).hex()[:12]}.json"
    answer = channel.ask(_request(name, manifest, {}))
    if not answer.ok:
        raise PublishError(explain(answer))


def mend_history(channel: Channel, name: str, remote: Mapping[str, RemoteBlob]) -> None:
    """Keep a copy of the live manifest, which is about to be replaced, unless the history ends with
    it. Raises PublishError.

    A publish that was cut off between its record and its manifest leaves a record of what was never
    live, by which the one before would seem to have ended then; and who published by other means
    has left none.
    """
    there = remote.get(name)
    if there is None:
        return
    records = history(remote)
    if records and remote[records[-1][1]].md5 == there.md5:
        return
    answer = channel.ask(Request("GET", name))
    if answer.ok and names_of(answer.body) is not None:
        put_record(channel, answer.body)
    elif not answer.ok and answer.status != 404:
        raise PublishError(explain(answer))


def history(remote: Mapping[str, RemoteBlob]) -> list[tuple[float, str]]:
    """The records' times (Unix) and names, in order."""
    return sorted(
        (blob.modified, name) for name, blob in remote.items() if name.startswith(HISTORY)
    )


def names_of(manifest: bytes) -> frozenset[str] | None:
    """The hashed names in it; None if it is no manifest of Django's."""
    try:
        return frozenset(json.loads(manifest)["paths"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def put_live(channel: Channel, name: str, manifest: bytes, there: RemoteBlob | None) -> bool:
    """Replace the manifest, if it is still the one that the list told of; False if it is not.

    What was found there may be gone otherwise: another publish or a prune came between.
    Raises PublishError.
    """
    condition = {"If-Match": f'"{there.etag}"'} if there else {"If-None-Match": "*"}
    answer = channel.ask(_request(name, manifest, condition))
    if answer.ok:
        return True
    # 409 BlobAlreadyExists: somebody's first publish was quicker.
    if answer.status == 412 or answer.code == "BlobAlreadyExists":
        return False
    raise PublishError(explain(answer))


def _request(name: str, manifest: bytes, condition: Mapping[str, str]) -> Request:
    return Request(
        "PUT",
        name,
        headers={
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": "application/json",
            "x-ms-blob-cache-control": "no-cache",
            "Content-MD5": base64.b64encode(_md5(manifest)).decode(),
            **condition,
        },
        body=Bytes(manifest),
    )


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
