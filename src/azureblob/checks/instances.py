"""Every BlobStorage of the site, also those that installed apps make by themselves.

OPTIONS in STORAGES do not reach an instance that a library makes of the class, and neither does a
check of STORAGES.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Tags, Warning, register
from django.utils.functional import LazyObject, empty
from storages.utils import setting

from azureblob.checks.configured import configured, made

if TYPE_CHECKING:
    from azureblob.storage import BlobStorage


@register(Tags.security, deploy=True)
def types_are_checked(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"{where} stores an upload as the type that its name claims.",
            hint="Leave its option check_content at True: else an HTML page or an SVG picture that "
            "somebody uploads runs in visitors' browsers.",
            id="azureblob.W007",
        )
        for where, storage in instances()
        if not storage.check_content
    ]


@register(Tags.security, deploy=True)
def private_media_are_signed(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    default = made("default")
    private = setting("AZURE_MEDIA_ACCESS") == "private" or getattr(default, "signed", False)
    return [
        Warning(
            f"{where} links its files without a signature, and the site's uploads are private "
            "(AZURE_MEDIA_ACCESS, `signed`).",
            hint="Leave out its option signed and set AZURE_MEDIA_ACCESS = 'private'. If its files "
            "are for anyone to read, keep them in a container of their own and silence this check.",
            id="azureblob.W009",
        )
        for where, storage in instances()
        if private and not storage.signed
    ]


def instances() -> Iterator[tuple[str, BlobStorage]]:
    """Where each is found, and the storage: those of STORAGES, of model fields, and of variables in
    the modules of installed apps."""
    from azureblob.storage import BlobStorage

    seen = set()
    for where, found in (*_aliases(), *_fields(), *_variables()):
        storage = _unwrapped(found)
        # By type(): isinstance() would make what is lazy.
        if issubclass(type(storage), BlobStorage) and id(storage) not in seen:
            seen.add(id(storage))
            yield where, storage


def _aliases() -> Iterator[tuple[str, Any]]:
    for storage in configured():
        yield storage.where, made(storage.alias)


def _fields() -> Iterator[tuple[str, Any]]:
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_fields:
            if hasattr(field, "storage"):
                yield f"The storage of the field {field}", field.storage


def _variables() -> Iterator[tuple[str, Any]]:
    names = [config.name for config in apps.get_app_configs()]
    for name, module in list(sys.modules.items()):
        if any(name == app or name.startswith(f"{app}.") for app in names):
            for variable, value in list(vars(module).items()):
                yield f"{name}.{variable}", value


def _unwrapped(found: Any) -> Any:
    """What a lazy object holds, if it was made already: a storage in use was."""
    if issubclass(type(found), LazyObject):
        wrapped = found.__dict__.get("_wrapped", empty)
        return None if wrapped is empty else wrapped
    return found
