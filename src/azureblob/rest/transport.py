"""Concurrent requests to one container over persistent connections.

libcurl's multi interface does the network's part in one thread, which may be another for each
request but not for two at a time. azure-storage-blob needs many times the CPU for a request.
"""

from __future__ import annotations

import heapq
import itertools
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

import certifi
import pycurl

from azureblob.rest.auth import Authorization
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.models import Request, Response, is_loopback
from azureblob.rest.retries import MAX_RETRY_AFTER_SECONDS, backoff, is_transient, retry_after

_CONNECT_SECONDS = 5
_MAX_WAIT_SECONDS = 0.5
# Names that need no quoting: nearly all of them, and the check is quicker than quote().
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~/-]*")
# libcurl's errors that another attempt would only repeat.
_PERMANENT_FAILURES = {
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_URL_MALFORMAT,
    pycurl.E_UNSUPPORTED_PROTOCOL,
    pycurl.E_READ_ERROR,
}
# Without these, libcurl waits for permission to send a body, and sends an Accept header.
_SUPPRESSED = ["Expect:", "Accept:"]
# libcurl's error code and text.
_Failure = tuple[int, str]


@dataclass(frozen=True)
class Limits:
    """`stall_seconds` is how long a transfer may make no progress before it is tried again."""

    connections: int = 64
    attempts: int = 6
    stall_seconds: int = 20


class Cancelled(BlobServiceError):
    """Another thread has called Transport.cancel()."""


class Transport:
    """Connections to the container at `url`, opened when they are needed. A context manager.

    `requests_sent` counts the requests, retries included.
    """

    def __init__(self, url: str, authorization: Authorization, limits: Limits) -> None:
        self._url = url.rstrip("/")
        self._path = urlsplit(self._url).path
        self._container = self._path.rpartition("/")[2]
        self._is_local = is_loopback(self._url)
        self._authorization = authorization
        self._limits = limits
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, limits.connections)
        self._idle: list[_Connection] = []
        self._running: dict[pycurl.Curl, _Connection] = {}
        self._retries: list[tuple[float, int, Request]] = []
        self._counter = itertools.count()
        self._paused_until = 0.0
        self._cancelled = threading.Event()
        self.requests_sent = 0

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self._cancel()
        for connection in self._idle:
            connection.curl.close()
        self._multi.close()

    @property
    def connections(self) -> int:
        return self._limits.connections

    @property
    def pause_seconds(self) -> float:
        """How much longer the account wants no requests (Retry-After)."""
        return max(self._paused_until - time.monotonic(), 0.0)

    def with_attempts(self, attempts: int) -> Transport:
        """A second transport to the same container, with another number of attempts."""
        limits = replace(self._limits, attempts=attempts)
        return Transport(self._url, self._authorization, limits)

    def cancel(self) -> None:
        """Make the thread that uses this transport raise Cancelled, within half a second."""
        self._cancelled.set()

    def pause(self, seconds: float) -> None:
        """Sleep. Raises Cancelled."""
        if self._cancelled.wait(seconds):
            raise Cancelled("The request was cancelled.")

    def send(self, request: Request) -> Response:
        """Send one request, with retries. Raises BlobServiceError as run() does."""
        [(_, response)] = self.run([request])
        return response

    def run(
        self, requests: Iterable[Request], *, concurrency: int = 0
    ) -> Iterator[tuple[Request, Response]]:
        """Each request with its last response, in the order in which they finish. `concurrency`
        may be lower than the number of connections.

        Transient failures are retried: broken connections, incomplete or missing responses, and
        the statuses 408, 429 and 500 to 504. Retry-After applies to the account, so it pauses all
        requests. Stopping the iteration early cancels requests in flight.

        Raises BlobServiceError if the account asks for a wait of over two minutes.
        """
        try:
            most = min(concurrency or self.connections, self.connections)
            yield from self._run(iter(requests), most)
        finally:
            self._cancel()

    def _run(self, source: Iterator[Request], most: int) -> Iterator[tuple[Request, Response]]:
        exhausted = False
        while True:
            while len(self._running) < most and time.monotonic() >= self._paused_until:
                request = self._due_retry()
                # Requests that wait for a retry count too, so that nothing new is sent to a
                # service that asked for time.
                if request is None and not exhausted and self._unfinished < most:
                    request = next(source, None)
                    exhausted = request is None
                if request is None:
                    break
                try:
                    self._start(request)
                except OSError as error:
                    yield request, Response(0, failure=f"it cannot be read: {error.strerror}")
            if exhausted and not self._running and not self._retries:
                return
            finished = False
            for curl, failure in self._finished():
                finished = True
                request, response = self._release(curl, failure)
                if not self._schedule_retry(request, response, failure):
                    yield request, response
            if not finished:
                self._wait()
            if self._cancelled.is_set():
                raise Cancelled("The request was cancelled.")

    @property
    def _unfinished(self) -> int:
        return len(self._running) + len(self._retries)

    def _due_retry(self) -> Request | None:
        if self._retries and self._retries[0][0] <= time.monotonic():
            return heapq.heappop(self._retries)[2]
        return None

    def _start(self, request: Request) -> None:
        """Raises OSError if the body's file cannot be opened."""
        path = f"/{_quoted_path(request.blob)}" if request.blob else ""
        headers = self._authorization.headers(
            request.method, self._path + path, request.query, request.headers, request.body.size
        )
        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        if not self._idle:
            self._idle.append(_Connection(self._limits.stall_seconds, self._is_local))
        connection = self._idle[-1]
        connection.begin(request, self._url + path + query, headers)
        self._idle.pop()
        request.attempts += 1
        self.requests_sent += 1
        self._running[connection.curl] = connection
        self._multi.add_handle(connection.curl)

    def _finished(self) -> list[tuple[pycurl.Curl, _Failure | None]]:
        """The transfers that have finished since the last call."""
        self._multi.perform()
        finished: list[tuple[pycurl.Curl, _Failure | None]] = []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            finished += [(curl, None) for curl in done]
            finished += [(curl, (code, text)) for curl, code, text in failed]
        return finished

    def _release(
        self, curl: pycurl.Curl, failure: _Failure | None = None
    ) -> tuple[Request, Response]:
        """Free a connection for another request, and return its request and the response."""
        connection = self._running.pop(curl)
        self._multi.remove_handle(curl)
        self._idle.append(connection)
        response = connection.end(failure)
        response.container = self._container
        return connection.request, response

    def _cancel(self) -> None:
        for curl in list(self._running):
            self._release(curl)
        self._retries.clear()

    def _schedule_retry(
        self, request: Request, response: Response, failure: _Failure | None
    ) -> bool:
        """Whether the request is to be sent again; if so, it is scheduled."""
        permanent = failure is not None and failure[0] in _PERMANENT_FAILURES
        if permanent or not is_transient(response):
            return False
        now = time.monotonic()
        asked = retry_after(response.headers.get("retry-after", ""), time.time())
        if asked > MAX_RETRY_AFTER_SECONDS:
            raise BlobServiceError(
                f"Blob storage said {response.reason}, and asks for a wait of {asked:.0f} s. Run "
                "this again after that; what has been done so far remains.",
                code=response.code,
                container=response.container,
            )
        self._paused_until = max(self._paused_until, now + asked)
        if request.attempts >= self._limits.attempts:
            return False
        due = max(now + backoff(request.attempts), self._paused_until)
        heapq.heappush(self._retries, (due, next(self._counter), request))
        return True

    def _wait(self) -> None:
        """Wait until a connection is ready, or a retry or the end of a pause is due."""
        now = time.monotonic()
        moments = [now + _MAX_WAIT_SECONDS]
        if self._retries:
            moments.append(self._retries[0][0])
        if self._paused_until > now:
            moments.append(self._paused_until)
        seconds = max(min(moments) - now, 0.001)
        if not self._running or self._multi.select(seconds) < 0:
            time.sleep(min(seconds, 0.05) if self._running else seconds)


class _Connection:
    """A libcurl easy handle. `request` is the one in progress, or the last.

    Its options suit a PUT, as nearly all requests are one, and remain set from one request to the
    next: setting them again would be a quarter of the CPU time of a small file.
    """

    __slots__ = ("_body", "_head", "_stall_seconds", "_stream", "curl", "request")

    def __init__(self, stall_seconds: int, is_local: bool) -> None:
        self.curl = pycurl.Curl()
        if is_local:
            self.curl.setopt(pycurl.PROXY, "")  # not that of the environment
        self.request: Request
        self._stall_seconds = stall_seconds
        self._stream: IO[bytes] | None = None
        self._head: list[bytes] = []
        self._body: list[bytes] = []
        self._set_options()

    def _set_options(self) -> None:
        curl = self.curl
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CAINFO, _ca_file())
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
            # Not as bytes by POSTFIELDS: when a connection breaks, libcurl sends those again by
            # itself, without a pause.
            curl.setopt(pycurl.READFUNCTION, self._stream.read)
        else:
            curl.setopt(pycurl.HTTPGET, 1)
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        self.request = request
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [f"{n}: {v}" for n, v in headers.items()] + _SUPPRESSED)

    def end(self, failure: _Failure | None = None) -> Response:
        """The response, once the transfer has finished or was cancelled."""
        head, body = self._head[:], b"".join(self._body)
        self._head.clear()
        self._body.clear()
        status: Any = self.curl.getinfo(pycurl.RESPONSE_CODE)
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        else:
            self.curl.reset()
            self._set_options()
        if failure is not None:
            return Response(0, failure=failure[1] or f"libcurl error {failure[0]}")
        if not head or head[-1].strip():
            return Response(0, failure="the response was cut off")
        return Response(int(status), head, body)


def _ca_file() -> str:
    """The CA certificates: the file that the environment names for requests, else certifi's."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), certifi.where())


def _quoted_path(name: str) -> str:
    return name if _UNRESERVED.fullmatch(name) else quote(name, safe="/~")
