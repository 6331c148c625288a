"""What `manage.py check` says about a project that uses this app.

Nothing here asks the network, but for the one question that `check --deploy` adds.
"""

from __future__ import annotations

from azureblob.checks.accounts import advice_is_usable, settings_are_read, storages_can_be_made
from azureblob.checks.addresses import addresses_agree
from azureblob.checks.containers import containers_are_apart
from azureblob.checks.instances import private_media_are_signed, types_are_checked
from azureblob.checks.levels import containers_are_as_declared
from azureblob.checks.requests import (
    limits_make_sense,
    requests_are_bounded,
    requests_are_known,
)
from azureblob.checks.staticfiles import commands_are_ours, settings_moved

__all__ = [
    "addresses_agree",
    "advice_is_usable",
    "commands_are_ours",
    "containers_are_apart",
    "containers_are_as_declared",
    "limits_make_sense",
    "private_media_are_signed",
    "requests_are_bounded",
    "requests_are_known",
    "settings_are_read",
    "settings_moved",
    "storages_can_be_made",
    "types_are_checked",
]
