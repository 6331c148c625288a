"""Views that exchange JSON with direct.js.

Each is a POST with a CSRF token. Any answer but a success is {"error": sentence, "code": word}.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from azure.core.exceptions import AzureError
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from azureblob.exceptions import STORAGE_FAILED, MalformedRequest, UploadError

log = logging.getLogger(__name__)

Permission = Callable[[HttpRequest], bool]
Step = Callable[[HttpRequest, dict[str, Any]], JsonResponse]


def json_view(step: Step, has_permission: Permission) -> Callable[..., JsonResponse]:
    """A view that calls `step` with the request and the object that was posted."""

    @require_POST
    @never_cache
    @_json_only
    @csrf_protect
    @wraps(step)
    def view(request: HttpRequest) -> JsonResponse:
        if not has_permission(request):
            return failure(403, "forbidden", _("You may not upload here. Log in, and try again."))
        try:
            return step(request, _posted(request))
        except RequestDataTooBig:
            return failure(413, "malformed", _("This request is too large."))
        except UploadError as error:
            return failure(error.status_code, error.code, error.sentence)
        except AzureError as error:
            # Its text may contain addresses and signatures.
            log.warning("A direct upload failed in the storage (%s).", type(error).__name__)
            return failure(503, "storage", str(STORAGE_FAILED))

    return view


def failure(status: int, code: str, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence, "code": code}, status=status)


def text_of(values: dict[str, Any], key: str) -> str:
    """A text that UTF-8 can encode and a file name can contain. Raises MalformedRequest."""
    value = values.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise MalformedRequest
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise MalformedRequest from None
    return value


def _json_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Before the CSRF check, which would parse a form, and answer a broken one with an HTML
    page."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **options: Any) -> Any:
        if request.content_type != "application/json":
            error = MalformedRequest()
            return failure(error.status_code, error.code, error.sentence)
        return view(request, *args, **options)

    return inner


def _posted(request: HttpRequest) -> dict[str, Any]:
    """Raises MalformedRequest and RequestDataTooBig."""
    try:
        posted = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError, UnreadablePostError):
        raise MalformedRequest from None
    if not isinstance(posted, dict):
        raise MalformedRequest
    return posted


def _no_constant(_constant: str) -> None:
    """NaN and Infinity are not JSON."""
    raise MalformedRequest
