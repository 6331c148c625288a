"""`migratemedia`: a media folder into the container of STORAGES["default"], and back."""

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
from azureblob.migrate.names import Unfit, blob_path
from azureblob.migrate.report import Kind, Report
from azureblob.migrate.runner import Migration
from azureblob.names import shown
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.transport import Limits
from azureblob.staticfiles import resolved
from azureblob.storage import BlobStorage

_INTERRUPTED = "Interrupted. What was moved stays; the next run goes on where this one stopped."
_MOST_CONNECTIONS = 256


def connections(text: str) -> int:
    """Raises ArgumentTypeError."""
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_CONNECTIONS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST_CONNECTIONS}")


def prefix(text: str) -> str:
    """Raises ArgumentTypeError."""
    name = text.strip("/")
    if not name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise argparse.ArgumentTypeError(f"{text!r} is no folder of the container: old/2024 is one")
    try:
        return blob_path("", name)
    except Unfit as rule:
        raise argparse.ArgumentTypeError(f"{text!r} is no name for a blob: {rule}") from None


class Command(BaseCommand):
    help = (
        "Copy a media folder into the container of STORAGES['default'], each file proved by its "
        "MD5. Nothing is deleted or changed in the folder. A run that was cut off is simply "
        "started again."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django asks for its own variable only; this one is everybody's (no-color.org).
        if os.environ.get("NO_COLOR"):
            options.setdefault("no_color", True)
        super().__init__(*args, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", help="The media folder: the old MEDIA_ROOT")
        way = parser.add_mutually_exclusive_group()
        way.add_argument(
            "--download", action="store_true", help="The way back: from the container to FOLDER."
        )
        way.add_argument(
            "--verify",
            action="store_true",
            help="Change nothing; say whether every file of FOLDER is in the container, and every "
            "file that the database refers to.",
        )
        parser.add_argument(
            "-n", "--dry-run", action="store_true", help="Name what would be moved, no more."
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="Replace what differs on the other side."
        )
        parser.add_argument(
            "--mend-headers",
            action="store_true",
            help="Also give files that are there already the headers that the storage would have "
            "given them, such as their content type.",
        )
        parser.add_argument(
            "--quick",
            action="store_true",
            help="With --verify: blobs without a stored MD5 are compared by their size alone.",
        )
        parser.add_argument(
            "--nfc",
            action="store_true",
            help="Take the names of FOLDER in Unicode's form NFC, as databases mostly have them: "
            "for folders that an older Mac has written.",
        )
        parser.add_argument(
            "--include-hidden",
            action="store_true",
            help="Take hidden files too: names that begin with a dot, Thumbs.db, desktop.ini.",
        )
        parser.add_argument(
            "--follow-links",
            action="store_true",
            help="Follow symbolic links that lead out of FOLDER, such as to another disk. What "
            "they lead to is sent as well, and the container may be public.",
        )
        parser.add_argument(
            "--prefix",
            type=prefix,
            metavar="PATH",
            help="Where FOLDER belongs in the container: a/b.jpg becomes PATH/a/b.jpg, and with "
            "--download the other way round.",
        )
        parser.add_argument(
            "--report", metavar="FILE", help="Write what became of each file to FILE: JSON lines."
        )
        parser.add_argument(
            "--connections",
            type=connections,
            default=Limits.connections,
            metavar="N",
            help=f"Requests side by side ({Limits.connections}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse_contradictions(options)
        storage = self._storage()
        root = self._folder(options)
        try:
            with (
                interrupt_message(_INTERRUPTED),
                self._report_file(options["report"], root, options) as out,
            ):
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

        report = Report(out, say, references_count=options["verify"])
        ended = "cut off"
        try:
            with transport_to(storage, Limits(options["connections"])) as transport:
                migration = Migration(
                    root,
                    storage,
                    transport,
                    report,
                    say,
                    dry_run=options["dry_run"],
                    overwrite=options["overwrite"],
                    mend=options["mend_headers"],
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
            ended = "with faults" if report.wrong else "well"
        finally:
            report.close(ended)
            if ended == "cut off":  # what it had found until then
                self._print(report, options, closing=False)
        self._print(report, options, closing=True)
        if report.wrong:
            raise CommandError(
                f"{report.wrong:,} {'finding needs' if report.wrong == 1 else 'findings need'} "
                "your attention; the lists above name them. All else is as it should be."
            )

    def _print(self, report: Report, options: dict[str, Any], *, closing: bool) -> None:
        if options["verbosity"] < 1 and not report.wrong:
            return
        for line in report.lines():
            self.stdout.write(line)
        if closing:
            self.stdout.write(_closing(report, options))

    def _refuse_contradictions(self, options: dict[str, Any]) -> None:
        sends = not options["download"] and not options["verify"]
        for name, allowed, why in (
            ("quick", options["verify"], "goes with --verify"),
            ("mend_headers", sends, "goes with sending alone"),
            ("overwrite", not options["verify"], "contradicts --verify, which changes nothing"),
            (
                "dry_run",
                not options["verify"],
                "means nothing with --verify, which changes nothing",
            ),
            ("nfc", not options["download"], "means nothing with --download"),
            ("include_hidden", not options["download"], "means nothing with --download"),
            ("follow_links", not options["download"], "means nothing with --download"),
        ):
            if options[name] and not allowed:
                raise CommandError(f"--{name.replace('_', '-')} {why}.")

    def _storage(self) -> BlobStorage:
        try:
            storage = resolved(default_storage)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if not isinstance(storage, BlobStorage):
            raise CommandError(
                "STORAGES['default'] is no container of blob storage. Run this with the settings "
                "that the site will have; the running site may keep its own meanwhile."
            )
        return storage

    def _folder(self, options: dict[str, Any]) -> Path:
        root = Path(options["folder"])
        if options["download"] and not root.exists():
            if options["dry_run"]:
                raise CommandError(f"There is no folder {shown(str(root))}. Make it first.")
            try:
                root.mkdir(parents=True)
            except OSError as error:
                raise CommandError(
                    f"The folder {shown(str(root))} cannot be made: {error.strerror}."
                ) from None
        if not root.is_dir():
            raise CommandError(f"There is no folder {shown(str(root))}.")
        return root

    @contextmanager
    def _report_file(
        self, given: str | None, root: Path, options: dict[str, Any]
    ) -> Iterator[TextIO | None]:
        if not given:
            yield None
            return
        if Path(given).resolve().is_relative_to(root.resolve()):
            raise CommandError("The report would lie in the media folder. Write it elsewhere.")
        try:
            file = Path(given).open("w", encoding="utf-8")  # noqa: SIM115 - to tell its error
        except OSError as error:
            raise CommandError(f"{shown(given)} cannot be written: {error.strerror}.") from None
        with file:
            yield file


def _closing(report: Report, options: dict[str, Any]) -> str:
    """The line that says what was done."""
    there = report.counted(Kind.SAME)
    parts = [f"{there} there already"]
    if options["verify"]:
        parts = [f"{there} as in the folder"]
    elif options["dry_run"]:
        parts.insert(0, f"{report.counted(Kind.PRETENDED)} would be moved")
    else:
        verb = "fetched" if options["download"] else "sent"
        parts.insert(0, f"{report.counted(Kind.DONE)} {verb}")
        if report.counts[Kind.MENDED]:
            parts.append(f"{report.counts[Kind.MENDED]:,} with new headers")
    if report.counts[Kind.HIDDEN]:
        parts.append(f"{report.counts[Kind.HIDDEN]:,} hidden left out")
    return f"{', '.join(parts)}."
