"""The setting of direct uploads that code without the extra `uploads` reads as well."""

from __future__ import annotations

import warnings

from django.conf import settings
from storages.utils import setting

SETTING = "AZURE_QUARANTINE_CONTAINER"
# The setting's name up to version 0.1; read in 0.2 for the last time.
DEPRECATED_SETTING = "QUARANTINE_LOCATION"
DEFAULT = "quarantine"


def quarantine_container() -> str:
    """The container for uploads that are not inspected yet."""
    if is_deprecated_setting_read():
        warnings.warn(
            f"The setting {DEPRECATED_SETTING} is deprecated; use {SETTING}.",
            DeprecationWarning,
            stacklevel=2,
        )
        return str(getattr(settings, DEPRECATED_SETTING))
    return str(setting(SETTING, DEFAULT))


def is_deprecated_setting_read() -> bool:
    return hasattr(settings, DEPRECATED_SETTING) and not hasattr(settings, SETTING)
