"""The proxy passes everything on unchanged but for what its rules say, and tells what went by."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults import Fault, FaultProxy, Record, Rule
from tests.faults.conftest import Ask, Server

ROOT = Path(__file__).resolve().parents[2]


def test_without_rules_bodies_pass_both_ways_on_one_connection(
    proxy: FaultProxy, server: Server, ask: Ask
) -> None:
    body = os.urandom(700_000)
    assert ask("PUT", "/a/c/x%20y?comp=block&blockid=1", body) == (201, b"")
    assert ask("GET", "/a/c/z") == (200, b"/a/c/z")
    assert ask("GET", "/chunked/q") == (200, b"/chunked/q-and-more")
    assert ask("HEAD", "/a/c/z") == (200, b"")
    assert ask("GET", "/a/c/after") == (200, b"/a/c/after")
    assert server.got[0] == ("PUT", "/a/c/x%20y?comp=block&blockid=1", body)
    first, second = proxy.requests[:2]
    assert (first.method, first.path, first.comp, first.status) == ("PUT", "/a/c/x y", "block", 201)
    assert (first.sent, first.upstream, second.received) == (len(body), 201, 6)


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(
    proxy: FaultProxy, server: Server
) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(100).startswith(b"HTTP/1.1 201")
    assert server.got == [("PUT", "/a", b"abc")]


@pytest.mark.parametrize(("status", "code"), [(503, "ServerBusy"), (429, "TooManyRequests")])
def test_a_refusal_looks_like_the_services_and_does_not_reach_it(
    proxy: FaultProxy, server: Server, status: int, code: str
) -> None:
    proxy.rules = [Rule(method="PUT", status=status, retry_after=2, first=1)]
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    connection.request("PUT", "/a/c/x", b"body")
    with connection.getresponse() as answer:
        assert (answer.status, answer.headers["x-ms-error-code"]) == (status, code)
        assert answer.headers["Retry-After"] == "2"
        assert f"<Code>{code}</Code>".encode() in answer.read()
    assert server.got == []
    connection.request("PUT", "/a/c/x", b"body")
    with connection.getresponse() as answer:
        assert answer.status == 201
    connection.close()
    assert [record.upstream for record in proxy.requests] == [0, 201]


def test_a_reset_comes_before_the_server_hears_of_the_request(
    proxy: FaultProxy, server: Server, ask: Ask
) -> None:
    proxy.rules = [Rule(fault=Fault.RESET, first=1)]
    with pytest.raises(ConnectionResetError) as caught:
        ask()
    assert caught.type is ConnectionResetError  # and not its kind for an orderly end
    assert server.got == []
    assert ask()[0] == 200


def test_a_lost_answer_comes_after_the_server_has_done_the_work(
    proxy: FaultProxy, server: Server, ask: Ask
) -> None:
    proxy.rules = [Rule(fault=Fault.LOST, first=1)]
    with pytest.raises(ConnectionResetError):
        ask("PUT", "/a/c/x", b"kept")
    assert server.got == [("PUT", "/a/c/x", b"kept")]
    assert (proxy.requests[0].upstream, proxy.requests[0].status) == (201, 0)


def test_a_cut_body_is_shorter_than_announced(proxy: FaultProxy, ask: Ask) -> None:
    proxy.rules = [Rule(fault=Fault.CUT_BODY)]
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask("GET", "/a/c/abcdef")
    assert caught.value.partial == b"/a/c/"


def test_a_cut_head_and_a_cut_answer_without_a_body_end_within_the_headers(
    proxy: FaultProxy,
) -> None:
    for fault in (Fault.CUT_HEAD, Fault.CUT_BODY):
        proxy.rules = [Rule(fault=fault)]
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
            client.sendall(b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
            got = b"".join(iter(lambda: client.recv(4096), b""))
        assert got.startswith(b"HTTP/1.1 201")
        assert b"\r\n\r\n" not in got


def test_a_request_that_hangs_ends_when_the_client_gives_up(
    proxy: FaultProxy, server: Server, ask: Ask
) -> None:
    proxy.rules = [Rule(fault=Fault.HANG, first=1)]
    with pytest.raises(TimeoutError):
        ask(timeout=0.2)
    assert server.got == []
    assert ask()[0] == 200


def test_a_delay_holds_an_answer_back_and_adds_up(proxy: FaultProxy, ask: Ask) -> None:
    proxy.rules = [Rule(delay=60), Rule(method="GET", delay=60)]
    begin = time.monotonic()
    assert ask()[0] == 200
    assert 0.12 <= time.monotonic() - begin < 1
    assert proxy.requests[0].seconds >= 0.12


def test_cutting_breaks_open_connections_and_refuses_new_ones(proxy: FaultProxy, ask: Ask) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"GET /a HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            while client.recv(100):
                pass
    with pytest.raises(ConnectionRefusedError):
        ask()
    port = proxy.port
    proxy.restore()
    assert proxy.port == port
    assert ask()[0] == 200


def test_a_server_that_is_away_breaks_the_clients_connection(proxy: FaultProxy, ask: Ask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy.upstream_port = unused.getsockname()[1]
        with pytest.raises(ConnectionError):
            ask()
    assert proxy.requests[0].status == 0


def test_hooks_see_each_request_before_it_is_handed_on_and_before_it_is_answered(
    proxy: FaultProxy, server: Server, ask: Ask
) -> None:
    seen: list[tuple[str, int, int]] = []
    proxy.on_request = lambda record: seen.append(("in", record.number, len(server.got)))
    proxy.on_answer = lambda record: seen.append(("out", record.upstream, record.status))
    ask()
    assert seen == [("in", 0, 0), ("out", 200, 0)]


def test_it_runs_by_itself_and_says_what_went_by(server: Server) -> None:
    command = [sys.executable, "-m", "tests.faults", "--upstream", str(server.server_address[1])]
    rule = ["--rule", "PUT */x status=500"]
    with subprocess.Popen([*command, *rule], stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("PUT", "/a/x", b"1")
        with connection.getresponse() as answer:
            assert answer.status == 500
        connection.close()
        child.send_signal(2)
        assert child.communicate(timeout=10)[0].split() == ["1", "PUT", "500", "status-500"]
    assert child.returncode == 0


def test_an_answer_may_come_a_byte_at_a_time(proxy: FaultProxy, ask: Ask) -> None:
    proxy.rules = [Rule(fault=Fault.TRICKLE_BODY)]
    begin = time.monotonic()
    assert ask("GET", "/abc") == (200, b"/abc")
    assert time.monotonic() - begin >= 0.6
    proxy.rules = [Rule(fault=Fault.TRICKLE)]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"GET /abc HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b"H"


def test_draining_waits_for_requests_whose_clients_ended_before_they_were_accepted(
    proxy: FaultProxy,
) -> None:
    busy = threading.Event()

    def wait(_: Record) -> None:
        busy.wait(5)

    proxy.on_request = wait
    for number in range(8):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
            client.sendall(b"PUT /a/c/%d HTTP/1.1\r\nContent-Length: 0\r\n\r\n" % number)
    threading.Timer(0.2, busy.set).start()
    proxy.drain()
    assert [record.upstream for record in proxy.requests] == [201] * 8
