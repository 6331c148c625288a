"""Signed URLs (shared access signatures), computed locally and stable for a period."""

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

# Signatures are refused before their start, and clocks differ ("Best practices when using SAS").
CLOCK_SKEW_SECONDS = 15 * 60
# A signature is valid for up to two periods; a delegation key for 7 days less a margin.
LONGEST_SECONDS = 3 * 24 * 3600
# The `parameters` that url() accepts, by generate_blob_sas's names.
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
# A delegation key is renewed a day before it would be too short for this.
LONGEST_BY_IDENTITY = 2 * LONGEST_SECONDS
_PERMISSIONS = frozenset("racwdxytmei")
# A placeholder for the blob's name in the string to sign.
_ANY = "any-blob"


def window(now: float, period: int) -> tuple[datetime, datetime]:
    """Start and expiry of a signature made at `now` (Unix time).

    They stay the same for a whole `period` (seconds), so that browsers can cache the file by its
    URL. A signature is valid for one to two periods from the moment it is made.
    """
    begin = int(now // period) * period
    return (
        datetime.fromtimestamp(begin - CLOCK_SKEW_SECONDS, UTC),
        datetime.fromtimestamp(begin + 2 * period, UTC),
    )


def permission_of(mode: str) -> BlobSasPermissions:
    """The permissions for `r`, `rw` and so on. Raises ValueError for unknown letters."""
    if not mode or not set(mode) <= _PERMISSIONS:
        raise ValueError(
            f"mode is {mode!r}: it must be letters of {''.join(sorted(_PERMISSIONS))}, for example "
            "'r'."
        )
    return BlobSasPermissions.from_string(mode)


def checked_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError for parameters that would be ignored or signed differently."""
    if unknown := sorted(set(parameters) - PARAMETERS):
        raise ValueError(
            f"parameters has {', '.join(unknown)}: allowed are {', '.join(sorted(PARAMETERS))}."
        )
    for name, value in parameters.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            raise ValueError(
                f"parameters[{name!r}] is {value!r}: it must be printable ASCII, as in headers. "
                "django.utils.http.content_disposition_header encodes any file name."
            )
    return {name: value for name, value in parameters.items() if value is not None}


def between(now: float, seconds: int) -> tuple[datetime, datetime]:
    """Start and expiry of a signature that is valid for `seconds` from `now` (Unix time)."""
    return (
        datetime.fromtimestamp(now - CLOCK_SKEW_SECONDS, UTC),
        datetime.fromtimestamp(now + seconds, UTC),
    )


@dataclass(frozen=True)
class Signer:
    """Signs with the account key, or with user delegation keys for an identity."""

    account: str
    account_key: str = field(default="", repr=False)
    delegation_keys: DelegationKeys | None = None

    def send(
        self, *, container: str, blob: str, seconds: int, https_only: bool, blocks: bool
    ) -> str:
        """The query string, without the question mark, that permits uploading one blob.

        The create permission is used, which cannot replace a blob, but only allows Put Blob: Put
        Block and Put Block List need the write permission ("Create an account SAS", the table of
        operations), which `blocks` selects.
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
        """The query string, without the question mark, that grants `permission` for one blob
        between two times. `parameters` are generate_blob_sas's, such as `content_disposition`."""
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
        """The query string, without the question mark, that permits reading one blob. The current
        response is marked as not to be cached."""
        signed_url_made()
        start, expiry = window(time.time(), period)
        pattern = _pattern(
            self.account, self._secret(expiry), container, start, expiry, _protocol(https_only)
        )
        return pattern.signed(blob)

    def _secret(self, expiry: datetime) -> str | UserDelegationKey:
        """The key for signatures with this expiry. Raises AzureError if none can be fetched."""
        if self.delegation_keys is None:
            return self.account_key
        return self.delegation_keys.valid_until(expiry.timestamp())


@dataclass(frozen=True)
class _Pattern:
    """What the read signatures of a container and a period have in common.

    The SDK takes 0.05 ms of CPU for each signature, and a page may need a thousand, of which only
    the blob's name differs.
    """

    begun: hmac.HMAC  # updated with everything before the name
    after: bytes
    query: str

    def signed(self, blob: str) -> str:
        mac = self.begun.copy()
        mac.update(blob.encode() + self.after)
        signature = base64.b64encode(mac.digest()).decode()
        return f"{self.query}{signature.replace('+', '%2B').replace('=', '%3D')}"


# For a few storages and two periods each. It does no harm if two threads make the same pattern.
@lru_cache(maxsize=32)
def _pattern(
    account: str,
    secret: str | UserDelegationKey,
    container: str,
    start: datetime,
    expiry: datetime,
    protocol: str,
) -> _Pattern:
    """Derived from the SDK's string to sign, whose format depends on the service version."""
    signed: list[str] = []
    token: str = generate_blob_sas(
        account,
        container,
        _ANY,
        permission=BlobSasPermissions(read=True),
        start=start,
        expiry=expiry,
        protocol=protocol,
        sts_hook=signed.append,
        **_named(secret),
    )
    resource = f"/blob/{account}/{container}/"
    before, _, after = signed[0].partition(f"{resource}{_ANY}\n")
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
