"""`doctor`: try what the site needs of its blob storage, and say how to fix what fails."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.checks.configuration import entries
from azureblob.doctor.results import Result, State, Table, as_json, closing_line, healthy
from azureblob.doctor.runner import diagnose
from azureblob.doctor.site import site
from azureblob.management.interruption import interrupt_message

_ORIGIN = re.compile(r"https?://[\w.-]+(?::\d{1,5})?|https?://\[[0-9a-fA-F:]+\](?::\d{1,5})?")
_INTERRUPTED = "Interrupted."
# For logs and pipes, which have no width.
_PLAIN_COLUMNS = 100


def origin(text: str) -> str:
    """Raises ArgumentTypeError."""
    if not _ORIGIN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an origin: scheme://host[:port], such as https://www.example.com"
        )
    return text


class Command(BaseCommand):
    help = (
        "Try what the site needs of its blob storage: name resolution, credentials, containers "
        "and who may read them, rights, CORS, clock, manifest."
    )
    # The messages of the checks are among the results.
    requires_system_checks = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        if os.environ.get("NO_COLOR") or os.environ.get("CI"):
            options.setdefault("no_color", True)
        super().__init__(*args, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--origin",
            action="append",
            type=origin,
            default=[],
            help="An origin of the site's pages to try the CORS rules with; may be repeated. "
            "Default: those of CSRF_TRUSTED_ORIGINS and ALLOWED_HOSTS.",
        )
        parser.add_argument("--json", action="store_true", help="Print the results as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        tested = site(options["origin"])
        if tested is None and not any(entries()):
            raise CommandError(
                "STORAGES has no storage of azureblob, so there is nothing to examine."
            )
        columns = shutil.get_terminal_size().columns if self.stdout.isatty() else _PLAIN_COLUMNS
        table = Table(columns, self._paint)
        results: list[Result] = []
        with interrupt_message(_INTERRUPTED), closing(diagnose(tested)) as diagnosis:
            for result in diagnosis:
                results.append(result)
                if not options["json"]:
                    self._print(table.lines(result))
        if options["json"]:
            self.stdout.write(as_json(results, tested.endpoint if tested else ""))
        else:
            self._print([*table.rest(), "", closing_line(results)])
        if not healthy(results):
            # Not a CommandError, which would print another message.
            sys.exit(1)

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _paint(self, state: State, word: str) -> str:
        style = {
            State.PASS: self.style.SUCCESS,
            State.WARN: self.style.WARNING,
            State.FAIL: self.style.ERROR,
        }.get(state)
        return str(style(word)) if style else word
