"""The account, and how the site signs in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from storages.utils import setting

from azureblob.checks.configured import TAG, Configured, configured
from azureblob.extras import how_to_install, is_installed
from azureblob.options import REPLACED

# Settings of django-storages that the storages here do not read, with the option's name there.
_UNREAD = {
    "AZURE_CONNECTION_STRING": "connection_string",
    "AZURE_SAS_TOKEN": "sas_token",
    "AZURE_SSL": "azure_ssl",
    "AZURE_ENDPOINT_SUFFIX": "endpoint_suffix",
    "AZURE_URL_EXPIRATION_SECS": "expiration_secs",
    "AZURE_API_VERSION": "api_version",
}


@register(TAG)
def settings_are_read(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not any(configured()):
        return found
    if setting("AZURE_LOCATION"):
        found.append(
            Warning(
                "The setting AZURE_LOCATION is not read: to other tools it is a region.",
                hint="For a folder in the container set STORAGES[…]['OPTIONS']['location'], and "
                "take AZURE_LOCATION out.",
                id="azureblob.W002",
            )
        )
    found += [
        Warning(
            f"The setting {name} is not read.",
            hint=f"Take it out, and use {REPLACED[option]}.",
            id="azureblob.W003",
        )
        for name, option in _UNREAD.items()
        if hasattr(settings, name)
    ]
    return found


@register(TAG)
def advice_is_usable(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Loaded here, and below: every start loads the checks, and a publish that works needs none.
    from azureblob.advice import advice_class

    try:
        advice_class()
    except ImproperlyConfigured as error:
        hint = "Correct the path, or take AZUREBLOB_ADVICE out for the library's own advice."
        return [Error(str(error), hint=hint, id="azureblob.E017")]
    return []


@register(TAG)
def storages_can_be_made(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Of each storage all that is wrong with its account; what else is, in its own words."""
    found: list[CheckMessage] = []
    for storage in configured():
        problems = [
            *_account_problems(storage),
            *_seconds_problems(storage),
            *_extras_problems(storage),
        ]
        if not problems:
            try:
                storages[storage.alias]
            except ImproperlyConfigured as error:
                problems.append(
                    Error(
                        f"{storage.where} is refused: {error}",
                        hint=f"Mend {storage.where}['OPTIONS'], or the settings of these names.",
                        id="azureblob.E002",
                    )
                )
        found += problems
    # A setting is told once, whichever storages read it.
    return list({(message.id, message.msg): message for message in found}.values())


def _account_problems(storage: Configured) -> Iterator[CheckMessage]:
    values = storage.values
    key, endpoint = values["account_key"], str(values["blob_endpoint"] or "")
    if not values["account_name"]:
        yield Error(
            "AZURE_ACCOUNT_NAME is not set.",
            hint="Set AZURE_ACCOUNT_NAME to the storage account's name.",
            id="azureblob.E003",
        )
    if not key and not storage.identity:
        yield Error(
            "There is no way to sign in: AZURE_ACCOUNT_KEY is not set, and AZURE_AUTH_MODE is not "
            "'identity'.",
            hint="Set AZURE_ACCOUNT_KEY from the environment, or AZURE_AUTH_MODE = 'identity'.",
            id="azureblob.E004",
        )
    if key and storage.identity:
        yield Error(
            "There is an account key beside an identity to sign in with.",
            hint="Take AZURE_ACCOUNT_KEY out, or set AZURE_AUTH_MODE = 'key' and no "
            "AZURE_TOKEN_CREDENTIAL.",
            id="azureblob.E005",
        )
    elif storage.identity and endpoint.startswith("http://"):
        yield Error(
            "AZURE_BLOB_ENDPOINT is plain http, over which no identity's token is sent.",
            hint="Set AZURE_BLOB_ENDPOINT to an https address, or sign in with a key.",
            id="azureblob.E006",
        )
    if key and not _is_base64(key):
        from azureblob.advice import Account, advice

        yield Error(
            "AZURE_ACCOUNT_KEY is no account key: it is not base64.",
            hint=f"{advice(Account(str(values['account_name'] or ''), endpoint)).copy_key()}.",
            id="azureblob.E008",
        )


def _extras_problems(storage: Configured) -> Iterator[CheckMessage]:
    """Packages that the storage needs, and would only miss when it is used."""
    if storage.identity and not storage.values["token_credential"] and not is_installed("identity"):
        yield Error(
            "AZURE_AUTH_MODE is 'identity', and azure-identity is not installed.",
            hint=f"{how_to_install('identity')}, or set AZURE_TOKEN_CREDENTIAL to a credential.",
            id="azureblob.E015",
        )
    if storage.values.get("check_content") and not is_installed("uploads"):
        yield Error(
            f"{storage.where} inspects what it stores, which needs Pillow and filetype.",
            hint=f"{how_to_install('uploads')}, or set {storage.where}['OPTIONS']"
            "['check_content'] = False where nobody uploads.",
            id="azureblob.E016",
        )


def _is_base64(key: Any) -> bool:
    try:
        return bool(base64.b64decode(str(key), validate=True))
    except (binascii.Error, ValueError):
        return False


def _seconds_problems(storage: Configured) -> Iterator[CheckMessage]:
    from azureblob.signing import LONGEST_SECONDS

    given = storage.values.get("signed_seconds", 1)
    text = str(given).strip()
    digits = not isinstance(given, bool) and text.isascii() and text.isdigit()
    if digits and 0 < int(text[:12]) <= LONGEST_SECONDS:
        return
    yield Error(
        f"signed_seconds of {storage.where} is {given!r}.",
        hint=f"Set it to a whole number of seconds from 1 to {LONGEST_SECONDS} (three days): a URL "
        "is valid for up to twice as long, and Azure lends an identity no key for over 7 days.",
        id="azureblob.E007",
    )
