"""The system checks of this library: `manage.py check`.

Importing this package registers them. Only those of `check --deploy` in `deployment` send requests.
"""

from __future__ import annotations

from azureblob.checks.account_settings import (
    advice_is_usable,
    settings_are_read,
    storages_can_be_created,
)
from azureblob.checks.deployment import (
    access_levels_match,
    private_media_are_signed,
    types_are_checked,
)
from azureblob.checks.installation import (
    commands_are_ours,
    limits_are_valid,
    requests_are_bounded,
    requests_are_known,
    settings_moved,
)
from azureblob.checks.locations import (
    containers_are_separate,
    quarantine_setting_is_renamed,
    urls_match_the_storages,
)

__all__ = [
    "access_levels_match",
    "advice_is_usable",
    "commands_are_ours",
    "containers_are_separate",
    "limits_are_valid",
    "private_media_are_signed",
    "quarantine_setting_is_renamed",
    "requests_are_bounded",
    "requests_are_known",
    "settings_are_read",
    "settings_moved",
    "storages_can_be_created",
    "types_are_checked",
    "urls_match_the_storages",
]
