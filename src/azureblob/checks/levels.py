"""Who may read a container without signing in, as the service has it, against what is declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from storages.utils import setting

from azureblob.checks.configured import TAG, made
from azureblob.timeouts import within

if TYPE_CHECKING:
    from azureblob.advice import Advice
    from azureblob.storage import BlobStorage

_SECONDS = 3.0


@register(TAG, deploy=True)
def containers_are_as_declared(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Asks the service, once for each container and for some seconds at the most.

    A service that cannot be asked is no news here: /healthz and the command doctor tell it.
    """
    from azureblob.storage import BlobStorage

    storage = made("default")
    if not isinstance(storage, BlobStorage):
        return []
    quarantine = str(setting("QUARANTINE_LOCATION", "quarantine"))
    with ThreadPoolExecutor(max_workers=2) as beside:
        asked = beside.submit(_level, storage, quarantine)
        media = _level(storage, storage.azure_container)
        return [
            *_of_media(storage, media),
            *_of_quarantine(storage, quarantine, asked.result()),
        ]


def _level(storage: BlobStorage, container: str) -> str | None:
    """`private`, or what anyone may read: each `blob` by its name, or the whole `container` with
    its list. None if the service does not say."""
    # Loaded here: a publish looks at the checks, and does without.
    from azure.core.exceptions import AzureError

    def ask() -> str:
        with storage.service(retries=0, connect=_SECONDS, read=_SECONDS) as service:
            properties = service.get_container_client(container).get_container_properties()
        return str(properties.public_access or "private")

    try:
        return within(_SECONDS, ask)
    except (AzureError, TimeoutError):
        return None


def _of_media(storage: BlobStorage, level: str | None) -> Iterator[CheckMessage]:
    container = storage.azure_container
    if storage.signed and level not in {"private", None}:
        yield Error(
            f"Anyone reads the container {container!r}, and the site takes its uploads for private "
            "(AZURE_MEDIA_ACCESS, `signed`).",
            hint=_advice(storage).close_uploads(container),
            id="azureblob.E010",
        )
    if not storage.signed and level == "private":
        yield Error(
            f"Nobody reads the container {container!r} without a signature, and the site's pages "
            "link its uploads without one (AZURE_MEDIA_ACCESS, `signed`).",
            hint=f"{_advice(storage).open_or_sign_uploads(container)}.",
            id="azureblob.E011",
        )


def _of_quarantine(
    storage: BlobStorage, container: str, level: str | None
) -> Iterator[CheckMessage]:
    if level not in {"private", None}:
        yield Error(
            f"Anyone reads the container {container!r}, where uploads lie that nobody has checked.",
            hint=_advice(storage).close_quarantine(container),
            id="azureblob.E012",
        )


def _advice(storage: BlobStorage) -> Advice:
    # Loaded here: every start loads the checks.
    from azureblob.advice import Account, advice

    return advice(Account(str(storage.account_name), str(storage.blob_endpoint)))
