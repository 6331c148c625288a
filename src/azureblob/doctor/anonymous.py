"""Requests without credentials, as a visitor's browser sends them; each is limited in time."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from azureblob.rest.models import is_loopback

REQUEST_SECONDS = 3.0
_BODY_BYTES = 64 * 1024
_READABLE = {200, 206, 304}


class Unreachable(Exception):
    """No response arrived. The text says why and contains no address."""


@dataclass(frozen=True)
class Response:
    """`received_at` is the time of the response by this machine's clock (Unix time), taken as the
    middle between request and response."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: float

    @property
    def code(self) -> str:
        """The service's error code, or an empty string."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def summary(self) -> str:
        return f"{self.status} {self.code}".rstrip()

    @property
    def is_blob_service(self) -> bool:
        return "x-ms-request-id" in self.headers or bool(self.code)

    @property
    def date(self) -> float | None:
        """Unix time by the service's clock."""
        try:
            return parsedate_to_datetime(self.headers["Date"]).timestamp()
        except (KeyError, ValueError, TypeError):
            return None

    @property
    def is_readable(self) -> bool:
        """Whether visitors may read here. The service answers BlobNotFound only to those who may;
        others get ResourceNotFound."""
        return self.status in _READABLE or (self.status == 404 and self.code == "BlobNotFound")


def request(method: str, url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send one request, without following redirects, and read the beginning of the body. Raises
    Unreachable."""
    with requests.Session() as session:
        # Without this, requests sends a password for the host from ~/.netrc.
        session.auth = _no_auth
        begin = time.time()
        try:
            with session.request(
                method,
                url,
                headers=dict(headers or {}),
                timeout=REQUEST_SECONDS,
                proxies=_proxies(url),
                allow_redirects=False,
                stream=True,
            ) as response:
                received_at = (begin + time.time()) / 2
                body = next(response.iter_content(_BODY_BYTES), b"")
                return Response(response.status_code, response.headers, body, received_at)
        except (requests.RequestException, OSError) as error:
            raise Unreachable(connection_failure(error)) from None


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    return prepared


def is_proxied(url: str) -> bool:
    return requests.utils.select_proxy(url, _proxies(url)) is not None


def _proxies(url: str) -> dict[str, str]:
    if is_loopback(url):
        return {"no_proxy": urlsplit(url).hostname or ""}
    return requests.utils.get_environ_proxies(url)


def connection_failure(error: BaseException) -> str:
    """Why a connection failed, without the addresses that the errors of libraries contain."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(cause, socket.gaierror):
            return f"its name does not resolve ({cause.strerror})"
    for cause in causes:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return "it timed out"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
    return "the connection was closed"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it wraps."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        cause = pending.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = getattr(cause, "inner_exception", None), getattr(cause, "reason", None)
        pending += [cause.__cause__, cause.__context__, *inner, *cause.args]
