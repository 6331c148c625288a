"""Whether the app is told which request is being served."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from azureblob.checks.configured import TAG, configured
from azureblob.middleware import NAME, BlobMiddleware


@register(TAG)
def requests_are_known(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Checks run after the URLconf is loaded, and so the site's places.
    takes_uploads = "azureblob.direct.place" in sys.modules
    if not takes_uploads and not any(storage.values.get("signed") for storage in configured()):
        return []
    if any(_is_ours(name) for name in settings.MIDDLEWARE):
        return []
    return [
        Error(
            f"{NAME!r} is not in MIDDLEWARE.",
            hint=f"Add {NAME!r} to it. Without it pages with signed URLs may be cached by others, "
            "and a form with uploads from the browser cannot tell whose they are.",
            id="azureblob.E015",
        )
    ]


def _is_ours(name: str) -> bool:
    try:
        found = import_string(name)
    except ImportError:  # Django itself fails with it
        return False
    return isinstance(found, type) and issubclass(found, BlobMiddleware)
