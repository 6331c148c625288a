"""Static files: the first look of `collectstatic` as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from azureblob.checks.configured import kind_of

_STATICFILES = "django.contrib.staticfiles"
# Settings that Django itself read before 5.1, and whose place in STORAGES is now.
_MOVED = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}


@register(Tags.staticfiles)
def commands_are_ours(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The first app that has a command of a name is asked for it: collectstatic has to be ours."""
    from azureblob.staticfiles import StaticBlobStorage

    storage = kind_of("staticfiles")
    order = [config.name for config in apps.get_app_configs()]
    if not storage or not issubclass(storage, StaticBlobStorage) or _STATICFILES not in order:
        return []
    if order.index("azureblob") < order.index(_STATICFILES):
        return []
    return [
        Error(
            f"'azureblob' comes after '{_STATICFILES}' in INSTALLED_APPS.",
            hint=f"Put 'azureblob' before '{_STATICFILES}': else collectstatic is Django's own, "
            "which writes no manifest and asks three times for each file.",
            id="azureblob.E001",
        )
    ]


@register(Tags.staticfiles)
def settings_moved(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"The setting {name} is ignored since Django 5.1.",
            hint=f"Write STORAGES = {{{alias!r}: {{'BACKEND': {getattr(settings, name)!r}}}, …}} "
            f"and take {name} out.",
            id="azureblob.W001",
        )
        for name, alias in _MOVED.items()
        if hasattr(settings, name)
    ]
