"""What the database says of files: every file field of every model, in every database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.db import Error, connections, models, router

from azureblob.staticfiles import resolved
from azureblob.storage import BlobStorage

_CHUNK = 2000


class NoDatabase(Exception):
    """A database, or a table of it, cannot be read; the text says which."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A row's word that there is a file: `name` as the row has it, and the blob's `path`, which is
    empty for a name that leads out of the container. `where` is such as `shop.Picture 12.image`.
    """

    where: str
    name: str
    path: str


def references(storage: BlobStorage) -> Iterator[Reference]:
    """All references to files in the storage's container, read a few thousand rows at a time.

    Fields that keep their files elsewhere are none of its business. Raises NoDatabase.
    """
    for model in apps.get_models(include_auto_created=True):
        fields = {
            field: own
            for field in model._meta.local_concrete_fields
            if isinstance(field, models.FileField)
            and (own := _in_container(field.storage, storage)) is not None
        }
        if fields and not model._meta.proxy:
            yield from _of(model, fields)


def _in_container(given: Any, storage: BlobStorage) -> BlobStorage | None:
    """The field's storage, if its container is the same."""
    own = resolved(given)
    if not isinstance(own, BlobStorage):
        return None
    here = (own.blob_endpoint, own.azure_container)
    return own if here == (storage.blob_endpoint, storage.azure_container) else None


def _of(
    model: type[models.Model], fields: dict[models.FileField, BlobStorage]
) -> Iterator[Reference]:
    label = model._meta.label
    names = [field.attname for field in fields]
    found = False
    for alias in connections:
        if not router.allow_migrate_model(alias, model):
            continue
        # Not the model's own manager, which may leave rows out.
        every: models.QuerySet[Any] = models.QuerySet(model, using=alias)
        rows = every.order_by().values_list("pk", *names)
        try:
            for key, *values in rows.iterator(chunk_size=_CHUNK):
                for (field, own), value in zip(fields.items(), values, strict=True):
                    if value:
                        where = f"{label} {key}.{field.name}"
                        yield Reference(where, str(value), _path(own, str(value)))
            found = True
        except (Error, ImproperlyConfigured) as error:
            # Without a router Django would have every table in every database.
            if not _lacks(alias, model):
                raise NoDatabase(
                    f"The database {alias!r} cannot be read ({type(error).__name__}), so nothing "
                    f"tells what {label} refers to."
                ) from None
    if not found:
        raise NoDatabase(f"No database has a table of {label}. Run manage.py migrate.")


def _lacks(alias: str, model: type[models.Model]) -> bool:
    """Whether the database can be read, and has no table of the model."""
    try:
        there = connections[alias].introspection.table_names(include_views=True)
    except (Error, ImproperlyConfigured):
        return False
    return model._meta.db_table not in there


def _path(storage: BlobStorage, name: str) -> str:
    try:
        return storage._get_valid_path(name)
    except SuspiciousFileOperation:
        return ""
