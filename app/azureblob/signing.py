"""Signed URLs (shared access signatures) that stay the same for a while, made on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas

from azureblob.delegation import DelegationKeys

# A signature is refused before its start, and clocks differ ("Best practices when using SAS").
CLOCK_SKEW_SECONDS = 15 * 60
# A signature lasts for up to two periods, and a delegation key for 7 days less its margin.
LONGEST_SECONDS = 3 * 24 * 3600
# The name in the text that is signed, before another takes its place.
_ANY = "any-blob"


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

    def send(
        self, *, container: str, blob: str, seconds: int, https_only: bool, blocks: bool
    ) -> str:
        """The query that lets its holder send one blob, without the question mark.

        By a create permission, which cannot replace a blob. It does for Put Blob alone: Put Block
        and Put Block List need write ("Create an account SAS", the table of operations), so that
        one is given with `blocks`.
        """
        now = time.time()
        expiry = datetime.fromtimestamp(now + seconds, UTC)
        token: str = generate_blob_sas(
            self.account,
            container,
            blob,
            permission=BlobSasPermissions(create=not blocks, write=blocks),
            start=datetime.fromtimestamp(now - CLOCK_SKEW_SECONDS, UTC),
            expiry=expiry,
            protocol=_protocol(https_only),
            **_named(self._secret(expiry)),
        )
        return token

    def read(self, *, container: str, blob: str, period: int, https_only: bool) -> str:
        """The query that lets its holder read one blob, without the question mark."""
        start, expiry = window(time.time(), period)
        pattern = _pattern(
            self.account, self._secret(expiry), container, start, expiry, _protocol(https_only)
        )
        return pattern.signed(blob)

    def _secret(self, expiry: datetime) -> str | UserDelegationKey:
        """The key that signs what ends then. Raises AzureError if none can be borrowed."""
        if self.delegation_keys is None:
            return self.account_key
        return self.delegation_keys.valid_until(expiry.timestamp())


@dataclass(frozen=True)
class _Pattern:
    """What the read signatures of a container and a window have in common.

    The library takes 0.05 ms of CPU for each, and a page may show a thousand: of what is signed
    only the name differs.
    """

    begun: hmac.HMAC  # with all that stands before the name
    after: bytes
    query: str

    def signed(self, blob: str) -> str:
        mac = self.begun.copy()
        mac.update(blob.encode() + self.after)
        signature = base64.b64encode(mac.digest()).decode()
        return f"{self.query}{signature.replace('+', '%2B').replace('=', '%3D')}"


# For a few storages and the windows before and after; two threads may make the same one.
@lru_cache(maxsize=32)
def _pattern(
    account: str,
    secret: str | UserDelegationKey,
    container: str,
    start: datetime,
    expiry: datetime,
    protocol: str,
) -> _Pattern:
    """Made by the library itself, which tells what it signs: the versions of that text are its."""
    told: list[str] = []
    token: str = generate_blob_sas(
        account,
        container,
        _ANY,
        permission=BlobSasPermissions(read=True),
        start=start,
        expiry=expiry,
        protocol=protocol,
        sts_hook=told.append,
        **_named(secret),
    )
    resource = f"/blob/{account}/{container}/"
    before, _, after = told[0].partition(f"{resource}{_ANY}\n")
    key = base64.b64decode((secret if isinstance(secret, str) else secret.value) or "")
    return _Pattern(
        begun=hmac.new(key, f"{before}{resource}".encode(), hashlib.sha256),
        after=f"\n{after}".encode(),
        query=token[: token.rindex("sig=") + len("sig=")],
    )


def _named(secret: str | UserDelegationKey) -> dict[str, Any]:
    return {"account_key" if isinstance(secret, str) else "user_delegation_key": secret}


def _protocol(https_only: bool) -> str:
    return "https" if https_only else "https,http"
