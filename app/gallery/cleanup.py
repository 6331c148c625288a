"""Deleting a picture deletes its blob, whether on the page, in the admin, or by a queryset."""

from __future__ import annotations

import logging
from typing import Any

from azure.core.exceptions import AzureError
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from gallery.models import Picture

log = logging.getLogger(__name__)


@receiver(post_delete, sender=Picture)
def delete_blob(instance: Picture, using: str, **_: Any) -> None:
    """Once the transaction is committed. If storage fails, the blob's name is logged: a blob
    without a row is better than a page that fails."""
    image = instance.image
    storage, name = image.storage, image.name
    if not name:
        return

    def delete() -> None:
        try:
            storage.delete(name)
        except (AzureError, OSError) as error:
            # The error's text may contain addresses and signatures.
            reason = type(error).__name__
            log.error("The blob %r of a deleted picture could not be deleted (%s).", name, reason)

    transaction.on_commit(delete, using=using, robust=True)
