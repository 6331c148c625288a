"""Authorization of requests: with the account's key, or with an identity's token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from azureblob.credentials import Secret
from azureblob.rest.errors import InvalidKeyError, SignInError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Every Azurite in use knows this version, and its Put Blob takes 5,000 MiB ("Versioning for Azure
# Storage").
API_VERSION = "2021-12-02"
_SCOPE = "https://storage.azure.com/.default"
# A token is renewed so long before it expires.
_MARGIN_SECONDS = 300
# The credential decides when to renew its token. It is asked once a minute, not for each file.
_CACHE_SECONDS = 60
# The standard headers of the string to sign, in order. Date is empty because x-ms-date is sent.
_STANDARD = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)


@lru_cache(maxsize=64)
def _template(names: tuple[str, ...]) -> str:
    """A template for the part of the string to sign that consists of headers with these names: the
    standard ones, then those of the service, sorted. Cached, as thousands of requests have headers
    of the same names."""
    lines = [f"%({name})s" if name in names else "" for name in _STANDARD]
    service = sorted((name.lower(), name) for name in names if name.lower().startswith("x-ms-"))
    return "\n".join(lines + [f"{lower}:%({name})s" for lower, name in service])


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _now() -> str:
    """The current time as an HTTP date, formatted once a second."""
    return _date(int(time.time()))


class Authorization(Protocol):
    def headers(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        length: int,
    ) -> dict[str, str]:
        """The headers to send: those given, and those that authorize the request.

        `path` is the URL's path as it is sent, encoded; `query` is not encoded; `length` is the
        size of the body in bytes. Raises BlobServiceError.
        """


class SharedKey:
    """Signs with the account's key, as "Authorize with Shared Key" of the REST reference defines.

    azure-storage-blob signs in the same way, but takes longer to load than a command that finds
    nothing to send takes to run. Raises InvalidKeyError for a malformed key.
    """

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        try:
            # Copied for each request. hmac.digest() would release the interpreter lock each time,
            # and the thread that drives the network would wait for it again.
            self._mac = hmac.new(base64.b64decode(key, validate=True), digestmod=hashlib.sha256)
        except ValueError:
            raise InvalidKeyError(
                "AZURE_ACCOUNT_KEY is no account key: it is not base64."
            ) from None

    def headers(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        length: int,
    ) -> dict[str, str]:
        sent = {**headers, "x-ms-date": _now(), "x-ms-version": API_VERSION}
        signed = {**sent, "Content-Length": str(length)} if length else sent
        parts = [method, _template(tuple(signed)) % signed, f"/{self._account}{path}"]
        parts += [f"{name.lower()}:{query[name]}" for name in sorted(query)]
        mac = self._mac.copy()
        mac.update("\n".join(parts).encode())
        signature = base64.b64encode(mac.digest()).decode()
        sent["Authorization"] = f"SharedKey {self._account}:{signature}"
        return sent


class Bearer:
    """Sends an identity's token, which is renewed before it expires."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._token = Secret()
        self._renew_at = 0.0

    def headers(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        length: int,
    ) -> dict[str, str]:
        if time.time() >= self._renew_at:
            self._renew()
        return {
            **headers,
            "x-ms-date": _now(),
            "x-ms-version": API_VERSION,
            "Authorization": f"Bearer {self._token}",
        }

    def _renew(self) -> None:
        # Imported here to shorten start-up: a command with a key does not load azure-core.
        from azure.core.exceptions import ClientAuthenticationError

        try:
            token = self._credential.get_token(_SCOPE)
        except ClientAuthenticationError as error:
            # Its first line says what failed; the others list every method that was tried.
            reason = str(error).strip().partition("\n")[0]
            raise SignInError(f"No identity signs in: {reason}") from None
        self._token = Secret(token.token)
        self._renew_at = min(token.expires_on - _MARGIN_SECONDS, time.time() + _CACHE_SECONDS)
