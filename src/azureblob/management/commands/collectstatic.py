"""`collectstatic` as Django has it, flags and closing line, with a publisher behind it.

With a storage other than StaticBlobStorage it is Django's own.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from azureblob.management.collector import collector_paused
from azureblob.management.interruption import told_as
from azureblob.publish.discovery import find
from azureblob.publish.files import LocalFile
from azureblob.publish.publisher import (
    Publication,
    Target,
    target_of_hashed,
    target_of_plain,
)
from azureblob.rest.account import open_transport
from azureblob.rest.errors import PublishError
from azureblob.staticfiles import StaticBlobStorage, resolved

if TYPE_CHECKING:
    from azureblob.publish.hashing import HashedTree

_SHOWN_REFERENCES = 50
_TWICE = (
    "Found another file with the destination path '{}'. It will be ignored since only the first "
    "encountered file is collected. If this is not what you want, make sure every static file has "
    "a unique path."
)
_UNKNOWN = (
    "azureblob does not know how Django {} post-processes static files ({}). Django's own "
    "post-processing is used: the files are right, and publishing takes longer. A newer azureblob "
    "may know it."
)
_INTERRUPTED = "Interrupted. What was sent stays; the next run sends what is missing."


class Command(collectstatic.Command):
    help = "Publish the static files in the container of STORAGES['staticfiles']."

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django asks for its own variable only; this one is everybody's (no-color.org).
        if os.environ.get("NO_COLOR"):
            options.setdefault("no_color", True)
        super().__init__(*args, **options)

    def handle(self, **options: Any) -> str | None:
        try:
            said: str | None = super().handle(**options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except EOFError:
            raise CommandError("There is nobody to answer. To publish unasked: --noinput") from None
        return said

    def collect(self) -> dict[str, list[str]]:
        storage = resolved(self.storage)
        if not isinstance(storage, StaticBlobStorage):
            return super().collect()
        if self.symlink:
            raise CommandError("Can't symlink to a remote destination.")
        try:
            with (
                told_as(_INTERRUPTED),
                collector_paused(),
                tempfile.TemporaryDirectory(prefix="collectstatic-") as scratch,
            ):
                return self._publish(storage, Path(scratch))
        except PublishError as error:
            raise CommandError(str(error)) from None

    def _publish(self, storage: StaticBlobStorage, scratch: Path) -> dict[str, list[str]]:
        skipped: list[str] = []
        deleted: list[str] = []

        def twice(name: str) -> None:
            skipped.append(name)
            self.log(_TWICE.format(name), level=1)

        sources = find(self.ignore_patterns, scratch, twice)
        target, processed = self._target(storage, sources, scratch)
        with open_transport(storage) as transport:
            publication = Publication(
                transport,
                scratch,
                self.log,
                manifest_name=storage.manifest_name,
                everything=self.clear,
                dry_run=self.dry_run,
                quiet=self.verbosity != 1,
            )
            result = publication.run(target)
            storage.forget_manifest()
            if self.clear:
                deleted = publication.clear(target)
        # Django 6.0 reads `deleted` and `skipped` as well; what a later one reads is empty.
        return defaultdict(
            list,
            modified=sorted(result.modified),
            unmodified=sorted(result.unmodified),
            post_processed=processed,
            skipped=skipped,
            deleted=deleted,
        )

    def _target(
        self, storage: StaticBlobStorage, sources: dict[str, LocalFile], scratch: Path
    ) -> tuple[Target, list[str]]:
        """What is to be there, and the names of what was post-processed. Raises PublishError."""
        rules = storage.header_rules
        if not (storage.hashed_names and self.post_process):
            return target_of_plain(sources, rules, gzip=storage.gzip), []
        tree = self._hashed(storage, sources, scratch)
        if tree.missing:
            self._tell_missing([str(missing) for missing in tree.missing], storage)
        plain = {"needed": tree.needed, "all": sources.keys(), "none": ()}[storage.keep_unhashed]
        target = target_of_hashed(
            sources,
            tree,
            rules,
            gzip=storage.gzip,
            plain=sorted(plain),
            manifest_name=storage.manifest_name,
        )
        return target, list(tree.paths)

    def _hashed(
        self, storage: StaticBlobStorage, sources: dict[str, LocalFile], scratch: Path
    ) -> HashedTree:
        """Raises PublishError."""
        from azureblob.publish.hashing import HashingError, hash_names
        from azureblob.publish.postprocessing import difference, has_its_own, post_process

        kind = import_string(storage.manifest_storage)

        def rules(location: Path) -> Any:
            return kind(location=location, base_url=settings.STATIC_URL)

        hashed = scratch / "hashed"
        hashed.mkdir()
        # The search takes longer than hashing, and only `needed` asks for it.
        make: Callable[..., HashedTree] = partial(
            hash_names, find_needed=storage.keep_unhashed == "needed"
        )
        if has_its_own(rules(hashed)):
            make = post_process
            self.log(f"{storage.manifest_storage} has a post_process() of its own, which is used")
        elif found := difference(rules, scratch / "sample"):
            make = post_process
            self.stderr.write(self.style.WARNING(_UNKNOWN.format(django.__version__, found)))
        try:
            return make(sources, rules(hashed), hashed)
        except HashingError as error:
            raise PublishError(str(error)) from None

    def _tell_missing(self, missing: list[str], storage: StaticBlobStorage) -> None:
        """References that lead nowhere: an error, or a warning where the setting says so."""
        shown = [f"    {reference}" for reference in missing[:_SHOWN_REFERENCES]]
        if len(missing) > _SHOWN_REFERENCES:
            shown.append(f"    and {len(missing) - _SHOWN_REFERENCES} more")
        text = "These references lead to no static file:\n" + "\n".join(shown)
        if storage.missing_references == "error":
            raise PublishError(
                f"{text}\nNothing was sent. Mend them, or take them as they are with the option "
                '"missing_references": "warn" of STORAGES[\'staticfiles\'].'
            )
        self.stderr.write(self.style.WARNING(text))
