"""A deleted picture's blob goes with it, from the page, the admin, or a queryset."""

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
    """Once the row is gone for good. A blob that nothing names is better than a page that cannot be
    used: if storage fails, the name is logged."""
    image = instance.image
    storage, name = image.storage, image.name
    if not name:
        return

    def delete() -> None:
        try:
            storage.delete(name)
        except (AzureError, OSError) as error:
            # The error's own text may hold addresses and signatures.
            reason = type(error).__name__
            log.error("The blob %r stays in storage without a row (%s).", name, reason)

    transaction.on_commit(delete, using=using, robust=True)
