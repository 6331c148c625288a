"""Deleting blobs that nothing names any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from azureblob.rest.errors import PublishError, concerns_all, explain
from azureblob.rest.listing import RemoteBlob
from azureblob.rest.models import Request, quoted
from azureblob.rest.retries import TRANSIENT_STATUSES, backoff
from azureblob.rest.transport import Transport

# A batch is over long before a lease of a minute is, even when the service is slow.
_BATCH = 64
_ROUNDS = 6
# "Specifying conditional headers": with If-Match 412 stands for a blob that is gone as well.
_GONE = {404, 412}
_PAUSE_SECONDS = 10.0
# "Delete Blob": one with snapshots is refused without it.
_ALL_OF_IT = {"x-ms-delete-snapshots": "include"}


def delete(
    transport: Transport,
    doomed: Mapping[str, RemoteBlob],
    deleted: Callable[[str], None],
    before_batch: Callable[[], None] = lambda: None,
) -> None:
    """Delete each blob, unless it was written again since it was listed. Raises PublishError.

    `before_batch` is called before each batch, and regularly while the account has asked for a
    pause. The transport should make one attempt each: failed requests are repeated in later rounds.
    """
    left = dict(doomed)
    reasons: dict[str, str] = {}
    size = min(_BATCH, transport.connections)  # so that none of them waits within the transport
    for attempt in range(1, _ROUNDS + 1):
        names = [name for name in left if name not in reasons]
        for start in range(0, len(names), size):
            _pause(transport.held_seconds, before_batch)
            before_batch()
            requests = [
                Request("DELETE", name, headers={"If-Match": quoted(left[name].etag), **_ALL_OF_IT})
                for name in names[start : start + size]
            ]
            for request, answer in transport.run(requests):
                name = request.blob
                if concerns_all(answer):
                    raise PublishError(explain(answer))
                if answer.ok or answer.status in _GONE:
                    del left[name]
                    # In a later round it is gone because the answer to an earlier one was lost.
                    if answer.ok or attempt > 1:
                        deleted(name)
                elif answer.status and answer.status not in TRANSIENT_STATUSES:
                    reasons[name] = answer.reason  # and would be the same another time
                elif attempt == _ROUNDS:
                    reasons[name] = answer.reason
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
