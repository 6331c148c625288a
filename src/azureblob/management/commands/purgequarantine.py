"""`purgequarantine`: delete uploads that were begun and never saved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.advice import advice
from azureblob.direct.quarantine import Quarantine, site_quarantine
from azureblob.exceptions import UploadsUnavailable
from azureblob.management.arguments import add_deletion_arguments
from azureblob.management.interruption import interrupt_message
from azureblob.outages import error_code
from azureblob.rest.models import quoted

_DEFAULT = "1d"
_THREADS = 16
# Consecutive failures after which the rest is not tried.
MAX_CONSECUTIVE_FAILURES = 64
_INTERRUPTED = "Interrupted. Some uploads may be deleted; the next run deletes the rest."


class Command(BaseCommand):
    help = (
        "Delete uploads that were begun and never saved from the quarantine container, once their "
        "form is no longer valid. A lifecycle rule of the account can do the same, once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_deletion_arguments(parser, default=_DEFAULT, retained="sent")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            quarantine = site_quarantine()
            with interrupt_message(_INTERRUPTED):
                self._purge(quarantine, options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except ResourceNotFoundError:
            name = quarantine.storage.azure_container
            steps = advice().create_container(name)
            raise CommandError(
                f"The container {name!r} does not exist. {steps}, then try again."
            ) from None
        except AzureError as error:
            # Its text may contain addresses and signatures.
            raise CommandError(
                f"The storage failed ({_reason(error)}). manage.py doctor finds the cause."
            ) from None

    def _purge(self, quarantine: Quarantine, options: dict[str, Any]) -> None:
        dry, verbosity = options["dry_run"], options["verbosity"]
        before = datetime.now(UTC) - timedelta(seconds=options["older_than"])

        def delete(blob: BlobProperties) -> bool | AzureError:
            try:
                # Only the version that was listed: an upload may have been sent again since.
                return dry or quarantine.delete(blob.name, quoted(blob.etag))
            except AzureError as error:
                return error

        count = size = 0
        failed: list[tuple[str, AzureError]] = []
        consecutive = 0
        old = list(quarantine.older_than(before))
        pool = ThreadPoolExecutor(_THREADS)
        try:
            for blob, deleted in zip(old, pool.map(delete, old), strict=True):
                if isinstance(deleted, AzureError):
                    failed.append((blob.name, deleted))
                    consecutive += 1
                    if consecutive >= MAX_CONSECUTIVE_FAILURES:
                        break
                    continue
                consecutive = 0
                if not deleted:
                    continue
                count += 1
                size += int(blob.size or 0)
                if verbosity >= (1 if dry else 2):
                    verb = "Pretending to delete" if dry else "Deleted"
                    self.stdout.write(f"{verb} '{blob.name}'")
        finally:
            pool.shutdown(cancel_futures=True)
        if verbosity >= 1:
            verb = "would be deleted" if dry else "deleted"
            self.stdout.write(f"\n{count} uploads {verb} ({size / 1e6:.1f} MB).")
        if failed:
            name, error = failed[0]
            stopped = consecutive >= MAX_CONSECUTIVE_FAILURES
            explanation = " Too many failed one after another, so no more were tried."
            raise CommandError(
                f"{len(failed)} uploads could not be deleted, for example {name}: "
                f"{_reason(error)}.{explanation if stopped else ''} Run this command again; if it "
                "still fails, manage.py doctor finds the cause."
            )


def _reason(error: AzureError) -> str:
    """The service's code: the text may contain addresses and signatures."""
    if isinstance(error, UploadsUnavailable):
        return error.reason
    return error_code(error) or type(error).__name__
