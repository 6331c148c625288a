"""The probes' order and their time: what a probe stands on comes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass

from azureblob.doctor.results import Failed, Finding, State
from azureblob.timeouts import within

# Of one request, of a probe, which makes a few, and of all together.
REQUEST_SECONDS = 3.0
_PROBE_SECONDS = 4.0
_ALL_SECONDS = 14.0


@dataclass(frozen=True)
class Probe:
    """`run` gives what was seen where all is well, and raises Failed, Warned or Skipped where not.
    It is not run if one of those that it `needs` failed or was not run either."""

    id: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()
    subject: str = ""
    seconds: float = _PROBE_SECONDS


def examine(probes: Iterable[Probe]) -> Iterator[Finding]:
    """Each probe's finding, as soon as it is there."""
    end = time.monotonic() + _ALL_SECONDS
    # Why what stands on a probe is not run.
    reasons: dict[str, str] = {}
    for probe in probes:
        finding = _found(probe, reasons, end - time.monotonic())
        if finding.state is State.FAIL:
            reasons[probe.id] = f"{probe.id} failed"
        elif finding.state is State.SKIP:
            reasons[probe.id] = finding.detail
        yield finding


def _found(probe: Probe, reasons: dict[str, str], left: float) -> Finding:
    for needed in probe.needs:
        if needed in reasons:
            return Finding(probe.id, State.SKIP, reasons[needed], probe.subject)
    if left <= 0:
        detail = f"no time is left of {_ALL_SECONDS:.0f} s"
        return Finding(probe.id, State.SKIP, detail, probe.subject)
    seconds = min(probe.seconds, left)
    try:
        return Finding(probe.id, State.PASS, within(seconds, probe.run), probe.subject)
    except Failed as failed:
        return Finding(
            probe.id, failed.state, failed.detail, probe.subject, failed.fix, failed.commands
        )
    except FutureTimeout:
        return Finding(
            probe.id,
            State.FAIL,
            f"There is no answer within {seconds:.0f} s.",
            probe.subject,
            "Look at the network between this machine and the account, and try again.",
        )
    except Exception as error:
        # Its text may hold addresses and signatures.
        return Finding(
            probe.id, State.FAIL, f"It ended with {type(error).__name__}.", probe.subject
        )
