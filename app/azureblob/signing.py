"""Signed URLs (shared access signatures) that stay the same for a while, made on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from azureblob.delegation import DelegationKeys

# A signature is refused before its start, and clocks differ ("Best practices when using SAS").
CLOCK_SKEW_SECONDS = 15 * 60
# A signature lasts for up to two periods, and a delegation key for 7 days less its margin.
LONGEST_SECONDS = 3 * 24 * 3600


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


@dataclass(frozen=True)
class Signer:
    """Signs with the account's key, or with the keys that Azure lends to an identity."""

    account: str
    account_key: str = ""
    delegation_keys: DelegationKeys | None = None

    def read(self, *, container: str, blob: str, period: int, https_only: bool) -> str:
        """The query that lets its holder read one blob, without the question mark."""
        start, expiry = window(time.time(), period)
        secret: dict[str, Any] = {"account_key": self.account_key}
        if self.delegation_keys is not None:
            key = self.delegation_keys.valid_until(expiry.timestamp())
            secret = {"user_delegation_key": key}
        token: str = generate_blob_sas(
            self.account,
            container,
            blob,
            permission=BlobSasPermissions(read=True),
            start=start,
            expiry=expiry,
            protocol="https" if https_only else "https,http",
            **secret,
        )
        return token
