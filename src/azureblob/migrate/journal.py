"""Files and database held against each other: what is referred to and missing, and the reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from azureblob.migrate.names import composed
from azureblob.migrate.references import NoDatabase, references
from azureblob.migrate.report import Kind, Report
from azureblob.storage import BlobStorage


def account(
    storage: BlobStorage,
    there: Iterable[str],
    files: Mapping[str, str],
    report: Report,
    *,
    hidden: Iterable[str] = (),
) -> None:
    """`there` are the paths of all blobs; `files` maps the blob's path to the name, of each file
    that was moved or looked at; `hidden` are the names of those that were not wanted."""
    paths = set(there)
    unreferenced = dict(files)
    missing: list[tuple[str, str, str]] = []
    try:
        for reference in references(storage):
            unreferenced.pop(reference.path, None)
            if reference.path not in paths:
                missing.append((reference.where, reference.name, reference.path))
    except NoDatabase as reason:
        report.add(Kind.FAILED, "the database", str(reason))
        return
    for name in unreferenced.values():
        report.add(Kind.UNREFERENCED, name)
    if not missing:
        return
    other = {composed(path): path for path in paths if not path.isascii()}
    unwanted = set(hidden)
    for where, name, path in missing:
        why = name
        if not path:
            why += ", which leads out of the container"
        elif composed(path) in other:
            why += ", of which there is one with its accents written otherwise: see --nfc"
        elif _is_below(name, unwanted):
            why += ", which is hidden: see --include-hidden"
        report.add(Kind.MISSING, where, why)


def _is_below(name: str, folders: set[str]) -> bool:
    parts = name.split("/")
    return any("/".join(parts[:count]) in folders for count in range(1, len(parts) + 1))
