"""`prunestatic`: delete the hashed files of versions that no page uses any more."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.account import open_transport
from azureblob.explanations import explain
from azureblob.management.arguments import add_deletion_arguments
from azureblob.management.interruption import interrupt_message
from azureblob.publish import PublishError
from azureblob.publish.lease import lease_manifests
from azureblob.publish.manifest import HISTORY, find_manifests, put_record
from azureblob.publish.prune import Verdict, delete, judge
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.listing import list_blobs
from azureblob.rest.transport import Transport
from azureblob.staticfiles import StaticBlobStorage, resolved

_DEFAULT = "30d"
_INTERRUPTED = "Interrupted. What was deleted is gone; the next run deletes the rest."


class Command(BaseCommand):
    help = (
        "Delete hashed static files that no manifest of the last days names. Files that a live "
        "manifest names are never deleted, whichever site of the container it belongs to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_deletion_arguments(parser, default=_DEFAULT, retained="live")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            storage = resolved(staticfiles_storage)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if not isinstance(storage, StaticBlobStorage) or not storage.hashed_names:
            raise CommandError(
                "STORAGES['staticfiles'] has no hashed names, so there is nothing to prune."
            )
        try:
            with interrupt_message(_INTERRUPTED), open_transport(storage) as transport:
                self._prune(transport, storage.manifest_name, options)
        except PublishError as error:
            raise CommandError(str(error)) from None
        except BlobServiceError as error:
            raise CommandError(explain(error)) from None

    def _prune(self, transport: Transport, own: str, options: dict[str, Any]) -> None:
        """Raises PublishError and BlobServiceError."""
        span = options["older_than"]
        if options["dry_run"]:
            remote = list_blobs(transport)
            verdict = judge(transport, own, remote, find_manifests(transport, remote, own), span)
            for name in sorted(verdict.obsolete):
                self._say(f"Pretending to delete '{name}'", options, 1)
            self._summarize("would be deleted", len(verdict.obsolete), verdict, span, options)
            return
        names: list[str] = []

        def deleted(name: str) -> None:
            names.append(name)
            self._say(f"Deleted '{name}'", options, 2)

        # One attempt per request, so that no batch takes longer than the leases last. The deletion
        # repeats failed requests itself.
        with lease_manifests(transport, own) as leases, transport.with_attempts(1) as once:
            verdict = judge(transport, own, leases.remote, leases.manifests, span)
            for name in verdict.unrecorded:
                put_record(transport, name, leases.manifests[name].content, found=True)
            delete(once, verdict.obsolete, deleted, leases.renew)
        self._summarize("deleted", len(names), verdict, span, options)

    def _summarize(
        self, verb: str, count: int, verdict: Verdict, span: float, options: dict[str, Any]
    ) -> None:
        if verdict.unknown_until is not None:
            day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(verdict.unknown_until))
            then = time.strftime("%Y-%m-%d %H:%M", time.gmtime(verdict.unknown_until + span))
            self._say(
                f"The history of {verdict.unknown} begins on {day} UTC: what it named before is "
                f"not known, so nothing can be deleted before {then} UTC.",
                options,
                1,
            )
        for name in verdict.abandoned:
            self._say(
                f"There is no {name} any more, and its history protects all that it names. If that "
                f"site is gone for good, delete the blobs below {HISTORY}{name}/.",
                options,
                1,
            )
        size = sum(blob.size for blob in verdict.obsolete.values())
        self._say(f"\n{count} files {verb} ({size / 1e6:.1f} MB).", options, 1)

    def _say(self, text: str, options: dict[str, Any], level: int) -> None:
        if options["verbosity"] >= level:
            self.stdout.write(text)
