"""A hold on the manifest, under which no publish can put another one in its place."""

from __future__ import annotations

import time
import uuid

from azureblob.publishing.channel import Channel
from azureblob.publishing.errors import PublishError, explain
from azureblob.publishing.requests import Answer, Request

# "Lease Blob": 15 to 60 seconds. It ends by itself if the process is killed.
_SECONDS = 60
_RENEW_AFTER_SECONDS = 20
_STAMP = "x-ms-meta-pruned"


class ManifestLease:
    """A context manager. Entering it also gives the blob another ETag, so that a publish that
    listed the container before has to look again. Raises PublishError."""

    def __init__(self, channel: Channel, manifest_name: str) -> None:
        self._channel = channel
        self._name = manifest_name
        # Proposed by us: an answer that got lost may be asked for again.
        self._id = str(uuid.uuid4())
        self._renewed = 0.0

    def __enter__(self) -> ManifestLease:
        answer = self._act("acquire", {"x-ms-lease-duration": str(_SECONDS)}, "proposed-lease-id")
        if answer.code == "LeaseAlreadyPresent":
            raise PublishError(
                "Another prunestatic is at work, or was killed less than a minute ago. Try again "
                "when it has ended."
            )
        self._check(answer)
        headers = {"x-ms-lease-id": self._id, _STAMP: str(int(time.time()))}
        self._check(
            self._channel.ask(
                Request("PUT", self._name, query={"comp": "metadata"}, headers=headers)
            )
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._act("release", {}, "lease-id")

    def keep(self) -> None:
        """Renew it if it is time to. Raises PublishError where it was lost."""
        if time.monotonic() - self._renewed > _RENEW_AFTER_SECONDS:
            self._check(self._act("renew", {}, "lease-id"))

    def _act(self, action: str, headers: dict[str, str], id_header: str) -> Answer:
        began = time.monotonic()
        answer = self._channel.ask(
            Request(
                "PUT",
                self._name,
                query={"comp": "lease"},
                headers={"x-ms-lease-action": action, f"x-ms-{id_header}": self._id, **headers},
            )
        )
        if answer.ok:
            self._renewed = began
        return answer

    def _check(self, answer: Answer) -> None:
        if answer.status == 404:
            raise PublishError(
                f"There is no {self._name} in the container, so nothing tells what is live. "
                "Run collectstatic first."
            )
        if not answer.ok:
            raise PublishError(explain(answer))
