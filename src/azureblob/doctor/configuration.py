"""The settings, before anybody is asked: the system checks, and what they stand in the way of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.core.checks import CheckMessage, Tags, run_checks
from django.core.checks import Warning as CheckWarning

from azureblob.checks.configured import TAG
from azureblob.doctor.results import Failed, Warned
from azureblob.doctor.runner import Probe

_PREFIX = "azureblob."


class Configuration:
    """A finding for each message of the checks, or one for none."""

    def __init__(self) -> None:
        found = run_checks(tags=[TAG, Tags.staticfiles])
        self.messages = [
            message for message in found if message.id and message.id.startswith(_PREFIX)
        ]

    def probes(self) -> Iterator[Probe]:
        for message in self.messages:
            yield Probe("settings", partial(_raised, message), (), message.id or "")
        if not self.messages:
            yield Probe("settings", lambda: "the system checks have nothing to say")


def _raised(message: CheckMessage) -> str:
    kind = Failed if message.level > CheckWarning("").level else Warned
    raise kind(message.msg, message.hint or "")
