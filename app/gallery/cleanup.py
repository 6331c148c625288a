"""A deleted picture's blob goes with it, from the page, the admin, or a queryset."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from gallery.models import Picture


@receiver(post_delete, sender=Picture)
def delete_blob(instance: Picture, **_: Any) -> None:
    """Once the row is gone for good. A storage that fails is logged: a blob that nothing names is
    better than a page that cannot be used."""
    image = instance.image
    if image.name:
        transaction.on_commit(partial(image.storage.delete, image.name), robust=True)
