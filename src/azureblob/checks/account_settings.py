"""Checks of the settings and options of the account: how it is reached, and who signs in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from storages.utils import setting

from azureblob.checks.configuration import (
    TAG,
    StorageEntry,
    entries,
    is_azure_storage,
    storage_class,
)
from azureblob.extras import how_to_install, is_installed
from azureblob.options import REPLACED

# Settings of django-storages that this library does not read, and the names of their options.
IGNORED_SETTINGS = {
    "AZURE_CONNECTION_STRING": "connection_string",
    "AZURE_SAS_TOKEN": "sas_token",
    "AZURE_SSL": "azure_ssl",
    "AZURE_ENDPOINT_SUFFIX": "endpoint_suffix",
    "AZURE_URL_EXPIRATION_SECS": "expiration_secs",
    "AZURE_API_VERSION": "api_version",
}


@register(TAG)
def settings_are_read(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Settings of django-storages that have no meaning, or another one, in this library."""
    if not any(entries()) or _uses_django_storages():
        return []
    found: list[CheckMessage] = []
    if setting("AZURE_LOCATION"):
        found.append(
            Warning(
                "The setting AZURE_LOCATION is ignored: other tools use that name for a region.",
                hint="For a folder in the container, set STORAGES[…]['OPTIONS']['location'] and "
                "remove AZURE_LOCATION.",
                id="azureblob.W002",
            )
        )
    found += [
        Warning(
            f"The setting {name} is ignored.",
            hint=f"Remove it, and use {REPLACED[option]}.",
            id="azureblob.W003",
        )
        for name, option in IGNORED_SETTINGS.items()
        if hasattr(settings, name)
    ]
    container, media = setting("AZURE_CONTAINER"), setting("AZURE_MEDIA_CONTAINER")
    if container and media and container != media:
        found.append(
            Warning(
                f"The setting AZURE_CONTAINER ({container!r}) is ignored, because "
                f"AZURE_MEDIA_CONTAINER ({media!r}) is set.",
                hint="Remove AZURE_CONTAINER.",
                id="azureblob.W011",
            )
        )
    return found


def _uses_django_storages() -> bool:
    """Whether the site also uses the storage of django-storages itself, which reads them."""
    ours = {entry.alias for entry in entries()}
    kinds = [storage_class(alias) for alias in settings.STORAGES if alias not in ours]
    return any(kind and is_azure_storage(kind) for kind in kinds)


@register(TAG)
def advice_is_usable(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    # Start-up: every process loads the checks, and advice is needed only if one fails.
    from azureblob.advice import advice_class

    try:
        advice_class()
    except ImproperlyConfigured as error:
        hint = "Correct the path, or remove AZUREBLOB_ADVICE to use the library's own advice."
        return [Error(str(error), hint=hint, id="azureblob.E017")]
    return []


@register(TAG)
def storages_can_be_created(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Everything that is wrong with the account of each storage; other errors in their own
    words."""
    found: list[CheckMessage] = []
    for entry in entries():
        problems = list(_account_problems(entry)) if entry.storage is not None else []
        if entry.error is not None and not problems:
            problems.append(
                Error(
                    f"{entry.where} is refused: {entry.error}",
                    hint=f"Correct {entry.where}['OPTIONS'], or the settings of these names.",
                    id="azureblob.E002",
                )
            )
        found += problems
    # A setting that several storages read is reported once.
    return list({(message.id, message.msg): message for message in found}.values())


def _account_problems(entry: StorageEntry) -> Iterator[CheckMessage]:
    yield from _credential_problems(entry)
    yield from _seconds_problems(entry)
    yield from _extras_problems(entry)


def _credential_problems(entry: StorageEntry) -> Iterator[CheckMessage]:
    storage = entry.storage
    key, identity = storage.account_key, entry.uses_identity
    if not storage.account_name:
        yield Error(
            "AZURE_ACCOUNT_NAME is not set.",
            hint="Set AZURE_ACCOUNT_NAME to the name of the storage account.",
            id="azureblob.E003",
        )
    if not key and not identity:
        yield Error(
            "There is no way to sign in: AZURE_ACCOUNT_KEY is not set, and AZURE_AUTH_MODE is not "
            "'identity'.",
            hint="Set AZURE_ACCOUNT_KEY from the environment, or AZURE_AUTH_MODE = 'identity'.",
            id="azureblob.E004",
        )
    if key and identity:
        yield Error(
            "Both an account key and an identity are configured.",
            hint="Remove AZURE_ACCOUNT_KEY; or set AZURE_AUTH_MODE = 'key' and remove "
            "AZURE_TOKEN_CREDENTIAL.",
            id="azureblob.E005",
        )
    elif identity and str(storage.blob_endpoint or "").startswith("http://"):
        yield Error(
            "AZURE_BLOB_ENDPOINT is plain http, and an identity's token is sent over https only.",
            hint="Set AZURE_BLOB_ENDPOINT to an https address, or sign in with a key.",
            id="azureblob.E006",
        )
    if key and not _is_base64(key):
        yield Error(
            "AZURE_ACCOUNT_KEY is not an account key: it is not base64.",
            hint=f"{entry.advice.copy_key()}.",
            id="azureblob.E008",
        )


def _is_base64(key: Any) -> bool:
    try:
        return bool(base64.b64decode(str(key), validate=True))
    except (binascii.Error, ValueError):
        return False


def _seconds_problems(entry: StorageEntry) -> Iterator[CheckMessage]:
    # Start-up: every process loads the checks, and azure-storage-blob is slow to load.
    from azureblob.signing import LONGEST_SECONDS

    given = getattr(entry.storage, "signed_seconds", 1)
    text = str(given).strip()
    digits = not isinstance(given, bool) and text.isascii() and text.isdigit()
    if digits and 0 < int(text[:12]) <= LONGEST_SECONDS:
        return
    yield Error(
        f"signed_seconds of {entry.where} is {given!r}.",
        hint=f"Set it to a whole number of seconds from 1 to {LONGEST_SECONDS} (three days): a URL "
        "is valid for up to twice as long, and a delegation key for at most 7 days.",
        id="azureblob.E007",
    )


def _extras_problems(entry: StorageEntry) -> Iterator[CheckMessage]:
    """Packages that the storage needs, and would only miss when it is used."""
    storage = entry.storage
    if entry.uses_identity and not storage.token_credential and not is_installed("identity"):
        yield Error(
            "AZURE_AUTH_MODE is 'identity', and azure-identity is not installed.",
            hint=f"{how_to_install('identity')}, or set AZURE_TOKEN_CREDENTIAL to a credential.",
            id="azureblob.E015",
        )
    if getattr(storage, "check_content", False) and not is_installed("uploads"):
        yield Error(
            f"{entry.where} inspects what it stores, which needs Pillow and filetype.",
            hint=f"{how_to_install('uploads')}; or set {entry.where}['OPTIONS']['check_content'] "
            "= False if nobody uploads.",
            id="azureblob.E016",
        )
