"""Signed URLs (shared access signatures) that stay the same for a while, made on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas

from azureblob.delegation import DelegationKeys
from azureblob.serving import signed_url_made

# A signature is refused before its start, and clocks differ ("Best practices when using SAS").
CLOCK_SKEW_SECONDS = 15 * 60
# A signature lasts for up to two periods, and a delegation key for 7 days less its margin.
LONGEST_SECONDS = 3 * 24 * 3600
# What url() takes as `parameters`, by generate_blob_sas's names.
PARAMETERS = frozenset(
    {
        "cache_control",
        "content_disposition",
        "content_encoding",
        "content_language",
        "content_type",
        "ip",
        "protocol",
        "start",
    }
)
# A delegation key is renewed a day before this long would not be left of it.
LONGEST_BY_IDENTITY = 2 * LONGEST_SECONDS
_PERMISSIONS = frozenset("racwdxytmei")
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


def permission_of(mode: str) -> BlobSasPermissions:
    """For `r`, `rw` and so on. Raises ValueError for a letter that stands for nothing."""
    if not mode or not set(mode) <= _PERMISSIONS:
        raise ValueError(
            f"mode is {mode!r}: letters of {''.join(sorted(_PERMISSIONS))}, for example 'r'."
        )
    return BlobSasPermissions.from_string(mode)


def checked_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError for what would be signed as something else, or not at all."""
    if unknown := sorted(set(parameters) - PARAMETERS):
        raise ValueError(
            f"parameters has {', '.join(unknown)}: one of {', '.join(sorted(PARAMETERS))}."
        )
    for name, value in parameters.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            raise ValueError(
                f"parameters[{name!r}] is {value!r}: printable ASCII, as headers are. "
                "django.utils.http.content_disposition_header encodes any file name."
            )
    return {name: value for name, value in parameters.items() if value is not None}


def between(now: float, seconds: int) -> tuple[datetime, datetime]:
    """Start and expiry for a signature that is valid for so many seconds from `now` (Unix time)."""
    return (
        datetime.fromtimestamp(now - CLOCK_SKEW_SECONDS, UTC),
        datetime.fromtimestamp(now + seconds, UTC),
    )


@dataclass(frozen=True)
class Signer:
    """Signs with the account's key, or with the keys that Azure lends to an identity."""

    account: str
    account_key: str = field(default="", repr=False)
    delegation_keys: DelegationKeys | None = None

    def send(
        self, *, container: str, blob: str, seconds: int, https_only: bool, blocks: bool
    ) -> str:
        """The query that lets its holder send one blob, without the question mark.

        By a create permission, which cannot replace a blob. It does for Put Blob alone: Put Block
        and Put Block List need write ("Create an account SAS", the table of operations), so that
        one is given with `blocks`.
        """
        return self.grant(
            container=container,
            blob=blob,
            permission=BlobSasPermissions(create=not blocks, write=blocks),
            times=between(time.time(), seconds),
            https_only=https_only,
        )

    def grant(
        self,
        *,
        container: str,
        blob: str,
        permission: BlobSasPermissions,
        times: tuple[datetime, datetime],
        https_only: bool,
        **parameters: Any,
    ) -> str:
        """The query that gives `permission` for one blob between two times, without the question
        mark. `parameters` are generate_blob_sas's, such as `content_disposition`."""
        start, expiry = times
        token: str = generate_blob_sas(
            self.account,
            container,
            blob,
            **{
                "permission": permission,
                "start": start,
                "expiry": expiry,
                "protocol": _protocol(https_only),
                **parameters,
                **_named(self._secret(expiry)),
            },
        )
        return token

    def read(self, *, container: str, blob: str, period: int, https_only: bool) -> str:
        """The query that lets its holder read one blob, without the question mark. A page that it
        is made for is marked as not to be stored."""
        signed_url_made()
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
    key = secret if isinstance(secret, str) else secret.value or ""
    begun = f"{before}{resource}".encode()
    return _Pattern(
        begun=hmac.new(base64.b64decode(key), begun, hashlib.sha256),
        after=f"\n{after}".encode(),
        query=token[: token.rindex("sig=") + len("sig=")],
    )


def _named(secret: str | UserDelegationKey) -> dict[str, Any]:
    return {"account_key" if isinstance(secret, str) else "user_delegation_key": secret}


def _protocol(https_only: bool) -> str:
    return "https" if https_only else "https,http"
