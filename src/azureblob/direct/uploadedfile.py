"""An upload in quarantine as a file that a form cleans and a model saves."""

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
from django.utils.translation import gettext_lazy as _

from azureblob.direct.blob_reader import LIMIT_BYTES, PAGE_BYTES
from azureblob.direct.quarantine import Quarantine
from azureblob.direct.tokens import ClaimToken
from azureblob.exceptions import UploadGone
from azureblob.storage import BlobStorage
from azureblob.timeouts import grace, side_by_side
from azureblob.uploads import svg
from azureblob.uploads.filenames import original_name_metadata, shown_name
from azureblob.uploads.inspection import cache_inspection, cached_inspection
from azureblob.uploads.rules import SVG, UploadRules

log = logging.getLogger(__name__)

USED = _("“%(name)s” was used or removed already. Choose the file once more.")

_saved: ContextVar[list[QuarantinedFile] | None] = ContextVar("saved", default=None)


if TYPE_CHECKING:  # generic for the type checker only
    _UploadedFile = UploadedFile[bytes]
else:
    _UploadedFile = UploadedFile


class QuarantinedFile(_UploadedFile):
    """Saved to a BlobStorage of the same account, it is copied by the service, and its token cannot
    be used again. Any other storage reads it, by ranged requests.

    Its inspection counts for a field with the same `rules`, which need not read it again; a field
    with other rules does. Making one sends no request: that the blob still exists, in the version
    that was inspected, is the condition of the claim when it is saved, and of every read.
    """

    def __init__(
        self, token: ClaimToken, quarantine: Quarantine, rules: UploadRules | None = None
    ) -> None:
        self.token = token
        self._quarantine = quarantine
        self._lease: BlobLeaseClient | None = None
        self._copy: tuple[BlobStorage, str] | None = None
        inspection = token.inspection
        name = shown_name(token.name)
        super().__init__(self._reader(), name, inspection.content_type, token.size)
        # The blob of an SVG has the bytes that were sent. They are sanitized when it is inspected
        # again.
        if rules is not None and rules.digest == token.rules and not self._is_svg:
            cache_inspection(self, inspection, token.name, rules)

    @property
    def _is_svg(self) -> bool:
        return self.token.inspection.content_type == SVG

    def _reader(self) -> io.BufferedReader:
        """For an inspection, and for another storage, which reads the whole file."""
        token = self.token
        limit = LIMIT_BYTES + 2 * token.size
        raw = self._quarantine.reader(token.blob, token.size, token.etag, limit)
        return io.BufferedReader(raw, PAGE_BYTES)

    def open(self, mode: str | None = None, *_args: Any, **_options: Any) -> QuarantinedFile:
        if self.closed:
            self.file = self._reader()
            if self._is_svg:
                svg.sanitize(self)
        self.seek(0)
        return self

    def move_into(self, storage: BlobStorage, name: str) -> bool:
        """Raises FileExistsError if the name is taken, and UploadGone if the token was used or the
        blob has changed."""
        try:
            return self._move_into(storage, name)
        except UploadGone as error:
            params = {"name": self.name or ""}
            raise UploadGone(USED, params=params, reason=error.reason) from None

    def _move_into(self, storage: BlobStorage, name: str) -> bool:
        token = self.token
        if self._lease is None:
            self._lease = self._quarantine.claim(token.blob, token.etag)
        if not self._can_be_copied_to(storage):
            self._leave_when_committed()
            return False
        target = storage.client.get_blob_client(storage._storable(name))
        try:
            self._quarantine.copy(
                token.blob,
                token.etag,
                target,
                original_name_metadata(token.name),
                overwrite=storage.overwrite_files,
            )
        except FileExistsError:  # the next name is tried under the same claim
            raise
        except BaseException:
            with grace():
                self.undo()
            raise
        self._copy = (storage, name)
        self._leave_when_committed()
        return True

    def _can_be_copied_to(self, storage: BlobStorage) -> bool:
        """Within the account, if the blob is to be stored as it is: it has the headers of the first
        inspection, and an SVG has the bytes that were sent."""
        source = self._quarantine.storage
        cached = cached_inspection(self)
        return (
            (storage.account_name, storage.blob_endpoint)
            == (source.account_name, source.blob_endpoint)
            and not self._is_svg
            and (cached is None or cached.inspection == self.token.inspection)
        )

    def _leave_when_committed(self) -> None:
        together = _saved.get()
        if together is None:
            transaction.on_commit(self.leave, robust=True)
        else:
            together.append(self)

    def leave(self) -> None:
        """Delete the blob in quarantine. One that cannot be deleted is left to purgequarantine, and
        its tokens are invalidated here: a claim by itself lasts for a minute."""
        blob = self.token.blob
        try:
            self._quarantine.delete(blob, lease=self._lease)
            return
        except AzureError as error:
            log.warning("An upload stays in quarantine (%s).", type(error).__name__)
        try:
            self._quarantine.spend(blob, self._lease)
        except AzureError as error:
            log.warning(
                "Its sender can save it once more, as it cannot be marked as used (%s).",
                type(error).__name__,
            )

    def undo(self) -> None:
        """Delete the copy and give up the claim. Nothing was written to the upload, so its token is
        valid again."""
        try:
            if self._copy is not None:
                self._copy[0].delete(self._copy[1])
            if self._lease is not None:
                self._lease.release()
        except AzureError as error:
            log.warning("The copy of an upload could not be undone (%s).", type(error).__name__)
        self._lease = self._copy = None


@contextmanager
def saved_together(using: str | None = None) -> Iterator[None]:
    """Save rows together with the blobs that they name: all of them or none.

    The body is one transaction. If it fails, the copies that were made in it are deleted, and the
    uploads stay in quarantine: the form can be submitted once more.
    """
    files: list[QuarantinedFile] = []
    token = _saved.set(files)
    try:
        with transaction.atomic(using=using):
            yield
    except BaseException:
        with grace():
            side_by_side(QuarantinedFile.undo, files)
        raise
    finally:
        _saved.reset(token)

    def leave() -> None:
        side_by_side(QuarantinedFile.leave, files)

    transaction.on_commit(leave, using=using, robust=True)
