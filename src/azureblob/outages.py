"""Storage failures while a page is rendered: what counts as an outage, and what visitors see."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from azureblob.exceptions import UploadError
from azureblob.publish import ManifestError

TEMPLATE = "azureblob/unavailable.html"
# Longer than a circuit stays open (azureblob.circuit).
RETRY_SECONDS = 10
_TITLE = _("Temporarily unavailable")
_SENTENCE = _("This page cannot be shown at the moment. Please try again in a few seconds.")
_UPLOAD_TITLE = _("The upload was not saved")
_REFUSED = {401, 403, 408, 429}


def is_outage(error: Exception) -> bool:
    """Whether storage was unreachable or refused every request; other errors are bugs."""
    if isinstance(error, HttpResponseError):
        # No status: the body broke off.
        status = error.status_code
        return status is None or status in _REFUSED or status >= 500
    return isinstance(
        error,
        ManifestError | ServiceRequestError | ServiceResponseError | ClientAuthenticationError,
    )


def unavailable(request: HttpRequest, detail: str = "") -> HttpResponse:
    """503 with Retry-After, as HTML, or as JSON for clients that accept JSON and no HTML."""
    context = {"title": _TITLE, "sentence": _SENTENCE, "detail": detail}
    response = _page_or_json(request, 503, "storage", context)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def upload_failed(request: HttpRequest, error: UploadError) -> HttpResponse:
    """For a view that does not catch the error: a page that says what to do."""
    context = {"title": _UPLOAD_TITLE, "sentence": error.sentence, "detail": ""}
    return _page_or_json(request, error.status_code, error.code, context)


def _page_or_json(
    request: HttpRequest, status: int, code: str, context: dict[str, Any]
) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    if not request.accepts("text/html") and request.accepts("application/json"):
        body = {"error": context["sentence"], "code": code}
        return JsonResponse(body, status=status, headers=headers)
    page = render_to_string(TEMPLATE, context)
    return HttpResponse(page, status=status, headers=headers)


def error_code(error: Exception) -> str:
    """The service's error code, such as `BlobNotFound`; empty if the answer had none."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))  # the SDK uses both text and an enum


def described(error: Exception) -> str:
    code = error_code(error) or getattr(error, "status_code", None)
    name = type(error).__name__
    return f"{name} ({code})" if isinstance(error, AzureError) and code else name
