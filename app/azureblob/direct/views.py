"""The steps of an upload, in JSON: begin, finish, discard. Each is a POST with a CSRF token.

An answer that is no success has {"error": sentence, "code": word}.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from azure.core.exceptions import AzureError, ResourceModifiedError, ResourceNotFoundError
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from azureblob.deadline import side_by_side
from azureblob.direct.place import UploadPlace
from azureblob.direct.quarantine import Gone
from azureblob.direct.reader import PAGE_BYTES, TooMuch
from azureblob.direct.tickets import Invalid, Pass, Ticket
from azureblob.uploads.headers import blob_headers
from azureblob.uploads.inspection import Inspected, check_claims, inspect
from azureblob.uploads.names import shown_name
from azureblob.uploads.refusal import Refused

log = logging.getLogger(__name__)

# A larger file goes in blocks, which can be sent side by side and once more each.
ONE_REQUEST_BYTES = 32 * 1024 * 1024
BLOCK_BYTES = 8 * 1024 * 1024
# "Put Block": a blob has 50,000 at the most.
_MOST_BLOCKS = 50_000
_MOST_FILES = 100

Step = Callable[[UploadPlace, dict[str, Any]], JsonResponse]


def _step(work: Step) -> Callable[..., JsonResponse]:
    @require_POST
    @never_cache
    @csrf_protect
    @wraps(work)
    def view(request: HttpRequest, place: UploadPlace) -> JsonResponse:
        if not place.may(request):
            return _problem(403, "forbidden", "You may not upload here. Log in, and try again.")
        try:
            asked = json.loads(request.body)
            if not isinstance(asked, dict):
                raise TypeError
            return work(place, asked)
        except RequestDataTooBig:
            return _problem(413, "malformed", "That was too much at once.")
        except (ValueError, TypeError, KeyError):
            return _problem(400, "malformed", "This request is malformed.")
        except Invalid:
            return _problem(
                400, "invalid", "This upload is not known any more. Choose the file once more."
            )
        except AzureError as error:
            # Its text may hold addresses and signatures.
            log.warning("A direct upload: the storage failed (%s).", type(error).__name__)
            return _problem(503, "storage", "The storage does not answer. Try again in a moment.")

    return view


@_step
def begin(place: UploadPlace, asked: dict[str, Any]) -> JsonResponse:
    """{files: [{name, size, id?}]} -> {files: [{id, url, headers, block_bytes} or {error, code}]}.

    `block_bytes` is 0 for one request. With the `id` of an upload that has begun its blob gets a
    new signature, and `there` says whether it has arrived already.
    """
    files = asked["files"]
    if not isinstance(files, list) or not 0 < len(files) <= _MOST_FILES:
        raise ValueError
    return JsonResponse({"files": side_by_side(lambda file: _begun(place, file), files)})


def _begun(place: UploadPlace, file: dict[str, Any]) -> dict[str, Any]:
    there = False
    if file.get("id"):
        ticket = Ticket.of(file["id"], place.name)
        there = place.quarantine.properties(ticket.blob) is not None
    else:
        name, size = file["name"], file["size"]
        if not isinstance(name, str) or not isinstance(size, int) or size < 0:
            raise ValueError
        try:
            check_claims(name, size, place.rules)
        except Refused as refusal:
            return {"error": refusal.message, "code": refusal.code}
        ticket = Ticket(place.name, place.quarantine.new_name(), name, size)
    blocks = ticket.size > ONE_REQUEST_BYTES
    return {
        "id": ticket.signed(),
        "url": place.quarantine.signed_url(ticket.blob, blocks=blocks),
        "headers": {} if blocks else {"x-ms-blob-type": "BlockBlob"},
        "block_bytes": max(BLOCK_BYTES, -(-ticket.size // _MOST_BLOCKS)) if blocks else 0,
        "there": there,
    }


@_step
def finish(place: UploadPlace, asked: dict[str, Any]) -> JsonResponse:
    """{id} -> {token, name, size, content_type, width, height}, once the blob has been looked at.

    409 if it is not there; 422 with the reason if it does not pass, and then it is deleted.
    """
    ticket = Ticket.of(asked["id"], place.name)
    found = place.quarantine.properties(ticket.blob)
    if found is None:
        return _problem(409, "missing", "The file did not arrive. Try again.")
    etag = str(found.etag)
    try:
        inspected = _inspected(place, ticket, int(found.size), etag)
        headers = blob_headers(inspected, ticket.name, place.cache_control)
        etag = place.quarantine.set_headers(ticket.blob, etag, headers)
    except Refused as refusal:
        place.quarantine.delete(ticket.blob)
        return _problem(422, refusal.code, str(refusal.message))
    except Gone:
        return _problem(409, "changed", "The file was changed while it was checked. Try again.")
    passed = Pass(place.name, ticket.blob, ticket.name, int(found.size), etag, inspected)
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


def _inspected(place: UploadPlace, ticket: Ticket, size: int, etag: str) -> Inspected:
    """Its size is held against the rules before a byte is read. Raises Refused, and Gone if it is
    replaced meanwhile."""
    check_claims(ticket.name, size, place.rules)
    if size != ticket.size:
        raise Refused(
            f"{size:,} of {ticket.size:,} bytes arrived. Choose the file again.", "broken"
        )
    reader = place.quarantine.reader(ticket.blob, size, etag)
    try:
        return inspect(io.BufferedReader(reader, PAGE_BYTES), ticket.name, size, place.rules)
    except Exception as error:
        # What the reader failed of is no fault of the file.
        failure = reader.failure or error
        if isinstance(failure, TooMuch):
            raise Refused("This file is too large to be checked.", "too_large") from None
        if isinstance(failure, ResourceModifiedError | ResourceNotFoundError):
            raise Gone from None
        raise failure from None


@_step
def discard(place: UploadPlace, asked: dict[str, Any]) -> JsonResponse:
    """{id} -> {}: the visitor has thought better of it. Nothing there is as good."""
    place.quarantine.delete(Ticket.of(asked["id"], place.name).blob)
    return JsonResponse({})


def _problem(status: int, code: str, text: str) -> JsonResponse:
    return JsonResponse({"error": text, "code": code}, status=status)
