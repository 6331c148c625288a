"""The site's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import include, path

from azureblob.health import healthz


def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it on pages that name no icon, such as the admin's."""
    return HttpResponseRedirect(staticfiles_storage.url("gallery/icon.svg"))


urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("favicon.ico", favicon),
    path("", include("gallery.urls")),
]
