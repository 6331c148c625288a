"""The longer line: later, and otherwise the same."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time

from bench.servers.running import ACCOUNT, CONTAINER, HOST, Line, NullServer


def test_an_answer_comes_no_earlier_than_the_round_trip(null_server: NullServer) -> None:
    line = Line(null_server.port, 300)
    try:
        connection = http.client.HTTPConnection(HOST, line.port)
        for _ in range(2):
            begin = time.monotonic()
            connection.request("PUT", f"/{ACCOUNT}/{CONTAINER}/x", b"x")
            assert connection.getresponse().read() == b""
            assert time.monotonic() - begin >= 0.3
        connection.close()
    finally:
        line.stop()


def test_bytes_arrive_whole_in_both_directions() -> None:
    data = random.Random(1).randbytes(5_000_000)  # noqa: S311
    with socket.create_server((HOST, 0)) as listening:

        def echo() -> None:
            with listening.accept()[0] as end:
                while piece := end.recv(65536):
                    end.sendall(piece)

        threading.Thread(target=echo, daemon=True).start()
        line = Line(listening.getsockname()[1], 20)
        try:
            with socket.create_connection((HOST, line.port), timeout=20) as connection:
                threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
                received = bytearray()
                while len(received) < len(data) and (piece := connection.recv(65536)):
                    received += piece
            assert received == data
        finally:
            line.stop()
