"""Signed URLs (shared access signatures) that stay the same for a while, made on this machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

# A signature is refused before its start, and clocks differ ("Best practices when using SAS").
CLOCK_SKEW_SECONDS = 15 * 60


def window(now: float, period: int) -> tuple[datetime, datetime]:
    """Start and expiry for a signature made at `now` (Unix time).

    The same for a whole `period` (seconds), so that a browser's cache can find the URL again; from
    any moment on it is valid for one to two periods.
    """
    begin = int(now // period) * period
    return (
        datetime.fromtimestamp(begin - CLOCK_SKEW_SECONDS, UTC),
        datetime.fromtimestamp(begin + 2 * period, UTC),
    )


def read_signature(
    *, account: str, key: str, container: str, blob: str, period: int, https_only: bool
) -> str:
    """The query that lets its holder read one blob, without the question mark."""
    start, expiry = window(time.time(), period)
    token: str = generate_blob_sas(
        account,
        container,
        blob,
        account_key=key,
        permission=BlobSasPermissions(read=True),
        start=start,
        expiry=expiry,
        protocol="https" if https_only else "https,http",
    )
    return token
