"""The permission to add and delete pictures, and the endpoint for their direct uploads."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from azureblob.direct.endpoint import UploadEndpoint
from gallery.models import PICTURES


def may(request: HttpRequest, action: str) -> bool:
    """Whether this visitor may `add` or `delete` pictures."""
    return settings.GALLERY_OPEN or request.user.has_perm(f"gallery.{action}_picture")


pictures = UploadEndpoint(
    "pictures",
    has_permission=lambda request: may(request, "add"),
    rules=PICTURES,
    app_name="gallery",
)
