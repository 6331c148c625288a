"""An endpoint for direct uploads: who may upload, what, and the steps of an upload."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobProperties
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpRequest, JsonResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from azureblob.direct.blob_reader import PAGE_BYTES
from azureblob.direct.json_views import Permission, failure, json_view, text_of
from azureblob.direct.properties import check_headers, check_properties
from azureblob.direct.quarantine import Quarantine, site_quarantine
from azureblob.direct.tokens import ClaimToken, UploadToken, owner_of, owners_in
from azureblob.exceptions import FileRefused, Localized, MalformedRequest, UploadGone
from azureblob.rest.models import block_size
from azureblob.timeouts import side_by_side
from azureblob.uploads.filenames import shown_name
from azureblob.uploads.inspection import Inspection, check_claims, inspect
from azureblob.uploads.rules import UploadRules

log = logging.getLogger(__name__)

# A larger file is sent in blocks, which can be sent in parallel and retried one by one.
ONE_REQUEST_BYTES = 32 * 1024 * 1024
_MAX_FILES = 100
# Far more than a blob can hold, and a number that fits in a message.
_MAX_SIZE = 2**63 - 1


@dataclass(frozen=True)
class UploadEndpoint:
    """Takes uploads of one kind:

        pictures = UploadEndpoint("pictures", has_permission=lambda request: True)
        urlpatterns = [path("uploads/", include(pictures.urls))]

    `name` identifies the endpoint in tokens, and is the namespace of its URLs. If the URLconf that
    includes them has an `app_name`, pass it. `has_permission` is asked with each request from the
    browser; the view with the form decides what happens to the file in the end. `storage` is the
    alias in STORAGES that the files are for. `signed_seconds` is how long a signature is valid.
    """

    name: str
    has_permission: Permission
    rules: UploadRules = UploadRules()  # noqa: RUF009  # it is frozen
    app_name: str = ""
    storage: str = "default"
    signed_seconds: int = 10 * 60

    @property
    def quarantine(self) -> Quarantine:
        return site_quarantine(self.signed_seconds)

    # --- URLs and the page ------------------------------------------------------------------------

    @property
    def _steps(self) -> dict[str, Callable[[HttpRequest, dict[str, Any]], JsonResponse]]:
        return {"begin": self.begin, "finish": self.finish, "discard": self.discard}

    @property
    def urls(self) -> tuple[Sequence[URLPattern], str]:
        """For include()."""
        patterns = [
            path(f"{name}/", json_view(step, self.has_permission), name=name)
            for name, step in self._steps.items()
        ]
        return patterns, self.name

    def addresses(self) -> dict[str, str]:
        """The URL of each step; none if AZURE_DIRECT_UPLOAD = False says that the account takes no
        uploads from browsers. Raises ImproperlyConfigured if they are not in the URLconf."""
        if not getattr(settings, "AZURE_DIRECT_UPLOAD", True):
            return {}
        namespace = f"{self.app_name}:{self.name}" if self.app_name else self.name
        try:
            return {step: reverse(f"{namespace}:{step}") for step in self._steps}
        except NoReverseMatch as error:
            raise ImproperlyConfigured(
                f"The URLs of the upload endpoint {self.name!r} are not in the URLconf. Add "
                "path('uploads/', include(endpoint.urls)); if that URLconf has an app_name, pass "
                f"app_name='…' to the endpoint. {error}"
            ) from None

    def limits(self) -> dict[str, Any]:
        """The rules that direct.js checks before it sends anything."""
        return {
            "max-bytes": self.rules.max_bytes,
            "types": ",".join(self.rules.types) if self.rules.others == "refuse" else "",
        }

    # --- Begin ------------------------------------------------------------------------------------

    def begin(self, request: HttpRequest, posted: dict[str, Any]) -> JsonResponse:
        """{files: [{name, size} or {id}]} -> {files: [{id, url, headers, block_bytes, exists} or
        {error, code}]}.

        `block_bytes` is 0 if the file is sent in one request. For the `id` of an upload that has
        begun, the blob gets a new signature, and `exists` says whether it has arrived already.
        """
        files = posted.get("files")
        if not isinstance(files, list) or not 0 < len(files) <= _MAX_FILES:
            raise MalformedRequest
        # All are validated before one is signed.
        owners = owners_in(request)
        begun = [self._begun(file, owners) for file in files]
        resumed = {one.blob: one for one in begun if isinstance(one, UploadToken)}
        if len(resumed) < sum(isinstance(one, UploadToken) for one in begun):
            raise MalformedRequest
        exists = dict(zip(resumed, side_by_side(self._exists, resumed), strict=True))
        # Not in those threads: the owner of a new upload may have to be written to the session.
        return JsonResponse({"files": [self._grant(request, one, exists) for one in begun]})

    def _begun(self, file: Any, owners: frozenset[str]) -> UploadToken | tuple[str, int]:
        """The upload to resume, or name and size of a new one. Raises MalformedRequest and
        InvalidToken."""
        if not isinstance(file, dict):
            raise MalformedRequest
        if "id" in file:
            return UploadToken.load(text_of(file, "id"), self.name, owners)
        size = file.get("size")
        if type(size) is not int or not 0 <= size <= _MAX_SIZE:  # True is an int as well
            raise MalformedRequest
        return text_of(file, "name"), size

    def _exists(self, blob: str) -> bool | FileRefused:
        try:
            return self.quarantine.properties(blob) is not None
        except FileRefused as refusal:
            return refusal

    def _grant(
        self,
        request: HttpRequest,
        begun: UploadToken | tuple[str, int],
        exists: Mapping[str, bool | FileRefused],
    ) -> dict[str, Any]:
        try:
            if isinstance(begun, UploadToken):
                token, arrived = begun, exists[begun.blob]
                if isinstance(arrived, FileRefused):
                    raise arrived
            else:
                name, size = begun
                check_claims(name, size, self.rules)
                blob = self.quarantine.new_name()
                token, arrived = UploadToken(self.name, owner_of(request), blob, name, size), False
        except FileRefused as refusal:
            return {"error": refusal.sentence, "code": refusal.code}
        blocks = token.size > ONE_REQUEST_BYTES
        return {
            "id": token.signed(),
            "url": self.quarantine.signed_url(token.blob, blocks=blocks),
            "headers": {} if blocks else {"x-ms-blob-type": "BlockBlob"},
            "block_bytes": block_size(token.size) if blocks else 0,
            "exists": arrived,
        }

    # --- Finish -----------------------------------------------------------------------------------

    def finish(self, request: HttpRequest, posted: dict[str, Any]) -> JsonResponse:
        """{id} -> {token, name, size, content_type, width, height}, after inspecting the blob.

        409 if it has not arrived; 422 with the reason if it is refused, and then it is deleted.
        """
        token = UploadToken.load(text_of(posted, "id"), self.name, owners_in(request))
        quarantine = self.quarantine
        try:
            found = quarantine.properties(token.blob)
            if found is None:
                return failure(409, "missing", _("The file did not arrive. Try again."))
            inspection = _inspect(quarantine, token, found, self.rules)
            headers = inspection.headers(token.name, self._cache_control)
            check_headers(found, headers)
            etag = quarantine.set_headers(token.blob, str(found.etag), headers)
        except FileRefused:
            _delete_refused(quarantine, token.blob)
            raise
        except UploadGone:
            sentence = _("The file was changed while it was checked. Try again.")
            return failure(409, "changed", sentence)
        claim = ClaimToken(
            self.name,
            token.owner,
            token.blob,
            token.name,
            int(found.size),
            etag,
            self.rules.digest,
            inspection,
        )
        return JsonResponse(
            {
                "token": claim.signed(),
                "name": shown_name(token.name),
                "size": claim.size,
                "content_type": inspection.content_type,
                "width": inspection.width,
                "height": inspection.height,
            }
        )

    @property
    def _cache_control(self) -> str | None:
        """The storage's; it has to be set before the blob is copied there."""
        return getattr(storages[self.storage], "cache_control", None) or None

    # --- Discard ----------------------------------------------------------------------------------

    def discard(self, request: HttpRequest, posted: dict[str, Any]) -> JsonResponse:
        """{id} -> {}: the visitor removed the file. A blob that does not exist is no error."""
        token = UploadToken.load(text_of(posted, "id"), self.name, owners_in(request))
        self.quarantine.delete(token.blob)
        return JsonResponse({})


def _inspect(
    quarantine: Quarantine, token: UploadToken, found: BlobProperties, rules: UploadRules
) -> Inspection:
    """Size and properties are checked before a byte is read. Raises FileRefused, and UploadGone if
    the blob is replaced meanwhile."""
    size = int(found.size)
    check_claims(token.name, size, rules)
    if size != token.size:
        raise FileRefused(
            gettext_lazy("%(arrived)s of %(size)s bytes arrived. Choose the file again."),
            "broken",
            {"arrived": Localized(size), "size": Localized(token.size)},
        )
    check_properties(found)
    reader = quarantine.reader(token.blob, size, str(found.etag))
    with quarantine.unchanged():
        return inspect(io.BufferedReader(reader, PAGE_BYTES), token.name, size, rules)


def _delete_refused(quarantine: Quarantine, blob: str) -> None:
    """If this fails the visitor still gets the reason of the refusal. A blob that remains gets no
    token, and purgequarantine deletes it."""
    try:
        quarantine.delete(blob)
    except AzureError as error:
        log.warning("A refused upload stays in quarantine (%s).", type(error).__name__)
