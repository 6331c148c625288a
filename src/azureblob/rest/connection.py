"""One of libcurl's easy handles: a request at a time, and its answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

import certifi
import pycurl

from azureblob.rest.models import Answer, Request

_CONNECT_SECONDS = 5
# Without the two, libcurl asks before it sends a body, and names types of its own.
_UNSENT = ["Expect:", "Accept:"]


class Connection:
    """Its options are those of a PUT, as nearly all requests are, and stay from one to the next: to
    set them all anew is a quarter of a small file's CPU.

    `curl` is libcurl's handle; `request` is the one in progress, or the last. `stall_seconds` is
    how long a transfer may make no progress.
    """

    __slots__ = ("_body", "_head", "_stall_seconds", "_stream", "curl", "request")

    def __init__(self, stall_seconds: int) -> None:
        self.curl = pycurl.Curl()
        self.request: Request
        self._stall_seconds = stall_seconds
        self._stream: IO[bytes] | None = None
        self._head: list[bytes] = []
        self._body: list[bytes] = []
        self._prepare()

    def _prepare(self) -> None:
        curl = self.curl
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CAINFO, _authorities())
        curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT_SECONDS)
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, self._stall_seconds)
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self._head.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._body.append)

    def begin(self, request: Request, url: str, headers: Mapping[str, str]) -> None:
        """Prepare the handle for a multi handle. Raises OSError if the body's file cannot be
        opened; the connection is then free."""
        curl = self.curl
        if request.method == "PUT":
            self._stream = request.body.open()
            curl.setopt(pycurl.INFILESIZE_LARGE, request.body.size)
            # Not as bytes by POSTFIELDS: those libcurl sends again by itself, and at once, where a
            # connection breaks.
            curl.setopt(pycurl.READFUNCTION, self._stream.read)
        else:
            curl.setopt(pycurl.HTTPGET, 1)
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        self.request = request
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [f"{n}: {v}" for n, v in headers.items()] + _UNSENT)

    def end(self, failure: tuple[int, str] | None = None) -> Answer:
        """The answer, once the transfer is over; `failure` is libcurl's code and text."""
        head, body = self._head[:], b"".join(self._body)
        self._head.clear()
        self._body.clear()
        status: Any = self.curl.getinfo(pycurl.RESPONSE_CODE)
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        else:
            self.curl.reset()
            self._prepare()
        if failure is not None:
            return Answer(0, failure=failure[1] or f"libcurl's error {failure[0]}")
        if not head or head[-1].strip():
            return Answer(0, failure="the answer was cut off")
        return Answer(int(status), head, body)


def _authorities() -> str:
    """The file of authorities: the one that the environment names for requests, else certifi's."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), certifi.where())
