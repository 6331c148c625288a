"""The site's own addresses are asked directly, whatever proxy the machine has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import Popen

import pytest

from scripts import rotate, site


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"paths": {"admin/css/base.css": "base.1.css"}}')

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A healthy site, on a machine with a proxy that does not answer."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_health_of_the_site_is_asked_without_the_proxy(port: int) -> None:
    with Popen(["sleep", "60"]) as server:
        site.wait_until_healthy(server, port)
        server.kill()


def test_the_manifest_is_read_without_the_proxy(port: int) -> None:
    container = f"http://127.0.0.1:{port}/account/static/"
    assert site.static_file(container) == f"{container}base.1.css"


def test_rotate_asks_a_site_on_this_machine_without_the_proxy(port: int) -> None:
    rotate._check_health(f"http://localhost:{port}")


def test_a_site_elsewhere_is_asked_through_the_proxy(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    rotate._check_health("http://site.invalid")
