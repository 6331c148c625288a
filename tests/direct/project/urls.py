"""The site's URLs, and a page with a field for any file."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from azureblob.direct.endpoint import UploadEndpoint
from azureblob.direct.forms import DirectUploadField
from azureblob.uploads.rules import UploadRules
from backend import urls

papers = UploadEndpoint(
    "papers",
    has_permission=lambda request: True,
    rules=UploadRules(others="attachment", max_bytes=1024**3),
    signed_seconds=int(os.environ.get("TEST_SIGNATURE_SECONDS", "600")),
)


class PaperForm(forms.Form):
    paper = DirectUploadField(endpoint=papers)
    word = forms.CharField(max_length=5, required=False)


def page(request: HttpRequest) -> HttpResponse:
    form = PaperForm(request.POST or None, request.FILES or None)
    url = ""
    if form.is_valid():
        file = form.cleaned_data["paper"]
        url = default_storage.url(default_storage.save(f"papers/{file.name}", file))
    return render(request, "paper.html", {"form": form, "url": url})


def strict_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """For the page of papers: nothing inline, and no origins but the site's and the storage's."""
    blobs = f"{urlsplit(settings.AZURE_BLOB_ENDPOINT)[0]}://{urlsplit(settings.STATIC_URL)[1]}"

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path == "/papers/":
            sending = "" if "unnamed" in request.GET else blobs
            response.headers["Content-Security-Policy"] = (
                f"default-src 'none'; script-src {blobs}; style-src {blobs}; "
                f"img-src data: {blobs}; connect-src 'self' {sending}; form-action 'self'"
            )
        return response

    return middleware


urlpatterns = [
    path("papers/", page),
    path("papers/upload/", include(papers.urls)),
    *urls.urlpatterns,
]
