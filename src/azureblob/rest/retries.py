"""When a request is tried again, and how long to wait before."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from azureblob.rest.models import Answer

# "Status and error codes": the service is busy, or failed by itself.
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 10.0
# A longer wait than this is an outage: better told than sat out.
LONGEST_RETRY_AFTER_SECONDS = 120.0
# No date lies further ahead than a week.
_SILLY_SECONDS = 7 * 86400.0


def is_passing(answer: Answer) -> bool:
    """Whether the failure is the service's, or the line's, and may be over by itself."""
    return not answer.status or answer.status in TRANSIENT_STATUSES


def backoff(attempt: int) -> float:
    """Seconds to wait after the `attempt`-th try (from 1): 0.1 to 0.2, then up to twice as long
    each time, 10 at the most. Half of it is chance, so that what failed together comes apart."""
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for: a number or an HTTP date; 0 for neither.

    `now` is the Unix time.
    """
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _SILLY_SECONDS)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _SILLY_SECONDS)
