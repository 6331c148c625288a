"""Models that refer to files in every way that migratemedia must know."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import FileSystemStorage
from django.db import models

from azureblob.storage import BlobStorage


class Visible(models.Manager[models.Model]):
    def get_queryset(self) -> models.QuerySet[models.Model]:
        return super().get_queryset().filter(hidden=False)


class Book(models.Model):
    cover = models.ImageField(upload_to="covers", max_length=300, blank=True)
    text = models.FileField(upload_to="texts", null=True)
    hidden = models.BooleanField(default=False)

    objects = Visible()

    class Meta:
        base_manager_name = "objects"


class Atlas(Book):
    """It has a table of its own in addition to its parent's."""

    map = models.FileField(upload_to="maps")


class Shown(Book):
    class Meta:
        proxy = True


class Receipt(models.Model):
    """Its files are on the disk of this machine."""

    scan = models.FileField(storage=FileSystemStorage("receipts"))


def drawer() -> BlobStorage:
    """A folder of the same container."""
    from django.conf import settings

    options: Any = settings.STORAGES["default"]["OPTIONS"]
    return BlobStorage(**{**options, "location": "drawer"})


class Letter(models.Model):
    sheet = models.FileField(storage=drawer)
