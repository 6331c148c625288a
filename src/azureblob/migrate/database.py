"""The file references in the site's databases, compared with the files that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.db import Error, connections, models, router

from azureblob.migrate.journal import FileProblem, Journal, Outcome
from azureblob.migrate.name_mapping import composed
from azureblob.staticfiles import resolved
from azureblob.storage import BlobStorage

_CHUNK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of a file field: the `name` in the row, and the `path` of its blob, which is empty if
    the name points outside the container. `where` is such as `shop.Picture 12.image`."""

    where: str
    name: str
    path: str


def compare_with_database(
    storage: BlobStorage,
    blobs: Iterable[str],
    files: Mapping[str, str],
    journal: Journal,
    *,
    hidden: Iterable[str] = (),
) -> None:
    """Record references without a file, and files that nothing refers to.

    `blobs` are the paths of all blobs, `files` maps blob paths to the names of the files of this
    run, and `hidden` are the names that were left out on purpose.
    """
    paths = set(blobs)
    unreferenced = dict(files)
    missing: list[Reference] = []
    try:
        for reference in references(storage):
            unreferenced.pop(reference.path, None)
            if reference.path not in paths:
                missing.append(reference)
    except FileProblem as problem:
        journal.add_problem(problem, "the database")
        return
    for name in unreferenced.values():
        journal.add(Outcome.UNREFERENCED, name)
    if not missing:
        return
    by_composed_path = {composed(path): path for path in paths if not path.isascii()}
    left_out = set(hidden)
    for reference in missing:
        detail = reference.name
        if not reference.path:
            detail += ", which points outside the container"
        elif composed(reference.path) in by_composed_path:
            detail += ", which exists in another Unicode form: see --nfc"
        elif _is_below(reference.name, left_out):
            detail += ", which is hidden: see --include-hidden"
        journal.add(Outcome.MISSING, reference.where, detail)


def references(storage: BlobStorage) -> Iterator[Reference]:
    """All references to files in the storage's container: every file field of every model in every
    database, read a few thousand rows at a time.

    Fields that store their files elsewhere are skipped. Raises FileProblem if a table cannot be
    read.
    """
    for model in apps.get_models(include_auto_created=True):
        fields = {
            field: own
            for field in model._meta.local_concrete_fields
            if isinstance(field, models.FileField)
            and (own := _in_container(field.storage, storage)) is not None
        }
        if fields and not model._meta.proxy:
            yield from _references_of(model, fields)


def _in_container(given: Any, storage: BlobStorage) -> BlobStorage | None:
    """The field's storage, if it uses the same container."""
    own = resolved(given)
    if not isinstance(own, BlobStorage):
        return None
    container = (storage.blob_endpoint, storage.azure_container)
    return own if (own.blob_endpoint, own.azure_container) == container else None


def _references_of(
    model: type[models.Model], fields: dict[models.FileField, BlobStorage]
) -> Iterator[Reference]:
    label = model._meta.label
    names = [field.attname for field in fields]
    has_table = False
    for alias in connections:
        if not router.allow_migrate_model(alias, model):
            continue
        # Not the model's default manager, which may filter rows.
        every: models.QuerySet[Any] = models.QuerySet(model, using=alias)
        rows = every.order_by().values_list("pk", *names)
        try:
            for key, *values in rows.iterator(chunk_size=_CHUNK_ROWS):
                for (field, own), value in zip(fields.items(), values, strict=True):
                    if value:
                        where = f"{label} {key}.{field.name}"
                        yield Reference(where, str(value), _blob_path(own, str(value)))
            has_table = True
        except (Error, ImproperlyConfigured) as error:
            # Without a router, Django allows every model in every database.
            if not _lacks_table(alias, model):
                raise FileProblem(
                    f"The database {alias!r} cannot be read ({type(error).__name__}), so the "
                    f"references of {label} are unknown."
                ) from None
    if not has_table:
        raise FileProblem(f"No database has a table of {label}. Run manage.py migrate.")


def _lacks_table(alias: str, model: type[models.Model]) -> bool:
    """Whether the database can be read and has no table for the model."""
    try:
        tables = connections[alias].introspection.table_names(include_views=True)
    except (Error, ImproperlyConfigured):
        return False
    return model._meta.db_table not in tables


def _blob_path(storage: BlobStorage, name: str) -> str:
    try:
        return storage._get_valid_path(name)
    except SuspiciousFileOperation:
        return ""


def _is_below(name: str, folders: set[str]) -> bool:
    parts = name.split("/")
    return any("/".join(parts[:count]) in folders for count in range(1, len(parts) + 1))
