"""`migratemedia`: copy a media folder to the container of STORAGES["default"], and back."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.account import transport_to
from azureblob.explanations import explain
from azureblob.management.interruption import interrupt_message
from azureblob.migrate.journal import Journal, Outcome
from azureblob.migrate.migration import Migration
from azureblob.migrate.name_mapping import InvalidName, blob_path
from azureblob.names import shown
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.transport import Limits
from azureblob.staticfiles import resolved
from azureblob.storage import BlobStorage

_INTERRUPTED = "Interrupted. What was moved stays; run the command again to continue."
_MOST_CONNECTIONS = 256


def connections(text: str) -> int:
    """Raises ArgumentTypeError."""
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_CONNECTIONS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_CONNECTIONS}")


def prefix(text: str) -> str:
    """Raises ArgumentTypeError."""
    name = text.strip("/")
    if not name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a folder of the container; an example is old/2024"
        )
    try:
        return blob_path("", name)
    except InvalidName as rule:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid blob name: {rule}") from None


class Command(BaseCommand):
    help = (
        "Copy a media folder to the container of STORAGES['default'] and check each file by its "
        "MD5. The folder is never changed. To continue an interrupted run, start it again."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django reads DJANGO_COLORS; NO_COLOR is the convention of no-color.org.
        if os.environ.get("NO_COLOR"):
            options.setdefault("no_color", True)
        super().__init__(*args, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", help="The media folder: the old MEDIA_ROOT")
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--download", action="store_true", help="Copy the container to FOLDER instead."
        )
        action.add_argument(
            "--verify",
            action="store_true",
            help="Change nothing; check that every file of FOLDER, and every file that the "
            "database refers to, is in the container.",
        )
        parser.add_argument(
            "-n", "--dry-run", action="store_true", help="Only print what would be moved."
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="Replace files that differ on the other side."
        )
        parser.add_argument(
            "--fix-headers",
            action="store_true",
            help="Also set the headers, such as the content type, of files that are in the "
            "container already to those that the storage would set.",
        )
        parser.add_argument(
            "--quick",
            action="store_true",
            help="With --verify: compare blobs without a stored MD5 by their size alone.",
        )
        parser.add_argument(
            "--nfc",
            action="store_true",
            help="Convert the names in FOLDER to Unicode NFC, the form that most databases store: "
            "for folders written by an older Mac.",
        )
        parser.add_argument(
            "--include-hidden",
            action="store_true",
            help="Include hidden files: names that begin with a dot, Thumbs.db, desktop.ini.",
        )
        parser.add_argument(
            "--follow-links",
            action="store_true",
            help="Follow symbolic links out of FOLDER, such as to another disk. What they point "
            "to is sent as well, and the container may be public.",
        )
        parser.add_argument(
            "--prefix",
            type=prefix,
            metavar="PATH",
            help="Where FOLDER belongs in the container: a/b.jpg becomes PATH/a/b.jpg, and with "
            "--download the other way round.",
        )
        parser.add_argument(
            "--report", metavar="FILE", help="Write the outcome of each file to FILE: JSON lines."
        )
        parser.add_argument(
            "--connections",
            type=connections,
            default=Limits.connections,
            metavar="N",
            help=f"Concurrent requests ({Limits.connections}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_options(options)
        storage = self._storage()
        root = self._folder(options)
        try:
            with interrupt_message(_INTERRUPTED), self._report_file(options["report"], root) as out:
                self._run(storage, root, out, options)
        except BlobServiceError as error:
            raise CommandError(explain(error)) from None

    def _run(
        self, storage: BlobStorage, root: Path, out: TextIO | None, options: dict[str, Any]
    ) -> None:
        verbosity = options["verbosity"]

        def say(text: str, level: int) -> None:
            if verbosity >= level:
                self.stdout.write(shown(text))

        journal = Journal(out, say, references_count=options["verify"])
        ended = "cut off"
        try:
            with transport_to(storage, Limits(options["connections"])) as transport:
                migration = Migration(
                    root,
                    storage,
                    transport,
                    journal,
                    say,
                    dry_run=options["dry_run"],
                    overwrite=options["overwrite"],
                    fix_headers=options["fix_headers"],
                    nfc=options["nfc"],
                    hidden=options["include_hidden"],
                    quick=options["quick"],
                    quiet=verbosity != 1,
                    follow=options["follow_links"],
                    prefix=options["prefix"] or "",
                )
                if options["download"]:
                    migration.fetch()
                elif options["verify"]:
                    migration.verify()
                else:
                    migration.send()
            ended = "with faults" if journal.problems else "well"
        finally:
            journal.close(ended)
            if ended == "cut off":
                self._print_lists(journal, options)
        self._print_lists(journal, options)
        if verbosity >= 1 or journal.problems:
            self.stdout.write(_closing_line(journal, options))
        if journal.problems:
            found = "1 problem" if journal.problems == 1 else f"{journal.problems:,} problems"
            raise CommandError(f"{found} found; the lists above name them.")

    def _print_lists(self, journal: Journal, options: dict[str, Any]) -> None:
        if options["verbosity"] >= 1 or journal.problems:
            for line in journal.lines():
                self.stdout.write(line)

    def _check_options(self, options: dict[str, Any]) -> None:
        sends = not options["download"] and not options["verify"]
        problems = [
            f"--{name.replace('_', '-')} {rule}."
            for name, allowed, rule in (
                ("quick", options["verify"], "requires --verify"),
                ("fix_headers", sends, "cannot be used with --download or --verify"),
                ("overwrite", not options["verify"], "contradicts --verify, which changes nothing"),
                ("dry_run", not options["verify"], "contradicts --verify, which changes nothing"),
                ("nfc", not options["download"], "cannot be used with --download"),
                ("include_hidden", not options["download"], "cannot be used with --download"),
                ("follow_links", not options["download"], "cannot be used with --download"),
            )
            if options[name] and not allowed
        ]
        if problems:
            raise CommandError("\n".join(problems))

    def _storage(self) -> BlobStorage:
        try:
            storage = resolved(default_storage)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if not isinstance(storage, BlobStorage):
            raise CommandError(
                "STORAGES['default'] is not azureblob.storage.BlobStorage. Run this with the "
                "settings that the site will have; the running site may keep its own until then."
            )
        return storage

    def _folder(self, options: dict[str, Any]) -> Path:
        root = Path(options["folder"])
        if options["download"] and not root.exists():
            if options["dry_run"]:
                raise CommandError(f"There is no folder {shown(str(root))}. Create it first.")
            try:
                root.mkdir(parents=True)
            except OSError as error:
                raise CommandError(
                    f"The folder {shown(str(root))} cannot be created: {error.strerror}."
                ) from None
        if not root.is_dir():
            raise CommandError(f"There is no folder {shown(str(root))}.")
        return root

    @contextmanager
    def _report_file(self, given: str | None, root: Path) -> Iterator[TextIO | None]:
        if not given:
            yield None
            return
        if Path(given).resolve().is_relative_to(root.resolve()):
            raise CommandError(
                f"The report {shown(given)} would be inside the media folder. Write it elsewhere."
            )
        try:
            file = Path(given).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError as error:
            raise CommandError(f"{shown(given)} cannot be written: {error.strerror}.") from None
        with file:
            yield file


def _closing_line(journal: Journal, options: dict[str, Any]) -> str:
    same = journal.counted(Outcome.SAME)
    if options["verify"]:
        parts = [f"{same} as in the folder"]
    elif options["dry_run"]:
        parts = [f"{journal.counted(Outcome.PRETENDED)} would be moved", f"{same} there already"]
    else:
        verb = "fetched" if options["download"] else "sent"
        parts = [f"{journal.counted(Outcome.DONE)} {verb}", f"{same} there already"]
        if fixed := journal.counts[Outcome.HEADERS_FIXED]:
            parts.append(f"{fixed:,} with new headers")
    if hidden := journal.counts[Outcome.HIDDEN]:
        parts.append(f"{hidden:,} hidden left out")
    return f"{', '.join(parts)}."
