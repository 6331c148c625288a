"""What lies in which container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from storages.utils import setting

from azureblob.checks.configured import TAG, configured


@register(TAG)
def containers_are_apart(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Static files, uploads and what is not checked yet each have a container."""
    ours = list(configured())
    static = {storage.container for storage in ours if storage.static}
    quarantine = str(setting("QUARANTINE_LOCATION", "quarantine"))
    found: list[CheckMessage] = []
    for storage in ours:
        other = "QUARANTINE_LOCATION" if storage.container == quarantine else ""
        if not storage.static and storage.container in static:
            other = "STORAGES['staticfiles']"
        if other and storage.container:
            found.append(
                Error(
                    f"{storage.where} and {other} have the same container, {storage.container!r}.",
                    hint="Give each a container of its own: what one of them clears away, or shows "
                    "to anyone, would be the other's.",
                    id="azureblob.E009",
                )
            )
    return found
