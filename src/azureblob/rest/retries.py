"""When a request is tried again, and how long to wait before that."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from azureblob.rest.models import Response

# "Status and error codes": the service is busy, or failed by itself.
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
# A service that asks for a longer wait has an outage, which the user should hear of at once.
MAX_RETRY_AFTER_SECONDS = 120.0
_FIRST_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 10.0
# Bounds a Retry-After far in the future, which would overflow.
_WEEK_SECONDS = 7 * 86400.0


def is_transient(response: Response) -> bool:
    """Whether the service or the network failed, which may be over by itself."""
    return not response.status or response.status in TRANSIENT_STATUSES


def backoff(attempt: int) -> float:
    """Seconds to wait after attempt number `attempt` (from 1): 0.1 to 0.2 after the first, up to
    twice as long after each further one, 10 at most. The random half spreads requests that failed
    together."""
    longest = min(_MAX_BACKOFF_SECONDS, _FIRST_SECONDS * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for: a number or an HTTP date; 0 for neither.

    `now` is the Unix time.
    """
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _WEEK_SECONDS)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _WEEK_SECONDS)
