"""Leases on all manifests of a container, under which no publish can replace one of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from azureblob.publish import manifest
from azureblob.publish.manifest import Manifest
from azureblob.rest.errors import PublishError, explain
from azureblob.rest.listing import RemoteBlob, list_blobs
from azureblob.rest.models import Answer, Request
from azureblob.rest.transport import Transport

# "Lease Blob": 15 to 60 seconds. It ends by itself if the process is killed.
_SECONDS = 60
_RENEW_AFTER_SECONDS = 20
_POLL_SECONDS = 2.0
_METADATA = "x-ms-meta-"
_STAMP = "x-ms-meta-pruned"


class LeaseTaken(PublishError):
    """Somebody else holds a lease on one of the manifests."""


class Leases:
    """`manifests` and the blobs of the container (`remote`) are as they are under the leases."""

    def __init__(self, transport: Transport, own: str) -> None:
        self._channel = transport
        self._own = own
        # Chosen here: where an answer gets lost, the lease may be asked for again.
        self._id = str(uuid.uuid4())
        self._renewed: dict[str, float] = {}
        self.remote: Mapping[str, RemoteBlob] = {}
        self.manifests: Mapping[str, Manifest] = {}

    def acquire(self) -> None:
        """Take a lease on each manifest, and list again until no new one has come meanwhile. Raises
        PublishError; then none is held."""
        try:
            while True:
                self.remote = list_blobs(self._channel)
                self.manifests = manifest.find(self._channel, self.remote, self._own)
                new = self.manifests.keys() - self._renewed.keys()
                if not new:
                    return
                for name in sorted(new):
                    self._take(name)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        for name in list(self._renewed):
            self._act(name, "release", {}, "lease-id")
            del self._renewed[name]

    def keep(self) -> None:
        """Renew those whose time has come. Raises PublishError if one was lost."""
        for name, renewed in self._renewed.items():
            if time.monotonic() - renewed > _RENEW_AFTER_SECONDS:
                self._check(self._act(name, "renew", {}, "lease-id"))

    def _take(self, name: str) -> None:
        """Lease it and give it another ETag, so that a publish that listed the container before
        has to list it again."""
        # Noted before it is certain, so that it is given back whatever happens.
        self._renewed[name] = 0.0
        answer = self._act(
            name, "acquire", {"x-ms-lease-duration": str(_SECONDS)}, "proposed-lease-id"
        )
        if answer.status == 404 and name != self._own:
            del self._renewed[name]  # deleted meanwhile: the next list will not have it
            return
        if answer.code == "LeaseAlreadyPresent":
            del self._renewed[name]
            raise LeaseTaken(
                f"Another prunestatic or collectstatic holds {name}, or was killed less than a "
                "minute ago. Try again when it has ended."
            )
        self._check(answer)
        there = self._channel.ask(Request("GET", name))
        self._check(there)
        # Set Blob Metadata replaces all of it.
        metadata = {key: text for key, text in there.headers.items() if key.startswith(_METADATA)}
        stamp = {**metadata, _STAMP: str(int(time.time())), "x-ms-lease-id": self._id}
        self._check(
            self._channel.ask(Request("PUT", name, query={"comp": "metadata"}, headers=stamp))
        )

    def _act(self, name: str, action: str, headers: dict[str, str], id_header: str) -> Answer:
        began = time.monotonic()
        answer = self._channel.ask(
            Request(
                "PUT",
                name,
                query={"comp": "lease"},
                headers={"x-ms-lease-action": action, f"x-ms-{id_header}": self._id, **headers},
            )
        )
        if answer.ok and name in self._renewed:
            self._renewed[name] = began
        return answer

    def _check(self, answer: Answer) -> None:
        if not answer.ok:
            raise PublishError(explain(answer))


@contextmanager
def held(
    transport: Transport,
    own: str,
    *,
    patience: float = 0.0,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[Leases]:
    """Leases on all manifests of the container, of which `own` is the site's. Whoever else holds
    one is waited for, `patience` seconds at the most; `waiting` is called then. Raises
    PublishError.
    """
    deadline = time.monotonic() + patience
    leases = Leases(transport, own)
    while True:
        try:
            leases.acquire()
            break
        except LeaseTaken:
            if time.monotonic() >= deadline:
                raise
            waiting()
            time.sleep(_POLL_SECONDS)
    try:
        yield leases
    finally:
        leases.release()
