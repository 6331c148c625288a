"""Checks of `check --deploy`: what every storage of the site does, and who may read the containers.

OPTIONS in STORAGES do not reach the storages that installed apps create themselves, and neither
does a check of STORAGES.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.functional import LazyObject, empty
from storages.utils import setting

from azureblob.checks.configuration import TAG, StorageEntry, created, entries
from azureblob.direct.conf import quarantine_container

if TYPE_CHECKING:
    from azureblob.storage import BlobStorage

_SECONDS = 3.0
_PRIVATE = "private"


# --- Access levels --------------------------------------------------------------------------------


@register(TAG, deploy=True)
def access_levels_match(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Ask the service who may read the containers: one request each, for a few seconds at most.

    A service that cannot be asked is not reported here, but by /healthz and the command doctor.
    """
    default = [entry for entry in entries() if entry.alias == "default" and not entry.is_static]
    if not default or default[0].error:
        return []
    entry = default[0]
    quarantine = quarantine_container()
    with ThreadPoolExecutor(max_workers=2) as pool:
        of_quarantine = pool.submit(_level, entry.storage, quarantine)
        of_media = _level(entry.storage, entry.container)
        return [
            *_media_problems(entry, of_media),
            *_quarantine_problems(entry, quarantine, of_quarantine.result()),
        ]


def _level(storage: BlobStorage, container: str) -> str | None:
    """What anyone may read: nothing (`private`), each `blob` by its name, or the whole `container`
    with its list. None if the service does not say."""
    # Start-up: every process loads the checks, and azure-core is slow to load.
    from azure.core.exceptions import AzureError

    # Start-up: as above.
    from azureblob.timeouts import within

    def ask() -> str:
        with storage.service(retries=0, connect=_SECONDS, read=_SECONDS) as service:
            properties = service.get_container_client(container).get_container_properties()
        return str(properties.public_access or _PRIVATE)

    try:
        return within(_SECONDS, ask)
    except (AzureError, TimeoutError):
        return None


def _media_problems(entry: StorageEntry, level: str | None) -> Iterator[CheckMessage]:
    container = entry.container
    if entry.signs_urls and level not in {_PRIVATE, None}:
        yield Error(
            f"Anyone can read the container {container!r}, although uploads are private "
            "(AZURE_MEDIA_ACCESS, `signed`).",
            hint=entry.advice.close_uploads(container),
            id="azureblob.E010",
        )
    if not entry.signs_urls and level == _PRIVATE:
        yield Error(
            f"Nobody can read the container {container!r} without a signature, but pages link to "
            "uploads without one (AZURE_MEDIA_ACCESS, `signed`).",
            hint=f"{entry.advice.open_or_sign_uploads(container)}.",
            id="azureblob.E011",
        )


def _quarantine_problems(
    entry: StorageEntry, container: str, level: str | None
) -> Iterator[CheckMessage]:
    if level not in {_PRIVATE, None}:
        yield Error(
            f"Anyone can read the container {container!r}, which holds unchecked uploads.",
            hint=entry.advice.close_quarantine(container),
            id="azureblob.E012",
        )


# --- Every storage of the site --------------------------------------------------------------------


@register(Tags.security, deploy=True)
def types_are_checked(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"{where} stores uploads with the content type that their name suggests.",
            hint="Leave its option check_content at True. Otherwise an HTML page or an SVG image "
            "that somebody uploads runs scripts in visitors' browsers.",
            id="azureblob.W007",
        )
        for where, storage in blob_storages()
        if not storage.check_content
    ]


@register(Tags.security, deploy=True)
def private_media_are_signed(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    default = created("default")
    private = setting("AZURE_MEDIA_ACCESS") == "private" or getattr(default, "signed", False)
    return [
        Warning(
            f"{where} links to its files without a signature, although the site's uploads are "
            "private (AZURE_MEDIA_ACCESS, `signed`).",
            hint="Remove its option signed and set AZURE_MEDIA_ACCESS = 'private'. If anyone may "
            "read its files, use a container of their own and silence this check.",
            id="azureblob.W009",
        )
        for where, storage in blob_storages()
        if private and not storage.signed
    ]


def blob_storages() -> Iterator[tuple[str, BlobStorage]]:
    """Each BlobStorage of STORAGES, of model fields, and of variables in the modules of installed
    apps, and where it was found."""
    # Start-up: every process loads the checks, and azure-storage-blob is slow to load.
    from azureblob.storage import BlobStorage

    seen = set()
    for where, value in (*_of_settings(), *_of_fields(), *_of_modules()):
        storage = _unwrapped(value)
        # Not isinstance(), which would evaluate lazy objects.
        if issubclass(type(storage), BlobStorage) and id(storage) not in seen:
            seen.add(id(storage))
            yield where, storage


def _of_settings() -> Iterator[tuple[str, Any]]:
    for entry in entries():
        if not entry.error:
            yield entry.where, entry.storage


def _of_fields() -> Iterator[tuple[str, Any]]:
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_fields:
            if hasattr(field, "storage"):
                yield f"The storage of the field {field}", field.storage


def _of_modules() -> Iterator[tuple[str, Any]]:
    names = [config.name for config in apps.get_app_configs()]
    for name, module in list(sys.modules.items()):
        if any(name == app or name.startswith(f"{app}.") for app in names):
            for variable, value in list(vars(module).items()):
                yield f"{name}.{variable}", value


def _unwrapped(value: Any) -> Any:
    """The object that a lazy object wraps; None if it was not evaluated yet, as then it is not in
    use."""
    if issubclass(type(value), LazyObject):
        wrapped = value.__dict__.get("_wrapped", empty)
        return None if wrapped is empty else wrapped
    return value
