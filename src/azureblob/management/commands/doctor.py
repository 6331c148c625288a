"""`doctor`: what the site needs of its blob storage, tried out, with the fix for what fails."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from azureblob.checks.configured import configured
from azureblob.doctor import report
from azureblob.doctor.configuration import Configuration
from azureblob.doctor.diagnosis import diagnose
from azureblob.doctor.results import Finding, State
from azureblob.doctor.site import site
from azureblob.management.interruption import interrupt_message

_ORIGIN = re.compile(r"https?://[\w.-]+(?::\d{1,5})?|https?://\[[0-9a-fA-F:]+\](?::\d{1,5})?")
_INTERRUPTED = "Interrupted."
# Where there is no terminal: a log's line.
_PLAIN_COLUMNS = 100


def origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no origin: scheme://host[:port], such as https://www.example.com"
        )
    return text


class Command(BaseCommand):
    help = (
        "Try out what the site needs of its blob storage: name resolution, credentials, "
        "containers and who may read them, rights, CORS, clock, manifest."
    )
    # It shows what they say itself.
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
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        configuration = Configuration()
        examined = site(options["origin"])
        if examined is None and not any(configured()):
            raise CommandError(
                "No storage of STORAGES is one of azureblob's, so there is nothing to examine."
            )
        columns = shutil.get_terminal_size().columns if self.stdout.isatty() else _PLAIN_COLUMNS
        table = report.Table(columns, self._paint)
        findings: list[Finding] = []
        with interrupt_message(_INTERRUPTED):
            for finding in diagnose(configuration, examined):
                findings.append(finding)
                if not options["json"]:
                    self._print(table.lines(finding))
        if options["json"]:
            self.stdout.write(report.as_json(findings, examined.endpoint if examined else ""))
        else:
            self._print([*table.rest(), "", report.closing(findings)])
        if not report.healthy(findings):
            # Not a CommandError, which would add a line of its own to what was said.
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
