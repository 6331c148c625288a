"""The service as anybody sees it who has no key: plain requests, each bounded."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests

_BODY_BYTES = 64 * 1024
_READABLE = {200, 206, 304}


class Unreachable(Exception):
    """No answer came; the text says why, and holds no address."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    # When it came, by this machine's clock (Unix time), half-way between question and answer.
    moment: float

    @property
    def code(self) -> str:
        """The service's own word for an error, empty if it has none."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def said(self) -> str:
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
        """Whether a visitor may read here: that there is no blob of the name is told to nobody
        else."""
        return self.status in _READABLE or (self.status == 404 and self.code == "BlobNotFound")


def ask(
    method: str, url: str, *, seconds: float, headers: Mapping[str, str] | None = None
) -> Answer:
    """Raises Unreachable. Redirects are not followed, and of the body some of it is read."""
    with requests.Session() as session:
        # Else a login for the host in ~/.netrc would be sent.
        session.auth = _nobody
        begin = time.time()
        try:
            with session.request(
                method,
                url,
                headers=dict(headers or {}),
                timeout=seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                moment = (begin + time.time()) / 2
                body = next(answer.iter_content(_BODY_BYTES), b"")
                return Answer(answer.status_code, answer.headers, body, moment)
        except (requests.RequestException, OSError) as error:
            raise Unreachable(reason(error)) from None


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def is_proxied(url: str) -> bool:
    return bool(requests.utils.get_environ_proxies(url))


def reason(error: BaseException) -> str:
    """Why a connection failed, in words of the system's."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
        if isinstance(cause, ssl.SSLError):
            return "there is no TLS, or another one"
        if isinstance(cause, socket.gaierror):
            return f"its name does not resolve ({cause.strerror})"
    for cause in causes:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return "there is no answer in time"
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens there"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
    return "the connection broke"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it stands for: libraries wrap each other's."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = getattr(one, "inner_exception", None), getattr(one, "reason", None)
        waiting += [one.__cause__, one.__context__, *inner, *one.args]
