"""How a request to the blob service signs in: by the account's key, or by an identity's token."""

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
from azureblob.rest.errors import PublishError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Old enough for every Azurite in use, new enough for Put Blob of 5,000 MiB ("Versioning for Azure
# Storage").
API_VERSION = "2021-12-02"
_SCOPE = "https://storage.azure.com/.default"
_SPARE_SECONDS = 300
# The credential has its own opinion of when to renew; it is asked every minute, not for each file.
_KEPT_SECONDS = 60
# The standard headers of the string to sign, in its order; Date is empty, as x-ms-date is sent.
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
    """The part of the string to sign that is made of headers with these names: the standard ones,
    then those of the service in order. Thousands of requests have the same names."""
    lines = [f"%({name})s" if name in names else "" for name in _STANDARD]
    own = sorted((name.lower(), name) for name in names if name.lower().startswith("x-ms-"))
    return "\n".join(lines + [f"{lower}:%({name})s" for lower, name in own])


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _now() -> str:
    """The moment as an HTTP date, made once a second."""
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
        """The headers to send: those given, and what signs the request in.

        `path` is the URL's, encoded as it is sent; `query` is not encoded; `length` is the body's
        in bytes.
        """


class SharedKey:
    """Signs with the account's key. Rule: "Authorize with Shared Key" of the REST reference.

    azure-storage-blob does the same, and takes longer to load than an unchanged publish to run.
    """

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        try:
            # Copied for each request: hmac.digest() lets other threads in each time, and the one
            # that drives the network waits for its turn again.
            self._mac = hmac.new(base64.b64decode(key, validate=True), digestmod=hashlib.sha256)
        except ValueError:
            # Loaded here: a publish that works needs no advice, and starts sooner.
            from azureblob.advice import advice

            # Without the key in it, of course.
            raise PublishError(
                f"AZURE_ACCOUNT_KEY is no account key: it is not base64. {advice().renew_key()}"
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
    """Signs in with an identity's token, renewed before it ends."""

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
        from azure.core.exceptions import ClientAuthenticationError

        try:
            token = self._credential.get_token(_SCOPE)
        except ClientAuthenticationError as error:
            # Its first line says what failed; the rest goes through every way that was tried.
            told = str(error).strip().partition("\n")[0]
            raise PublishError(
                f"No identity signs in: {told}\n"
                "Sign in (az login), or give the machine an identity."
            ) from None
        self._token = Secret(token.token)
        self._renew_at = min(token.expires_on - _SPARE_SECONDS, time.time() + _KEPT_SECONDS)
