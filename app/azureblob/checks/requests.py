"""What a visitor's request may wait for storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from azureblob.checks.configured import TAG, configured
from azureblob.deadline import request_seconds, waiting_requests

_MIDDLEWARE = ("azureblob.health.HealthMiddleware", "azureblob.outages.OutageMiddleware")


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
