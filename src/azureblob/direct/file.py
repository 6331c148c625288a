"""An upload that lies in quarantine, as a file that a form cleans and a model saves."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobLeaseClient
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from azureblob.direct.quarantine import Quarantine
from azureblob.direct.reader import LIMIT_BYTES, PAGE_BYTES
from azureblob.direct.tokens import ClaimToken
from azureblob.storage import BlobStorage
from azureblob.timeouts import grace, side_by_side
from azureblob.uploads import svg
from azureblob.uploads.headers import blob_metadata
from azureblob.uploads.inspection_cache import mark, marked
from azureblob.uploads.names import shown_name
from azureblob.uploads.rules import UploadRules

log = logging.getLogger(__name__)

_moved: ContextVar[list[QuarantinedFile] | None] = ContextVar("moved", default=None)


if TYPE_CHECKING:  # generic for the type checker alone
    _UploadedFile = UploadedFile[bytes]
else:
    _UploadedFile = UploadedFile


class QuarantinedFile(_UploadedFile):
    """Saved to a BlobStorage of the same account it is moved there by the service, and its token is
    spent. Anything else reads it, by ranged requests.

    If it was inspected by `rules` it is marked so, and a field with these rules need not read it
    again. A field with others does.
    """

    def __init__(
        self, found: ClaimToken, place: Quarantine, rules: UploadRules | None = None
    ) -> None:
        self.token = found
        self._place = place
        self._lease: BlobLeaseClient | None = None
        self._to: tuple[BlobStorage, str] | None = None
        inspected = found.inspected
        name = shown_name(found.name)
        super().__init__(self._reader(), name, inspected.content_type, found.size)
        # An SVG in quarantine is as it was sent: it is made safe when it is checked once more.
        if rules is not None and rules.digest == found.rules and not self._is_svg:
            mark(self, inspected, found.name, rules)

    @property
    def _is_svg(self) -> bool:
        return self.token.inspected.content_type == svg.MIME

    def _reader(self) -> io.BufferedReader:
        """For an inspection, and for a storage elsewhere, which reads the whole."""
        token = self.token
        limit = LIMIT_BYTES + 2 * token.size
        raw = self._place.reader(token.blob, token.size, token.etag, limit)
        return io.BufferedReader(raw, PAGE_BYTES)

    def open(self, mode: str | None = None, *_: Any, **__: Any) -> QuarantinedFile:
        if self.closed:
            self.file = self._reader()
            if self._is_svg:
                svg.sanitize(self)
        self.seek(0)
        return self

    def move_into(self, storage: BlobStorage, name: str) -> bool:
        """Raises FileExistsError if the name is taken, and Gone if the token is spent."""
        token = self.token
        if self._lease is None:
            self._lease = self._place.claim(token.blob, token.etag)
        here = self._place.storage
        known = marked(self)
        if (storage.account_name, storage.blob_endpoint) != (
            here.account_name,
            here.blob_endpoint,
        ) or (self._is_svg or (known and known.inspected != token.inspected)):
            # The blob has the headers of the first inspection; what is sent has those of the last.
            self._leave_when_committed()
            return False
        target = storage.client.get_blob_client(storage._storable(name))
        try:
            self._place.copy(
                token.blob,
                token.etag,
                target,
                blob_metadata(token.name),
                overwrite=storage.overwrite_files,
            )
        except FileExistsError:  # the next name is tried under the same claim
            raise
        except BaseException:
            with grace():
                self.undo()
            raise
        self._to = (storage, name)
        self._leave_when_committed()
        return True

    def _leave_when_committed(self) -> None:
        together = _moved.get()
        if together is None:
            transaction.on_commit(self.leave, robust=True)
        else:
            together.append(self)

    def leave(self) -> None:
        """Delete the blob in quarantine. One that cannot be deleted is left to the purge, and its
        tokens end here: a claim alone lasts for a minute."""
        blob = self.token.blob
        try:
            self._place.delete(blob, lease=self._lease)
            return
        except AzureError as error:
            log.warning("An upload stays in quarantine (%s).", type(error).__name__)
        try:
            self._place.spend(blob, self._lease)
        except AzureError as error:
            log.warning(
                "It may be saved once more by its sender, as it cannot be marked as used (%s).",
                type(error).__name__,
            )

    def undo(self) -> None:
        """Put things back as they were: nothing was written to the upload, so its token is good
        again."""
        try:
            if self._to is not None:
                self._to[0].delete(self._to[1])
            if self._lease is not None:
                self._lease.release()
        except AzureError as error:
            log.warning("A move could not be undone (%s).", type(error).__name__)
        self._lease = self._to = None


@contextmanager
def saved_together(using: str | None = None) -> Iterator[None]:
    """Rows and the blobs that they name, all of them or none.

    What is saved in the `with` is one transaction. If it fails, the blobs that were moved for it go
    away, and the uploads are in quarantine as before: the form can be sent once more.
    """
    files: list[QuarantinedFile] = []
    token = _moved.set(files)
    try:
        with transaction.atomic(using=using):
            yield
    except BaseException:
        with grace():
            side_by_side(QuarantinedFile.undo, files)
        raise
    finally:
        _moved.reset(token)

    def leave() -> None:
        side_by_side(QuarantinedFile.leave, files)

    transaction.on_commit(leave, using=using, robust=True)
