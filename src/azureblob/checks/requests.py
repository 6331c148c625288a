"""What visitors' requests need: bounds for their waits, and the middleware."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from azureblob.checks.configured import TAG, configured
from azureblob.middleware import NAME, BlobMiddleware
from azureblob.timeouts import request_seconds, waiting_requests

_MIDDLEWARE = ("azureblob.health.HealthMiddleware", NAME)


@register(TAG)
def limits_make_sense(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    rules: tuple[tuple[Callable[[], float], str], ...] = (
        (request_seconds, "Set AZURE_REQUEST_SECONDS = 8, or take it out: 8 is the default."),
        (waiting_requests, "Set AZURE_WAITING_REQUESTS = 3, or take it out: 3 is the default."),
    )
    found: list[CheckMessage] = []
    for rule, hint in rules:
        try:
            rule()
        except ImproperlyConfigured as error:
            found.append(Error(str(error), hint=hint, id="azureblob.E013"))
    return found


@register(TAG, deploy=True)
def requests_are_bounded(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    missing = [name for name in _MIDDLEWARE if name not in settings.MIDDLEWARE]
    if not missing or not any(configured()):
        return []
    return [
        Warning(
            f"MIDDLEWARE lacks {' and '.join(missing)}.",
            hint="Put them first, in this order: else a storage that does not answer holds every "
            "thread of the site, and probes are refused by their host name.",
            id="azureblob.W008",
        )
    ]


@register(TAG)
def requests_are_known(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Checks run after the URLconf is loaded, and so the site's places.
    takes_uploads = "azureblob.direct.endpoint" in sys.modules
    if not takes_uploads and not any(storage.values.get("signed") for storage in configured()):
        return []
    if any(_is_ours(name) for name in settings.MIDDLEWARE):
        return []
    return [
        Error(
            f"{NAME!r} is not in MIDDLEWARE.",
            hint=f"Add {NAME!r} to it. Without it pages with signed URLs may be cached by others, "
            "and a form with uploads from the browser cannot tell whose they are.",
            id="azureblob.E014",
        )
    ]


def _is_ours(name: str) -> bool:
    try:
        found = import_string(name)
    except ImportError:  # Django itself fails with it
        return False
    return isinstance(found, type) and issubclass(found, BlobMiddleware)
