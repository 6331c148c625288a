"""The gallery's page: the pictures, and forms to upload and delete them."""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from azureblob.exceptions import UploadError
from gallery.forms import PicturesForm
from gallery.models import Picture
from gallery.uploads import may

PER_PAGE = 24
log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The page; a POST adds pictures and redirects to it."""
    if request.method != "POST":
        return _page(request, PicturesForm())
    if not may(request, "add"):
        return _refused(request)
    form = PicturesForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        added = form.save()
    except UploadError as error:
        form.add_error("image", error)
        return _page(request, form, status=422)
    except AzureError as error:
        # The error's text may contain addresses and signatures.
        log.error("A picture could not be stored (%s).", type(error).__name__)
        form.add_error(None, "The picture could not be stored. Please try again in a moment.")
        return _page(request, form, status=503)
    what = f"“{added[0].title}” is" if len(added) == 1 else f"{len(added)} pictures are"
    messages.success(request, f"{what} in the gallery now.")
    return redirect("gallery:index")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the picture and its blob."""
    if not may(request, "delete"):
        return _refused(request)
    picture = get_object_or_404(Picture, pk=pk)
    picture.delete()
    messages.success(request, f"“{picture.title}” is deleted.")
    return redirect("gallery:index")


def _refused(request: HttpRequest) -> HttpResponse:
    return _page(request, PicturesForm(), status=403)


def _page(request: HttpRequest, form: PicturesForm, status: int = 200) -> HttpResponse:
    page = Paginator(Picture.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "may_add": may(request, "add"),
        "may_delete": may(request, "delete"),
    }
    return render(request, "gallery/index.html", context, status=status)
