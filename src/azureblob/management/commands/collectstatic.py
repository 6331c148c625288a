"""`collectstatic`: Django's command, with its flags and closing line, and a publisher behind it.

With a storage other than StaticBlobStorage, it is Django's own.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from azureblob.account import open_transport
from azureblob.explanations import explain
from azureblob.management.interruption import interrupt_message
from azureblob.publish import PublishError
from azureblob.publish.discovery import LocalFile, find
from azureblob.publish.plan import Target, hashed_target, plain_target
from azureblob.publish.publisher import Publisher
from azureblob.rest.errors import BlobServiceError
from azureblob.staticfiles import StaticBlobStorage, resolved

if TYPE_CHECKING:
    from azureblob.publish.hashing import HashedTree

_SHOWN_REFERENCES = 50
_DUPLICATE = (
    "Found another file with the destination path '{}'. It will be ignored since only the first "
    "encountered file is collected. If this is not what you want, make sure every static file has "
    "a unique path."
)
_UNKNOWN_DJANGO = (
    "azureblob does not know how Django {} post-processes static files ({}). Django's own "
    "post-processing is used: the files are right, and publishing takes longer. A newer azureblob "
    "may know it."
)
_INTERRUPTED = "Interrupted. What was sent stays; the next run sends what is missing."


class Command(collectstatic.Command):
    help = "Publish the static files in the container of STORAGES['staticfiles']."

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django reads DJANGO_COLORS only; this variable is common to many tools (no-color.org).
        if os.environ.get("NO_COLOR"):
            options.setdefault("no_color", True)
        super().__init__(*args, **options)

    def handle(self, **options: Any) -> str | None:
        try:
            summary: str | None = super().handle(**options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except EOFError:
            raise CommandError(
                "The question cannot be answered, as there is no input. To publish without it: "
                "--noinput"
            ) from None
        return summary

    def collect(self) -> dict[str, list[str]]:
        storage = resolved(self.storage)
        if not isinstance(storage, StaticBlobStorage):
            return super().collect()
        if self.symlink:
            raise CommandError("Can't symlink to a remote destination.")
        try:
            with (
                interrupt_message(_INTERRUPTED),
                gc_paused(),
                tempfile.TemporaryDirectory(prefix="collectstatic-") as scratch,
            ):
                return self._publish(storage, Path(scratch))
        except PublishError as error:
            raise CommandError(str(error)) from None
        except BlobServiceError as error:
            raise CommandError(explain(error)) from None

    def _publish(self, storage: StaticBlobStorage, scratch: Path) -> dict[str, list[str]]:
        """Raises PublishError and BlobServiceError."""
        skipped: list[str] = []
        deleted: list[str] = []

        def duplicate(name: str) -> None:
            skipped.append(name)
            self.log(_DUPLICATE.format(name), level=1)

        sources = find(self.ignore_patterns, scratch, duplicate)
        target, post_processed = self._target(storage, sources, scratch)
        with open_transport(storage) as transport:
            publisher = Publisher(
                transport,
                scratch,
                self.log,
                manifest_name=storage.manifest_name,
                everything=self.clear,
                dry_run=self.dry_run,
                quiet=self.verbosity != 1,
            )
            result = publisher.run(target)
            storage.forget_manifest()
            if self.clear:
                deleted = publisher.clear(target)
        # Django 6.0 reads `deleted` and `skipped` too. A key that a later version reads is empty.
        return defaultdict(
            list,
            modified=sorted(result.modified),
            unmodified=sorted(result.unmodified),
            post_processed=post_processed,
            skipped=skipped,
            deleted=deleted,
        )

    def _target(
        self, storage: StaticBlobStorage, sources: dict[str, LocalFile], scratch: Path
    ) -> tuple[Target, list[str]]:
        """The blobs as they should be, and the names of the files that were post-processed. Raises
        PublishError."""
        rules = storage.header_rules
        if not (storage.hashed_names and self.post_process):
            return plain_target(sources, rules, gzip=storage.gzip), []
        tree = self._hash(storage, sources, scratch)
        if tree.missing:
            self._report_missing([str(missing) for missing in tree.missing], storage)
        plain = {"needed": tree.needed, "all": sources.keys(), "none": ()}[storage.keep_unhashed]
        target = hashed_target(sources, tree, rules, gzip=storage.gzip, plain=plain)
        return target, list(tree.paths)

    def _hash(
        self, storage: StaticBlobStorage, sources: dict[str, LocalFile], scratch: Path
    ) -> HashedTree:
        """Raises PublishError."""
        # Imported here to shorten start-up: without hashed names neither is used.
        from azureblob.publish.hashing import hash_names
        from azureblob.publish.postprocessing import difference, has_own_post_process, post_process

        kind = import_string(storage.manifest_storage)
        hashed = scratch / "hashed"
        hashed.mkdir()
        # The search takes longer than hashing, and only `needed` uses its result.
        find_needed = storage.keep_unhashed == "needed"
        hash_files: Callable[..., HashedTree] = partial(hash_names, find_needed=find_needed)
        if has_own_post_process(kind):
            hash_files = post_process
            self.log(f"{storage.manifest_storage} has a post_process() of its own, which is used")
        elif found := difference(kind, scratch / "sample"):
            hash_files = post_process
            warning = _UNKNOWN_DJANGO.format(django.__version__, found)
            self.stderr.write(self.style.WARNING(warning))
        return hash_files(sources, kind, hashed)

    def _report_missing(self, missing: list[str], storage: StaticBlobStorage) -> None:
        """Raises PublishError, or prints a warning if the option missing_references says so."""
        lines = [f"    {reference}" for reference in missing[:_SHOWN_REFERENCES]]
        if len(missing) > _SHOWN_REFERENCES:
            lines.append(f"    and {len(missing) - _SHOWN_REFERENCES} more")
        text = "These references lead to no static file:\n" + "\n".join(lines)
        if storage.missing_references == "error":
            raise PublishError(
                f"{text}\nNothing was sent. Fix them, or publish them as they are with the option "
                '"missing_references": "warn" of STORAGES[\'staticfiles\'].'
            )
        self.stderr.write(self.style.WARNING(text))


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause garbage collection. With thousands of files in memory it takes a fifth of a publish's
    CPU time, to look for cycles that a publish does not make. Afterwards it is as it was before,
    as the command may run within a process that continues."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
