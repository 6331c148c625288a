"""Requests to one container, many side by side on connections that are kept.

libcurl's multi interface does the network's part in this one thread; azure-storage-blob needs many
times the CPU for a request.
"""

from __future__ import annotations

import heapq
import itertools
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit

import pycurl

from azureblob.rest.auth import Authorization
from azureblob.rest.connection import Connection
from azureblob.rest.errors import PublishError
from azureblob.rest.models import Answer, Request
from azureblob.rest.retries import (
    LONGEST_RETRY_AFTER_SECONDS,
    backoff,
    is_passing,
    retry_after,
)

_LONGEST_WAIT_SECONDS = 0.5
# Names that URLs take as they are: nearly all, and to ask is quicker than to quote.
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
# Trying again changes nothing about these.
_LASTING_FAILURES = {
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_URL_MALFORMAT,
    pycurl.E_UNSUPPORTED_PROTOCOL,
    pycurl.E_READ_ERROR,
}


@dataclass(frozen=True)
class Limits:
    """`stall_seconds`: how long a transfer may stand still before it is tried again."""

    connections: int = 64
    attempts: int = 6
    stall_seconds: int = 20


class Transport:
    """The connections to a container, whose URL is `url`, signed in by `authorization`.

    A context manager. `sent` counts the requests, retries among them.
    """

    def __init__(self, url: str, authorization: Authorization, limits: Limits) -> None:
        self._url = url.rstrip("/")
        self._path = urlsplit(self._url).path
        self._container = self._path.rpartition("/")[2]
        self._authorization = authorization
        self._limits = limits
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, limits.connections)
        self._idle: list[Connection] = []
        self._running: dict[pycurl.Curl, Connection] = {}
        self._later: list[tuple[float, int, Request]] = []
        self._order = itertools.count()
        self._held_until = 0.0
        self.sent = 0

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self._abandon()
        for connection in self._idle:
            connection.curl.close()
        self._multi.close()

    @property
    def connections(self) -> int:
        return self._limits.connections

    @property
    def held_seconds(self) -> float:
        """How long the account has asked for nothing to be sent, from now on."""
        return max(self._held_until - time.monotonic(), 0.0)

    def with_attempts(self, attempts: int) -> Transport:
        """Further connections to the same container, which make so many attempts."""
        limits = replace(self._limits, attempts=attempts)
        return Transport(self._url, self._authorization, limits)

    def ask(self, request: Request) -> Answer:
        """One request by itself, with its retries."""
        [(_, answer)] = self.run([request])
        return answer

    def run(
        self, requests: Iterable[Request], *, at_once: int = 0
    ) -> Iterator[tuple[Request, Answer]]:
        """Each request with its last answer, in the order in which they end; `at_once` may ask for
        fewer side by side than there are connections.

        What may pass is tried again: connections that break, answers that are cut or do not come,
        408, 429 and 500 to 504. A Retry-After holds everything back: it speaks for the account.
        Who stops before the end gives up what is under way. Raises PublishError where the account
        asks for a wait that nobody would sit out.
        """
        try:
            most = min(at_once or self.connections, self.connections)
            yield from self._run(iter(requests), most)
        finally:
            self._abandon()

    def _run(self, source: Iterator[Request], most: int) -> Iterator[tuple[Request, Answer]]:
        exhausted = False
        while True:
            while len(self._running) < most and time.monotonic() >= self._held_until:
                request = self._due()
                # What waits to be tried again counts: who is told to wait begins nothing new.
                if request is None and not exhausted and self._under_way < most:
                    request = next(source, None)
                    exhausted = request is None
                if request is None:
                    break
                try:
                    self._start(request)
                except OSError as error:
                    yield request, Answer(0, failure=f"it cannot be read: {error.strerror}")
            if exhausted and not self._running and not self._later:
                return
            ended = False
            for curl, failure in self._ended():
                ended = True
                request, answer = self._released(curl, failure)
                if not self._comes_again(request, answer, failure):
                    yield request, answer
            if not ended:
                self._wait()

    @property
    def _under_way(self) -> int:
        return len(self._running) + len(self._later)

    def _due(self) -> Request | None:
        """A request whose time has come to be tried again."""
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        return None

    def _start(self, request: Request) -> None:
        """Raises OSError."""
        path = f"/{_quoted(request.blob)}" if request.blob else ""
        headers = self._authorization.headers(
            request.method, self._path + path, request.query, request.headers, request.body.size
        )
        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        if not self._idle:
            self._idle.append(Connection(self._limits.stall_seconds))
        connection = self._idle[-1]
        connection.begin(request, self._url + path + query, headers)
        self._idle.pop()
        request.attempts += 1
        self.sent += 1
        self._running[connection.curl] = connection
        self._multi.add_handle(connection.curl)

    def _ended(self) -> list[tuple[pycurl.Curl, tuple[int, str] | None]]:
        """The connections that have ended since, each with libcurl's code and text if it failed."""
        self._multi.perform()
        ended: list[tuple[pycurl.Curl, tuple[int, str] | None]] = []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            ended += [(curl, None) for curl in done]
            ended += [(curl, (code, text)) for curl, code, text in failed]
        return ended

    def _released(
        self, curl: pycurl.Curl, failure: tuple[int, str] | None = None
    ) -> tuple[Request, Answer]:
        """What a connection was for, and the answer. It is free for another."""
        connection = self._running.pop(curl)
        self._multi.remove_handle(curl)
        self._idle.append(connection)
        answer = connection.end(failure)
        answer.container = self._container
        return connection.request, answer

    def _abandon(self) -> None:
        """Give up what is under way, and what was to be tried again."""
        for curl in list(self._running):
            self._released(curl)
        self._later.clear()

    def _comes_again(
        self, request: Request, answer: Answer, failure: tuple[int, str] | None
    ) -> bool:
        """Whether the request was put off to be tried again."""
        lasting = failure is not None and failure[0] in _LASTING_FAILURES
        if lasting or not is_passing(answer):
            return False
        now = time.monotonic()
        asked = retry_after(answer.headers.get("retry-after", ""), time.time())
        if asked > LONGEST_RETRY_AFTER_SECONDS:
            raise PublishError(
                f"Blob storage said {answer.reason}, and asks for a wait of {asked:.0f} s. Run "
                "this again then; what was done stays."
            )
        self._held_until = max(self._held_until, now + asked)
        if request.attempts >= self._limits.attempts:
            return False
        due = max(now + backoff(request.attempts), self._held_until)
        heapq.heappush(self._later, (due, next(self._order), request))
        return True

    def _wait(self) -> None:
        """Until something happens on a connection, or a request's time comes."""
        now = time.monotonic()
        moments = [now + _LONGEST_WAIT_SECONDS]
        if self._later:
            moments.append(self._later[0][0])
        if self._held_until > now:
            moments.append(self._held_until)
        seconds = max(min(moments) - now, 0.001)
        if not self._running or self._multi.select(seconds) < 0:
            time.sleep(min(seconds, 0.05) if self._running else seconds)


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quote(name, safe="/~")
