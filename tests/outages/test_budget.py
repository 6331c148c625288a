"""What one request may wait for storage, against servers that stall in every way."""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.app.conftest import client, django_site  # noqa: F401  # for the fixtures below
from tests.app.test_identity import Certificate, certificate  # noqa: F401

pytestmark = pytest.mark.usefixtures("django_site")

# More than a busy machine needs, and far less than what each server would take.
MARGIN = 2.0
Serve = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nContent-Range: bytes 0-99999/100000\r\n\r\n"


def silent(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def trickling(connection: socket.socket, stop: threading.Event) -> None:
    """A byte of the head now and then."""
    for position in range(len(HEAD)):
        connection.sendall(HEAD[position : position + 1])
        if stop.wait(0.2):
            return


def trickling_body(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(HEAD)
    while not stop.wait(0.2):
        connection.sendall(b"x")


def endless_head(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stop.wait(0.2):
        connection.sendall(b"x-more: 1\r\n")


def deaf(connection: socket.socket, stop: threading.Event) -> None:
    """Takes nothing of a large upload."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    stop.wait()


@contextlib.contextmanager
def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server's port."""
    stop = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def run(accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wrapped = tls.wrap_socket(accepted, server_side=True) if tls else accepted
            with wrapped as connection:
                if serve is not deaf:
                    connection.recv(65536)
                serve(connection, stop)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=run, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        server.close()


def storage(port: int, **options: Any) -> Any:
    from azureblob.storage import BlobStorage

    given = {
        "account_name": "a",
        "account_key": "a2V5",
        "blob_endpoint": f"http://127.0.0.1:{port}/a/",
        "azure_container": "c",
    }
    return BlobStorage(**{**given, **options})


@pytest.mark.parametrize("serve", [silent, trickling, trickling_body, endless_head])
def test_a_read_ends_with_the_budget_however_the_server_stalls(serve: Serve) -> None:
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    with serving(serve) as port:
        begin = time.monotonic()
        with budget(1) as opened, pytest.raises(AzureError):
            storage(port).open("name")
        assert time.monotonic() - begin < 1 + MARGIN
        assert opened.left() < 0.5


@pytest.mark.parametrize("serve", [trickling, trickling_body])
def test_a_read_over_tls_ends_with_the_budget_as_well(
    serve: Serve,
    certificate: Certificate,  # noqa: F811
) -> None:
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with serving(serve, context) as port:
        begin = time.monotonic()
        with budget(1) as opened, pytest.raises(AzureError):
            storage(port, blob_endpoint=f"https://127.0.0.1:{port}/a/").open("name")
        assert time.monotonic() - begin < 1 + MARGIN
        assert opened.left() < 0.5


def test_a_server_that_never_ends_its_tls_handshake_is_left_with_the_budget() -> None:
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    with serving(silent) as port:
        begin = time.monotonic()
        with budget(1), pytest.raises(AzureError):
            storage(port, blob_endpoint=f"https://127.0.0.1:{port}/a/").exists("name")
        assert time.monotonic() - begin < 1 + MARGIN


@pytest.mark.parametrize("megabytes", [3, 9])
def test_an_upload_ends_with_the_budget_when_the_server_takes_nothing(megabytes: int) -> None:
    """One that is sent whole, and one in blocks by the library's own threads."""
    from azure.core.exceptions import AzureError
    from django.core.files.base import ContentFile

    from azureblob.timeouts import budget

    with serving(deaf) as port:
        begin = time.monotonic()
        content = ContentFile(bytes(megabytes * 1024 * 1024))
        with budget(1), pytest.raises(AzureError):
            storage(port).upload("name", content, overwrite=True)
        assert time.monotonic() - begin < 1 + MARGIN


def test_nothing_is_sent_when_nothing_is_left() -> None:
    from azureblob.timeouts import OutOfTime, budget

    asked = []
    with serving(lambda *_: asked.append(1)) as port:
        with budget(0.001) as opened:
            with contextlib.suppress(OutOfTime), opened.spending():
                time.sleep(0.05)
            begin = time.monotonic()
            with pytest.raises(OutOfTime):
                storage(port).exists("name")
        assert time.monotonic() - begin < 0.5
    assert not asked


def test_resolving_a_name_that_hangs_ends_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    hang = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hang.wait(20) and [])
    begin = time.monotonic()
    try:
        with budget(1), pytest.raises(AzureError):
            storage(1).exists("name")
    finally:
        hang.set()
    assert time.monotonic() - begin < 1 + MARGIN


def test_a_token_that_does_not_come_ends_with_the_budget() -> None:
    from azure.core.exceptions import AzureError

    from azureblob.client import BoundedCredential
    from azureblob.timeouts import budget

    hang = threading.Event()

    class Slow:
        def get_token(self, *_: str, **__: Any) -> Any:
            hang.wait(20)

    begin = time.monotonic()
    try:
        with budget(0.3), pytest.raises(AzureError):
            BoundedCredential(Slow()).get_token("scope")
    finally:
        hang.set()
    assert time.monotonic() - begin < MARGIN


def test_a_pause_that_the_service_asks_for_is_not_begun_if_it_is_longer_than_the_budget() -> None:
    from azure.core.exceptions import HttpResponseError

    from azureblob.timeouts import budget

    def busy(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")

    with serving(busy) as port:
        begin = time.monotonic()
        with budget(20), pytest.raises(HttpResponseError):
            storage(port).exists("name")
        assert time.monotonic() - begin < MARGIN


def answering(status: bytes) -> Serve:
    def serve(connection: socket.socket, stop: threading.Event) -> None:
        while not stop.is_set():
            head = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nRetry-After: 30\r\n\r\n"
            connection.sendall(head)
            if not connection.recv(65536):
                return

    return serve


def test_a_connection_that_went_dead_leaves_time_for_another_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from azure.storage.blob import ExponentialRetry

    from azureblob.timeouts import budget

    monkeypatch.setattr(ExponentialRetry, "get_backoff_time", lambda *_: 0.1)
    connections = []

    def once_dead(connection: socket.socket, stop: threading.Event) -> None:
        connections.append(connection)
        (silent if len(connections) == 1 else answering(b"404 None"))(connection, stop)

    with serving(once_dead) as port, budget(5):
        assert storage(port).exists("name") is False
    assert len(connections) == 2


@pytest.mark.parametrize("kind", ["call", "stream"])
@pytest.mark.parametrize(
    ("status", "opens"), [(b"503 Busy", True), (b"403 No", False), (b"404 None", False)]
)
def test_a_service_that_fails_opens_the_circuit_and_one_that_refuses_does_not(
    kind: str, status: bytes, opens: bool
) -> None:
    from azure.core.exceptions import AzureError

    from azureblob.circuit import FAILURES, CircuitOpen
    from azureblob.timeouts import budget

    with serving(answering(status)) as port:
        one = storage(port)
        ask = one.exists if kind == "call" else one.open

        def failure() -> Exception | None:
            with budget(5):
                try:
                    ask("name")
                except (AzureError, FileNotFoundError) as error:
                    return error
            return None

        for _ in range(FAILURES):
            assert not isinstance(failure(), CircuitOpen)
        assert isinstance(failure(), CircuitOpen) == opens


def test_a_read_that_fails_is_counted_once_however_it_fails() -> None:
    from azure.core.exceptions import AzureError

    from azureblob.timeouts import budget

    with serving(silent) as port:
        one = storage(port)
        with budget(0.3), pytest.raises(AzureError):
            one.open("name")
        assert one.circuit._failures == 1


def test_bodies_that_do_not_end_open_the_circuit_and_one_that_does_closes_it() -> None:
    from azure.core.exceptions import AzureError

    from azureblob.circuit import FAILURES, CircuitOpen
    from azureblob.timeouts import budget

    with serving(trickling_body) as port:
        one = storage(port)
        for _ in range(FAILURES):
            with budget(0.4), pytest.raises(AzureError) as caught:
                one.open("name")
            assert not isinstance(caught.value, CircuitOpen)
        with budget(0.4), pytest.raises(CircuitOpen):
            one.open("name")
        assert one.circuit._failures == FAILURES  # each was counted once
        one.circuit._probe_at = 0.0
        with budget(5), one.circuit.streaming():
            pass
        one.circuit.admit()
        one.circuit.admit()


def test_a_token_for_signed_urls_is_waited_for_by_all_within_their_budgets() -> None:
    """One thread fetches the key, the others wait for it, and none longer than it may."""
    from azure.core.exceptions import AzureError

    from azureblob.delegation import DelegationKeys
    from azureblob.timeouts import budget

    hang = threading.Event()

    def service() -> Any:
        hang.wait(20)
        raise AssertionError("nobody is to get so far")

    keys = DelegationKeys(service)

    def fetch() -> None:
        with contextlib.suppress(AssertionError):
            keys.valid_until(time.time() + 60)

    fetching = threading.Thread(target=fetch)
    fetching.start()
    try:
        time.sleep(0.1)
        begin = time.monotonic()
        with budget(0.3), pytest.raises(AzureError):
            keys.valid_until(time.time() + 60)
        assert time.monotonic() - begin < MARGIN
    finally:
        hang.set()
        fetching.join()


def test_calls_side_by_side_share_one_budget_and_are_counted_once() -> None:
    from azureblob.timeouts import budget, current, side_by_side

    with budget(10) as opened:

        def work(number: int) -> int:
            assert current() is opened
            with opened.spending():
                time.sleep(0.2)
            return number

        assert side_by_side(work, range(8)) == list(range(8))
        assert 8 < opened.left() < 9.9


def test_a_call_within_another_adds_nothing_and_takes_nothing_away() -> None:
    from azureblob.timeouts import Budget

    opened = Budget(10)
    with opened.spending():
        time.sleep(0.2)
        with opened.spending():
            pass
        assert opened.left() < 9.85
    assert 8 < opened.left() < 9.85


def test_only_time_spent_on_storage_counts() -> None:
    """A visitor who sends a file for a minute has not spent anything."""
    from azureblob.timeouts import Budget

    opened = Budget(0.1)
    time.sleep(0.2)
    assert opened.left() == 0.1


def test_a_lock_is_waited_for_no_longer_than_the_budget() -> None:
    from azureblob.timeouts import OutOfTime, budget, locked

    lock = threading.Lock()
    with locked(lock), budget(0.2):
        begin = time.monotonic()
        with pytest.raises(OutOfTime), locked(lock):
            pass
        assert time.monotonic() - begin < MARGIN
    with locked(lock):
        pass


def test_requests_over_the_limit_fail_at_once_while_the_others_stall() -> None:
    from azureblob.timeouts import Budget, TooManyWaiting, waiting_requests

    stalled = [Budget(10) for _ in range(waiting_requests())]
    with contextlib.ExitStack() as stack:
        for one in stalled:
            stack.enter_context(one.spending())
        begin = time.monotonic()
        with pytest.raises(TooManyWaiting), Budget(10).spending():
            pass
        first = time.monotonic() - begin
        begin = time.monotonic()
        with pytest.raises(TooManyWaiting), Budget(10).spending():
            pass
        assert time.monotonic() - begin < 0.3 < first
        with stalled[0].spending():  # one that waits already may ask more
            pass
    with Budget(10).spending():
        pass


def test_requests_over_the_limit_are_admitted_while_bytes_come_and_go() -> None:
    """A few large uploads at once are no outage."""
    from azureblob.timeouts import STALLED_SECONDS, Budget, TooManyWaiting, waiting_requests

    slow = [Budget(60) for _ in range(waiting_requests())]
    ended = threading.Event()

    def trickle(size: int) -> None:
        while not ended.wait(0.05):
            slow[0].moved(received=size)

    with contextlib.ExitStack() as stack:
        for one in slow:
            stack.enter_context(one.spending())
        time.sleep(STALLED_SECONDS + 0.1)
        for size, admitted in ((4096, True), (1, False)):
            ended.clear()
            sender = threading.Thread(target=trickle, args=[size])
            sender.start()
            try:
                time.sleep(0.2 if admitted else STALLED_SECONDS + 0.2)
                if admitted:
                    stack.enter_context(Budget(60).spending())
                else:
                    with pytest.raises(TooManyWaiting), Budget(60).spending():
                        pass
            finally:
                ended.set()
                sender.join()


def test_requests_over_the_limit_take_their_turn_while_storage_is_quick() -> None:
    from azureblob.timeouts import Budget

    refused = []

    def visit() -> None:
        try:
            for _ in range(5):
                with Budget(10).spending():
                    time.sleep(0.01)
        except Exception as error:
            refused.append(error)

    visitors = [threading.Thread(target=visit) for _ in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert refused == []


def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_call_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from azureblob.circuit import FAILURES, OPEN_SECONDS, Circuit, CircuitOpen

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    circuit = Circuit()
    for _ in range(FAILURES - 1):
        circuit.failed()
    circuit.succeeded()
    for _ in range(FAILURES):
        circuit.admit()
        circuit.failed()
    with pytest.raises(CircuitOpen):
        circuit.admit()
    now[0] += OPEN_SECONDS
    circuit.admit(8)
    with pytest.raises(CircuitOpen):  # the other one is on its way
        circuit.admit(8)
    circuit.failed()
    with pytest.raises(CircuitOpen):
        circuit.admit()
    now[0] += OPEN_SECONDS
    circuit.admit()
    circuit.succeeded()
    circuit.admit()
    circuit.admit()


def test_a_probe_that_never_reports_does_not_keep_the_circuit_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from azureblob.circuit import FAILURES, OPEN_SECONDS, Circuit

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    circuit = Circuit()
    for _ in range(FAILURES):
        circuit.failed()
    now[0] += OPEN_SECONDS
    circuit.admit(8)
    now[0] += 8 + OPEN_SECONDS
    circuit.admit(8)


@pytest.mark.parametrize("value", [0, -1, "x", None, True, math.nan, math.inf, "1e999"])
def test_a_budget_that_means_nothing_is_refused_with_its_rule(value: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from azureblob.middleware import BlobMiddleware

    with (
        override_settings(AZURE_REQUEST_SECONDS=value),
        pytest.raises(ImproperlyConfigured, match=r"AZURE_REQUEST_SECONDS is .*for example 8"),
    ):
        BlobMiddleware(lambda _: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("value", [0, "-1", 1.5, True, "²"])
def test_a_limit_that_means_nothing_is_refused_with_its_rule(value: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from azureblob.middleware import BlobMiddleware

    with (
        override_settings(AZURE_WAITING_REQUESTS=value),
        pytest.raises(ImproperlyConfigured, match=r"AZURE_WAITING_REQUESTS is .*for example 3"),
    ):
        BlobMiddleware(lambda _: None)  # type: ignore[arg-type,return-value]
