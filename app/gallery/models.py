"""A picture, whose file is a blob."""

from __future__ import annotations

import secrets
from pathlib import PurePosixPath

from django.db import models

from azureblob.uploads.fields import CheckedImageField
from azureblob.uploads.rules import UploadRules

# JPEG, PNG, GIF and WebP, up to 10 MiB.
PICTURES = UploadRules()


def blob_name(picture: Picture, filename: str) -> str:
    """`pictures/<22 random characters>.jpg`: nobody can guess it, and it reveals nothing."""
    return f"pictures/{secrets.token_urlsafe(16)}{PurePosixPath(filename).suffix.lower()}"


class Picture(models.Model):
    """With `width` and `height`, in pixels, the page's layout is stable while pictures load."""

    image = CheckedImageField(
        rules=PICTURES, upload_to=blob_name, width_field="width", height_field="height"
    )
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    title = models.CharField(max_length=120)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-uploaded_at", "-id")

    def __str__(self) -> str:
        return self.title
