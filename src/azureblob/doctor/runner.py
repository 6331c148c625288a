"""Running the probes: in order of their dependencies, each limited in time, as are all together."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial

from django.core.checks import CheckMessage, Tags, run_checks
from django.core.checks import Warning as CheckWarning

from azureblob.checks.configuration import TAG
from azureblob.doctor.network import Network, Preflights
from azureblob.doctor.probes import Containers, PublishedFiles, QuarantineRights
from azureblob.doctor.results import Probe, ProbeFailed, ProbeWarning, Result, State
from azureblob.doctor.site import Site
from azureblob.timeouts import within

_ALL_SECONDS = 14.0


def diagnose(site: Site | None) -> Generator[Result, None, None]:
    """The result of each probe of a site as soon as it is known; only those of the settings if the
    settings allow no site."""
    if site is None:
        yield from run_probes(settings_probes())
        return
    rights = QuarantineRights(site)
    probes = [
        *settings_probes(),
        *Network(site).probes(),
        *Containers(site).probes(),
        *rights.probes(),
        *Preflights(site).probes(),
        *PublishedFiles(site).probes(),
    ]
    try:
        yield from run_probes(probes)
    finally:
        rights.clear()


def settings_probes() -> Iterator[Probe]:
    """One probe for each message of the library's system checks, or a single one that passes."""
    messages = [
        message
        for message in run_checks(tags=[TAG, Tags.staticfiles])
        if message.id and message.id.startswith("azureblob.")
    ]
    for message in messages:
        yield Probe("settings", partial(_raise, message), (), message.id or "")
    if not messages:
        yield Probe("settings", lambda: "the system checks found nothing")


def _raise(message: CheckMessage) -> str:
    kind = ProbeFailed if message.level > CheckWarning("").level else ProbeWarning
    raise kind(message.msg, message.hint or "")


def run_probes(probes: Iterable[Probe]) -> Iterator[Result]:
    end = time.monotonic() + _ALL_SECONDS
    # Probe to the reason for skipping those that need it.
    reasons: dict[str, str] = {}
    for probe in probes:
        result = _run(probe, reasons, end - time.monotonic())
        if result.state is State.FAIL:
            reasons[probe.id] = f"{probe.id} failed"
        elif result.state is State.SKIP:
            reasons[probe.id] = result.detail
        yield result


def _run(probe: Probe, reasons: dict[str, str], left: float) -> Result:
    for needed in probe.needs:
        if needed in reasons:
            return Result(probe.id, State.SKIP, reasons[needed], probe.subject)
    if left <= 0:
        detail = f"the time limit of {_ALL_SECONDS:.0f} s is used up"
        return Result(probe.id, State.SKIP, detail, probe.subject)
    seconds = min(probe.seconds, left)
    try:
        return Result(probe.id, State.PASS, within(seconds, probe.run), probe.subject)
    except ProbeFailed as failed:
        return Result(
            probe.id, failed.state, failed.detail, probe.subject, failed.fix, failed.commands
        )
    except FutureTimeout:
        return Result(
            probe.id,
            State.FAIL,
            f"There was no response within {seconds:.0f} s.",
            probe.subject,
            "Check the network between this machine and the account, and try again.",
        )
    except Exception as error:
        # The error's text may contain addresses and signatures.
        detail = f"It ended with {type(error).__name__}."
        return Result(probe.id, State.FAIL, detail, probe.subject)
