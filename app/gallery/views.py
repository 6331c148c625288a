"""The gallery's page: pictures, an upload form, delete."""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from gallery.forms import PictureForm
from gallery.models import Picture

PER_PAGE = 24
log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The page; a POST adds a picture and comes back to it."""
    if request.method != "POST":
        return _page(request, PictureForm())
    if not _may(request, "add"):
        return _refused(request)
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        picture = form.save()
    except AzureError:
        log.exception("A picture could not be stored")
        form.add_error(None, "The storage did not take the picture. Please try again in a moment.")
        return _page(request, form, status=503)
    messages.success(request, f"“{picture.title}” is in the gallery now.")
    return redirect("gallery:index")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the picture and its blob."""
    if not _may(request, "delete"):
        return _refused(request)
    picture = get_object_or_404(Picture, pk=pk)
    picture.delete()
    messages.success(request, f"“{picture.title}” is deleted.")
    return redirect("gallery:index")


def _may(request: HttpRequest, action: str) -> bool:
    return settings.GALLERY_OPEN or request.user.has_perm(f"gallery.{action}_picture")


def _refused(request: HttpRequest) -> HttpResponse:
    return _page(request, PictureForm(), status=403)


def _page(request: HttpRequest, form: PictureForm, status: int = 200) -> HttpResponse:
    page = Paginator(Picture.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "may_add": _may(request, "add"),
        "may_delete": _may(request, "delete"),
    }
    return render(request, "gallery/index.html", context, status=status)
