"""`collectstatic`: Django's command, with its flags and closing line, and a publisher behind it.

With a storage other than StaticBlobStorage, it is Django's own.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.utils.module_loading import import_string

from azureblob.account import open_transport
from azureblob.explanations import explain
from azureblob.management.interruption import interrupt_message
from azureblob.publish import PublishError
from azureblob.publish.background import InBackground
from azureblob.publish.discovery import LocalFile, find
from azureblob.publish.plan import Target, hashed_target, plain_target
from azureblob.publish.publisher import Publisher, Result
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.models import RemoteBlob
from azureblob.rest.transport import Transport
from azureblob.staticfiles import StaticBlobStorage, resolved

if TYPE_CHECKING:
    from azureblob.publish.hashing import HashedTree
    from azureblob.publish.learned import Known
    from azureblob.publish.render_cache import RenderCache

_SHOWN_REFERENCES = 50
# After so long, files are hashed without the render cache while the container is being listed.
_LISTING_SECONDS = 5.0
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
        # Django's own collect() does without add_arguments() of this class.
        self.use_cache = True
        self._warned: set[str] = set()

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-cache",
            action="store_false",
            dest="use_cache",
            help="Rewrite the references in all files, and replace what earlier publishes have "
            "stored about them in the container.",
        )

    def set_options(self, **options: Any) -> None:
        super().set_options(**options)
        self.use_cache = options.get("use_cache", True)

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

        hashed = storage.hashed_names and self.post_process
        with open_transport(storage) as transport:
            publisher = Publisher(
                transport,
                scratch,
                self.log,
                manifest_name=storage.manifest_name,
                hashed=hashed,
                everything=self.clear,
                dry_run=self.dry_run,
                quiet=self.verbosity != 1,
            )
            post_processed: list[str] = []
            # The container is listed while the files are read.
            if hashed:
                cache = self._cache(storage, transport)
                with InBackground(partial(_look, publisher, cache), transport.cancel) as looking:
                    sources = find(self.ignore_patterns, scratch, duplicate)
                    result, target, post_processed = self._publish_hashed(
                        storage, sources, scratch, publisher, cache, looking
                    )
            else:
                with InBackground(publisher.look, transport.cancel) as listing:
                    sources = find(self.ignore_patterns, scratch, duplicate)
                    target = plain_target(sources, storage.header_rules, gzip=storage.gzip)
                    result = publisher.run(target, listing.result())
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

    def _cache(self, storage: StaticBlobStorage, transport: Transport) -> RenderCache:
        # Imported here to shorten start-up: without hashed names it is not used.
        from azureblob.publish.render_cache import RenderCache

        return RenderCache(transport, storage, self.log, read=self.use_cache)

    def _publish_hashed(
        self,
        storage: StaticBlobStorage,
        sources: dict[str, LocalFile],
        scratch: Path,
        publisher: Publisher,
        cache: RenderCache,
        looking: InBackground[tuple[Mapping[str, RemoteBlob], Known | None]],
    ) -> tuple[Result, Target, list[str]]:
        """The result, the blobs as they should be, and the names of the files that were
        post-processed. Raises PublishError and BlobServiceError."""
        # Imported here to shorten start-up: without hashed names it is not used.
        from azureblob.publish.learned import StaleCache

        # What is wrong with the files is reported first, and soon if the service does not answer.
        listed = known = None
        if looking.ends_within(_LISTING_SECONDS):
            try:
                listed, known = looking.result()
            except (PublishError, BlobServiceError):
                self._tree(storage, sources, scratch / "hashed", None)
                raise
        tree = self._tree(storage, sources, scratch / "hashed", known)
        if listed is None:
            listed, _ = looking.result()
        target = self._target(storage, sources, tree)
        try:
            result = publisher.run(target, listed)
        except StaleCache:
            self.log("The render cache is not used: it does not belong to these files.", level=2)
            tree = self._tree(storage, sources, scratch / "again", None)
            target = self._target(storage, sources, tree)
            result = publisher.run(target, listed)
        if tree.learned and not self.dry_run:
            cache.save(tree.learned)
        return result, target, list(tree.paths)

    def _target(
        self, storage: StaticBlobStorage, sources: dict[str, LocalFile], tree: HashedTree
    ) -> Target:
        """The blobs as they should be."""
        plain = {"needed": tree.needed, "all": sources.keys(), "none": ()}[storage.keep_unhashed]
        return hashed_target(sources, tree, storage.header_rules, gzip=storage.gzip, plain=plain)

    def _tree(
        self,
        storage: StaticBlobStorage,
        sources: dict[str, LocalFile],
        scratch: Path,
        known: Known | None,
    ) -> HashedTree:
        """Raises PublishError, and reports references that lead to no file."""
        # Imported here to shorten start-up: without hashed names neither is used.
        from azureblob.publish.hashing import hash_names
        from azureblob.publish.postprocessing import difference, has_own_post_process, post_process

        kind = import_string(storage.manifest_storage)
        scratch.mkdir()
        # The search takes longer than hashing, and only `needed` uses its result.
        find_needed = storage.keep_unhashed == "needed"
        hash_files: Callable[..., HashedTree] = partial(
            hash_names, find_needed=find_needed, known=known
        )
        if has_own_post_process(kind):
            hash_files = post_process
            self.log(f"{storage.manifest_storage} has a post_process() of its own, which is used")
        elif found := difference(kind, scratch.with_name(f"{scratch.name}-sample")):
            hash_files = post_process
            self._warn(_UNKNOWN_DJANGO.format(django.__version__, found))
        tree = hash_files(sources, kind, scratch)
        if tree.missing:
            self._report_missing([str(missing) for missing in tree.missing], storage)
        return tree

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
        self._warn(text)

    def _warn(self, text: str) -> None:
        """Once, as files are hashed again if the render cache proves wrong."""
        if text not in self._warned:
            self._warned.add(text)
            self.stderr.write(self.style.WARNING(text))


def _look(
    publisher: Publisher, cache: RenderCache
) -> tuple[Mapping[str, RemoteBlob], Known | None]:
    """The blobs of the container, and what the render cache has."""
    remote = publisher.look()
    return remote, cache.load(remote)


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
