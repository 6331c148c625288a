"""Leases on all manifests of a container. While they are held, no publish can replace one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from azureblob.publish import PublishError
from azureblob.publish.manifest import Manifest, find_manifests
from azureblob.rest.errors import service_error
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import METADATA_PREFIX, RemoteBlob, Request, Response
from azureblob.rest.transport import Transport

# "Lease Blob": 15 to 60 seconds. If the process is killed, the leases expire.
_SECONDS = 60
_RENEW_AFTER_SECONDS = 20
_POLL_SECONDS = 2.0
_STAMP = f"{METADATA_PREFIX}pruned"


class LeaseTaken(PublishError):
    """Another process holds a lease on one of the manifests."""


class Leases:
    """`remote` are the blobs of the container, and `manifests` those among them that are one, as
    they are while the leases are held."""

    def __init__(self, transport: Transport, own: str) -> None:
        self._transport = transport
        self._own = own
        # Chosen by the client, so that a request whose response was lost can be repeated.
        self._id = str(uuid.uuid4())
        self._renewed: dict[str, float] = {}
        self.remote: Mapping[str, RemoteBlob] = {}
        self.manifests: Mapping[str, Manifest] = {}

    def acquire(self) -> None:
        """Lease each manifest, and list again until there is no new one. If this raises
        LeaseTaken or BlobServiceError, no lease is held."""
        try:
            while True:
                self.remote = list_blobs(self._transport)
                self.manifests = find_manifests(self._transport, self.remote, self._own)
                new = self.manifests.keys() - self._renewed.keys()
                if not new:
                    return
                for name in sorted(new):
                    self._acquire_one(name)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        for name in list(self._renewed):
            self._lease(name, "release", {}, "lease-id")
            del self._renewed[name]

    def renew(self) -> None:
        """Renew the leases that would expire soon. Raises BlobServiceError if one is lost."""
        for name, renewed in self._renewed.items():
            if time.monotonic() - renewed > _RENEW_AFTER_SECONDS:
                _check(self._lease(name, "renew", {}, "lease-id"))

    def _acquire_one(self, name: str) -> None:
        """Lease a manifest and change its ETag, so that a publish that listed the container before
        has to list it again."""
        # Noted before the request, so that the lease is released whatever happens.
        self._renewed[name] = 0.0
        response = self._lease(
            name, "acquire", {"x-ms-lease-duration": str(_SECONDS)}, "proposed-lease-id"
        )
        if response.status == 404 and name != self._own:
            del self._renewed[name]  # deleted since the list was read
            return
        if response.code == "LeaseAlreadyPresent":
            del self._renewed[name]
            raise LeaseTaken(
                f"Another prunestatic or collectstatic holds {name}, or was killed less than a "
                "minute ago. Try again when it has ended."
            )
        _check(response)
        blob = self._transport.send(Request("GET", name))
        _check(blob)
        # Set Blob Metadata replaces all metadata.
        metadata = {
            key: value for key, value in blob.headers.items() if key.startswith(METADATA_PREFIX)
        }
        headers = {**metadata, _STAMP: str(int(time.time())), "x-ms-lease-id": self._id}
        request = Request("PUT", name, query={"comp": "metadata"}, headers=headers)
        _check(self._transport.send(request))

    def _lease(self, name: str, action: str, headers: dict[str, str], id_header: str) -> Response:
        began = time.monotonic()
        response = self._transport.send(
            Request(
                "PUT",
                name,
                query={"comp": "lease"},
                headers={"x-ms-lease-action": action, f"x-ms-{id_header}": self._id, **headers},
            )
        )
        if response.ok and name in self._renewed:
            self._renewed[name] = began
        return response


def _check(response: Response) -> None:
    if not response.ok:
        raise service_error(response)


@contextmanager
def lease_manifests(
    transport: Transport,
    own: str,
    *,
    patience: float = 0.0,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[Leases]:
    """Hold leases on all manifests of the container; `own` is the site's. If another process holds
    one, wait for up to `patience` seconds, and call `waiting` meanwhile. Raises LeaseTaken and
    BlobServiceError.
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
