"""`purgequarantine`: delete uploads that nobody came back for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.advice import advice
from azureblob.direct.quarantine import Quarantine, quarantine
from azureblob.management.arguments import add_deletion_arguments
from azureblob.management.interruption import interrupt_message
from azureblob.migrate.transfer import ENOUGH_FAILURES
from azureblob.outages import error_code
from azureblob.rest.models import quoted

_DEFAULT = "1d"
_AT_ONCE = 16
_INTERRUPTED = "Interrupted. What was deleted is gone; the next run deletes the rest."


class Command(BaseCommand):
    help = (
        "Delete uploads that were begun and never saved from the quarantine container, once their "
        "form is no longer valid. A lifecycle rule of the account can do the same, a day at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_deletion_arguments(parser, default=_DEFAULT, retained="sent")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = quarantine()
            with interrupt_message(_INTERRUPTED):
                self._purge(place, options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except ResourceNotFoundError:
            name = place.storage.azure_container
            steps = advice().create_container(name)
            raise CommandError(
                f"There is no container {name!r}. {steps}, then try again."
            ) from None
        except AzureError as error:
            # Its text may hold addresses and signatures.
            raise CommandError(
                f"The storage failed ({type(error).__name__}). See what /healthz says."
            ) from None

    def _purge(self, place: Quarantine, options: dict[str, Any]) -> None:
        dry, verbosity = options["dry_run"], options["verbosity"]
        before = datetime.now(UTC) - timedelta(seconds=options["older_than"])

        def delete(blob: BlobProperties) -> bool | AzureError:
            try:
                # In the version that was listed: what was sent since is another's.
                return dry or place.delete(blob.name, quoted(blob.etag))
            except AzureError as error:
                return error

        count = size = 0
        failed: list[tuple[str, AzureError]] = []
        in_a_row = 0
        old = list(place.older_than(before))
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for blob, gone in zip(old, pool.map(delete, old), strict=True):
                if isinstance(gone, AzureError):
                    failed.append((blob.name, gone))
                    in_a_row += 1
                    if in_a_row >= ENOUGH_FAILURES:
                        break
                    continue
                in_a_row = 0
                if not gone:
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
            enough = in_a_row >= ENOUGH_FAILURES
            given_up = " Too many failed one after another, so no more were tried."
            raise CommandError(
                f"{len(failed)} uploads could not be deleted, {name} for one: {_why(error)}."
                f"{given_up if enough else ''} Run this again; if it stays so, "
                "manage.py doctor tells what is wrong."
            )


def _why(error: AzureError) -> str:
    """The service's code: the text may hold addresses and signatures."""
    return error_code(error) or type(error).__name__
