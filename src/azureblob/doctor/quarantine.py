"""The site's rights, tried out on a blob of its own in the quarantine container."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobClient

from azureblob.doctor.anonymous import Answer, Unreachable, ask
from azureblob.doctor.answers import explained
from azureblob.doctor.results import Failed
from azureblob.doctor.runner import REQUEST_SECONDS, Probe
from azureblob.doctor.site import Site

FOLDER = "doctor/"
_CONTENT = b"Written by manage.py doctor, which deletes it again."
_SIGNED_SECONDS = 60


class QuarantineRights:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._name = f"{FOLDER}{secrets.token_hex(16)}.txt"
        self._left = False

    def probes(self) -> Iterator[Probe]:
        if self._site.media is None:
            return
        yield Probe("quarantine.write", self._write, ("container.quarantine",))
        yield Probe("quarantine.read", self._read, ("quarantine.write",))
        yield Probe("quarantine.visitor", self._is_hidden, ("quarantine.write",))
        yield Probe("quarantine.signature", self._signed, ("quarantine.write",))
        yield Probe("quarantine.delete", self._delete, ("quarantine.write",))

    def clear(self) -> None:
        """Leave nothing behind where the examination was broken off."""
        if self._left:
            with contextlib.suppress(AzureError), self._site.client(1) as service:
                service.get_blob_client(self._site.quarantine, self._name).delete_blob(
                    delete_snapshots="include"
                )

    @contextlib.contextmanager
    def _blob(self) -> Iterator[BlobClient]:
        quarantine = self._site.quarantine
        with (
            explained(self._site, quarantine),
            self._site.client(REQUEST_SECONDS) as service,
        ):
            yield service.get_blob_client(quarantine, self._name)

    def _write(self) -> str:
        self._left = True
        with self._blob() as blob:
            blob.upload_blob(_CONTENT)
        return f"a small blob lies below {self._site.quarantine}/{FOLDER}"

    def _read(self) -> str:
        with self._blob() as blob:
            found = blob.download_blob(decompress=False).readall()
        if found != _CONTENT:
            raise Failed(
                "What was read is not what was written.",
                "Something between this machine and the account changes what passes through.",
            )
        return "it is what was written"

    def _is_hidden(self) -> str:
        answer = self._visit(self._url)
        if answer.is_readable:
            raise Failed(
                f"A visitor reads an upload that nobody has checked ({answer.said}).",
                self._site.advice.unchecked_upload_readable(self._site.quarantine),
            )
        return f"without a signature it is refused ({answer.said})"

    def _signed(self) -> str:
        site = self._site
        with explained(site):
            query = site.storage._signer().read(
                container=site.quarantine,
                blob=self._name,
                period=_SIGNED_SECONDS,
                https_only=not site.local,
            )
        answer = self._visit(f"{self._url}?{query}")
        if answer.status != 200 or answer.body != _CONTENT:
            raise Failed(
                f"A signed URL is refused ({answer.said}), and so are private pictures.",
                site.advice.signature_refused(),
            )
        return "a visitor with a signed URL reads it"

    def _delete(self) -> str:
        with self._blob() as blob:
            blob.delete_blob(delete_snapshots="include")
        self._left = False
        return "it is gone again"

    @property
    def _url(self) -> str:
        return f"{self._site.endpoint}{self._site.quarantine}/{self._name}"

    def _visit(self, url: str) -> Answer:
        try:
            return ask("GET", url, seconds=REQUEST_SECONDS)
        except Unreachable as error:
            raise Failed(f"The blob cannot be reached: {error}.", "Try again.") from None
