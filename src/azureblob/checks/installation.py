"""Checks of INSTALLED_APPS, MIDDLEWARE and settings that Django no longer reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from azureblob.checks.configuration import TAG, entries, storage_class

_STATICFILES = "django.contrib.staticfiles"
_BLOB_MIDDLEWARE = "azureblob.middleware.BlobMiddleware"
_MIDDLEWARE = ("azureblob.health.HealthMiddleware", _BLOB_MIDDLEWARE)
# Settings that Django read before 5.1, and their aliases in STORAGES.
_MOVED = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}


@register(Tags.staticfiles)
def commands_are_ours(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """`collectstatic` is this library's: the first installed app with a command of that name."""
    # Start-up: every process loads the checks.
    from azureblob.staticfiles import StaticBlobStorage

    storage = storage_class("staticfiles")
    order = [config.name for config in apps.get_app_configs()]
    if not storage or not issubclass(storage, StaticBlobStorage) or _STATICFILES not in order:
        return []
    if order.index("azureblob") < order.index(_STATICFILES):
        return []
    return [
        Error(
            f"'azureblob' comes after '{_STATICFILES}' in INSTALLED_APPS.",
            hint=f"Put 'azureblob' before '{_STATICFILES}'. Otherwise collectstatic is Django's, "
            "which writes no manifest and makes three requests for each file.",
            id="azureblob.E001",
        )
    ]


@register(Tags.staticfiles)
def settings_moved(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"The setting {name} is ignored since Django 5.1.",
            hint=f"Set STORAGES = {{{alias!r}: {{'BACKEND': {getattr(settings, name)!r}}}, …}} "
            f"and remove {name}.",
            id="azureblob.W001",
        )
        for name, alias in _MOVED.items()
        if hasattr(settings, name)
    ]


@register(TAG)
def limits_are_valid(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Start-up: every process loads the checks, and azure-core, which this imports, is slow to load.
    from azureblob.timeouts import request_seconds, waiting_requests

    limits: tuple[tuple[Callable[[], float], str], ...] = (
        (request_seconds, "Set AZURE_REQUEST_SECONDS = 8, or remove it: 8 is the default."),
        (waiting_requests, "Set AZURE_WAITING_REQUESTS = 3, or remove it: 3 is the default."),
    )
    found: list[CheckMessage] = []
    for limit, hint in limits:
        try:
            limit()
        except ImproperlyConfigured as error:
            found.append(Error(str(error), hint=hint, id="azureblob.E013"))
    return found


@register(TAG, deploy=True)
def requests_are_bounded(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    missing = [name for name in _MIDDLEWARE if name not in settings.MIDDLEWARE]
    if not missing or not any(entries()):
        return []
    return [
        Warning(
            f"MIDDLEWARE lacks {' and '.join(missing)}.",
            hint="Put them first, in this order. Without them, storage that does not respond "
            "blocks every thread of the site, and health probes are refused by their host name.",
            id="azureblob.W008",
        )
    ]


@register(TAG)
def requests_are_known(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Checks run after the URLconf is loaded, and with it the site's upload endpoints.
    takes_uploads = "azureblob.direct.endpoint" in sys.modules
    if not takes_uploads and not any(entry.signs_urls for entry in entries()):
        return []
    if any(_is_blob_middleware(name) for name in settings.MIDDLEWARE):
        return []
    return [
        Error(
            f"{_BLOB_MIDDLEWARE!r} is not in MIDDLEWARE.",
            hint=f"Add {_BLOB_MIDDLEWARE!r}. Without it, caches may store pages with signed "
            "URLs, and a form cannot check whose direct uploads it receives.",
            id="azureblob.E014",
        )
    ]


def _is_blob_middleware(name: str) -> bool:
    # Start-up: every process loads the checks, and this imports azure-core.
    from azureblob.middleware import BlobMiddleware

    try:
        found = import_string(name)
    except ImportError:  # which Django itself reports
        return False
    return isinstance(found, type) and issubclass(found, BlobMiddleware)
