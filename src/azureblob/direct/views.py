"""The steps of an upload, in JSON: begin, finish, discard. Each is a POST with a CSRF token.

An answer that is no success has {"error": sentence, "code": word}.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from azure.core.exceptions import AzureError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from azureblob.direct.arrived import check_headers, check_properties
from azureblob.direct.endpoint import UploadEndpoint
from azureblob.direct.quarantine import (
    UNAVAILABLE,
    Gone,
    Quarantine,
    Unavailable,
    log_unavailable,
)
from azureblob.direct.reader import PAGE_BYTES
from azureblob.direct.senders import sender_of, senders_in
from azureblob.direct.tokens import ClaimToken, Invalid, UploadToken
from azureblob.rest.models import block_size
from azureblob.timeouts import side_by_side
from azureblob.uploads.headers import blob_headers
from azureblob.uploads.inspection import Inspected, check_claims, inspect
from azureblob.uploads.names import shown_name
from azureblob.uploads.refusal import Refused

log = logging.getLogger(__name__)

# A larger file goes in blocks, which can be sent side by side and once more each.
ONE_REQUEST_BYTES = 32 * 1024 * 1024
_MOST_FILES = 100
# Far above what a blob can have, and what can be written in a refusal.
_LARGEST = 2**63 - 1

Step = Callable[[HttpRequest, UploadEndpoint, dict[str, Any]], JsonResponse]


class Malformed(Exception):
    """No request of direct.js."""


def _step(work: Step) -> Callable[..., JsonResponse]:
    @require_POST
    @never_cache
    @_json_alone
    @csrf_protect
    @wraps(work)
    def view(request: HttpRequest, place: UploadEndpoint) -> JsonResponse:
        if not place.may(request):
            return _problem(403, "forbidden", "You may not upload here. Log in, and try again.")
        try:
            return work(request, place, _asked(request))
        except RequestDataTooBig:
            return _problem(413, "malformed", "That was too much at once.")
        except Malformed:
            return _malformed()
        except Invalid:
            return _problem(
                400, "invalid", "This upload is not known any more. Choose the file once more."
            )
        except Unavailable as error:
            log_unavailable(place.quarantine, error)
            return _problem(503, "unavailable", UNAVAILABLE)
        except AzureError as error:
            # Its text may hold addresses and signatures.
            log.warning("A direct upload: the storage failed (%s).", type(error).__name__)
            return _problem(503, "storage", "The storage does not answer. Try again in a moment.")

    return view


def _json_alone(view: Callable[..., Any]) -> Callable[..., Any]:
    """Before the check for CSRF, which would read a form, and fail with a page on a broken one."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **options: Any) -> Any:
        if request.content_type != "application/json":
            return _malformed()
        return view(request, *args, **options)

    return inner


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Raises Malformed, and RequestDataTooBig."""
    try:
        asked = json.loads(request.body, parse_constant=_no_number)
    except (ValueError, RecursionError, UnreadablePostError):
        raise Malformed from None
    if not isinstance(asked, dict):
        raise Malformed
    return asked


def _no_number(_: str) -> None:
    """NaN and Infinity, which JSON does not have."""
    raise Malformed


def _text(values: dict[str, Any], key: str) -> str:
    """One that UTF-8 can hold, and a name of a file. Raises Malformed."""
    value = values.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise Malformed
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise Malformed from None
    return value


@_step
def begin(request: HttpRequest, place: UploadEndpoint, asked: dict[str, Any]) -> JsonResponse:
    """{files: [{name, size} or {id}]} -> {files: [{id, url, headers, block_bytes, there} or
    {error, code}]}.

    `block_bytes` is 0 for one request. With the `id` of an upload that has begun its blob gets a
    new signature, and `there` says whether it has arrived already.
    """
    files = asked.get("files")
    if not isinstance(files, list) or not 0 < len(files) <= _MOST_FILES:
        raise Malformed
    # All are looked at before one is signed.
    known = senders_in(request)
    begun = [_claimed(place, file, known) for file in files]
    resumed = {one.blob: one for one in begun if isinstance(one, UploadToken)}
    if len(resumed) < sum(isinstance(one, UploadToken) for one in begun):
        raise Malformed
    there = dict(zip(resumed, side_by_side(partial(_has_arrived, place), resumed), strict=True))
    # Not in those threads: whose a new upload is may have to be written to the session.
    return JsonResponse({"files": [_grant(request, place, one, there) for one in begun]})


def _claimed(
    place: UploadEndpoint, file: Any, known: frozenset[str]
) -> UploadToken | tuple[str, int]:
    """The upload that is to go on, or name and size of a new one. Raises Malformed and Invalid."""
    if not isinstance(file, dict):
        raise Malformed
    if "id" in file:
        return UploadToken.of(_text(file, "id"), place.name, known)
    size = file.get("size")
    if type(size) is not int or not 0 <= size <= _LARGEST:  # True is an int as well
        raise Malformed
    return _text(file, "name"), size


def _has_arrived(place: UploadEndpoint, blob: str) -> bool | Refused:
    try:
        return place.quarantine.properties(blob) is not None
    except Refused as refusal:
        return refusal


def _grant(
    request: HttpRequest,
    place: UploadEndpoint,
    begun: UploadToken | tuple[str, int],
    there: Mapping[str, bool | Refused],
) -> dict[str, Any]:
    try:
        if isinstance(begun, UploadToken):
            ticket, arrived = begun, there[begun.blob]
            if isinstance(arrived, Refused):
                raise arrived
        else:
            name, size = begun
            check_claims(name, size, place.rules)
            blob = place.quarantine.new_name()
            ticket, arrived = UploadToken(place.name, sender_of(request), blob, name, size), False
    except Refused as refusal:
        return {"error": refusal.message, "code": refusal.code}
    blocks = ticket.size > ONE_REQUEST_BYTES
    return {
        "id": ticket.signed(),
        "url": place.quarantine.signed_url(ticket.blob, blocks=blocks),
        "headers": {} if blocks else {"x-ms-blob-type": "BlockBlob"},
        "block_bytes": block_size(ticket.size) if blocks else 0,
        "there": arrived,
    }


@_step
def finish(request: HttpRequest, place: UploadEndpoint, asked: dict[str, Any]) -> JsonResponse:
    """{id} -> {token, name, size, content_type, width, height}, once the blob has been looked at.

    409 if it is not there; 422 with the reason if it does not pass, and then it is deleted.
    """
    ticket = UploadToken.of(_text(asked, "id"), place.name, senders_in(request))
    quarantine = place.quarantine
    try:
        found = quarantine.properties(ticket.blob)
        if found is None:
            return _problem(409, "missing", "The file did not arrive. Try again.")
        inspected = _inspected(place, ticket, found)
        headers = blob_headers(inspected, ticket.name, place.cache_control)
        check_headers(found, headers)
        etag = quarantine.set_headers(ticket.blob, str(found.etag), headers)
    except Refused as refusal:
        _delete_refused(quarantine, ticket.blob)
        return _problem(422, refusal.code, str(refusal.message))
    except Gone:
        return _problem(409, "changed", "The file was changed while it was checked. Try again.")
    passed = ClaimToken(
        place.name,
        ticket.sender,
        ticket.blob,
        ticket.name,
        int(found.size),
        etag,
        place.rules.digest,
        inspected,
    )
    return JsonResponse(
        {
            "token": passed.signed(),
            "name": shown_name(ticket.name),
            "size": passed.size,
            "content_type": inspected.content_type,
            "width": inspected.width,
            "height": inspected.height,
        }
    )


def _inspected(place: UploadEndpoint, ticket: UploadToken, found: BlobProperties) -> Inspected:
    """Its size and its properties are checked before a byte is read. Raises Refused, and Gone if it
    is replaced meanwhile."""
    size = int(found.size)
    check_claims(ticket.name, size, place.rules)
    if size != ticket.size:
        raise Refused(
            f"{size:,} of {ticket.size:,} bytes arrived. Choose the file again.", "broken"
        )
    check_properties(found)
    reader = place.quarantine.reader(ticket.blob, size, str(found.etag))
    try:
        return inspect(io.BufferedReader(reader, PAGE_BYTES), ticket.name, size, place.rules)
    except (ResourceModifiedError, ResourceNotFoundError):
        raise Gone from None


def _delete_refused(quarantine: Quarantine, blob: str) -> None:
    """The reason matters more to its sender: what stays gets no token, and the purge deletes it."""
    try:
        quarantine.delete(blob)
    except AzureError as error:
        log.warning("A refused upload stays in quarantine (%s).", type(error).__name__)


@_step
def discard(request: HttpRequest, place: UploadEndpoint, asked: dict[str, Any]) -> JsonResponse:
    """{id} -> {}: the visitor has changed their mind. It is no error if nothing is there."""
    ticket = UploadToken.of(_text(asked, "id"), place.name, senders_in(request))
    place.quarantine.delete(ticket.blob)
    return JsonResponse({})


def _malformed() -> JsonResponse:
    return _problem(400, "malformed", "This request is malformed.")


def _problem(status: int, code: str, text: str) -> JsonResponse:
    return JsonResponse({"error": text, "code": code}, status=status)
