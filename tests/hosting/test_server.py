"""The site under gunicorn's settings in app/, behind a proxy that terminates TLS."""

from __future__ import annotations

import os
import signal
import socket
import stat
import threading
import time
from pathlib import Path

import requests

from scripts.certificate import certificate_in
from tests.hosting.conftest import PATIENCE_SECONDS, Hosted

VISITORS = 8


def test_a_page_is_served_over_https_and_plain_http_is_redirected(site: Hosted) -> None:
    page = site.get("/admin/login/")
    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert page.cookies.list_domains() == ["127.0.0.1"]
    assert all(cookie.secure for cookie in page.cookies)
    plain = requests.get(f"{site.upstream}/admin/login/", timeout=9, allow_redirects=False)
    assert plain.status_code == 301
    assert plain.headers["Location"].startswith("https://")


def test_a_client_cannot_claim_to_have_come_by_another_protocol(site: Hosted) -> None:
    assert site.get("/admin/login/", headers={"X-Forwarded-Proto": "http"}).status_code == 200


def test_a_probe_by_address_and_without_tls_is_answered(site: Hosted) -> None:
    answer = requests.get(f"{site.upstream}/healthz", headers={"Host": "10.1.2.3"}, timeout=9)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_the_access_log_has_no_query_string_and_no_referrer(site: Hosted) -> None:
    secret = "c2lnbmF0dXJl"
    page = site.get(f"/?sig={secret}", headers={"Referer": f"https://x.example/?sig={secret}"})
    assert page.status_code == 200
    deadline = time.monotonic() + PATIENCE_SECONDS
    while '"GET / HTTP/1.1" 200' not in site.logged() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert '127.0.0.1 "GET / HTTP/1.1" 200' in site.logged()
    assert secret not in site.logged()


def test_a_restart_under_load_loses_no_request(site: Hosted) -> None:
    over = threading.Event()
    wrong: list[str] = []
    counted = [0] * VISITORS

    def visit(number: int) -> None:
        while not over.is_set():
            try:
                answer = site.get("/healthz" if number % 2 else "/admin/login/")
            except requests.RequestException as error:
                wrong.append(repr(error))
            else:
                # On a busy machine a health check may run out of time, and says so.
                if answer.status_code != 200 and '"timeout"' not in answer.text:
                    wrong.append(f"status {answer.status_code}")
            counted[number] += 1

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    try:
        for _ in range(2):
            before = site.logged().count("Booting worker")
            at_least = sum(counted) + 2 * VISITORS
            site.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (
                site.logged().count("Booting worker") == before or sum(counted) < at_least
            ) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert site.logged().count("Booting worker") > before
            assert sum(counted) >= at_least
    finally:
        over.set()
        for visitor in visitors:
            visitor.join()
    assert wrong == []
    assert "Traceback" not in site.logged()


def test_the_certificate_is_this_machines_own_and_readable_by_its_owner_only(
    tmp_path: Path,
) -> None:
    path = certificate_in(tmp_path / "tls")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    content = path.read_bytes()
    assert certificate_in(tmp_path / "tls").read_bytes() == content
    path.write_bytes(b"damaged")
    assert certificate_in(tmp_path / "tls").read_bytes() not in {content, b"damaged"}


def test_requests_in_flight_end_before_the_server_does(site: Hosted) -> None:
    """The last test of this file: it stops the server."""
    host, _, port = site.upstream.removeprefix("http://").partition(":")
    body = b"username=a&password=b"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as client:
        client.sendall(
            b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        time.sleep(0.5)
        os.kill(site.process.pid, signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(body)
        assert client.recv(100).startswith(b"HTTP/1.1 ")
    assert site.process.wait(PATIENCE_SECONDS) == 0
