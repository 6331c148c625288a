"""The site's own addresses are asked directly, whatever proxy the machine has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import Popen

import pytest

from scripts import ports, rotate, site
from scripts.console import Problem
from tests.hosting.conftest import proxied


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"paths": {"admin/css/base.css": "base.1.css"}}')

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def port(dead_proxy: None) -> Iterator[int]:
    """A healthy site, on a machine with a proxy that does not answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_health_of_the_site_is_asked_without_the_proxy(port: int) -> None:
    with Popen(["sleep", "60"]) as server:
        site.wait_until_healthy(server, f"http://127.0.0.1:{port}")
        server.kill()


def test_the_health_of_a_site_behind_tls_is_asked_without_the_proxy(
    port: int, tmp_path: Path
) -> None:
    with proxied(port, tmp_path) as (tls_port, _), Popen(["sleep", "60"]) as server:
        site.wait_until_healthy(server, f"https://127.0.0.1:{tls_port}")
        server.kill()


@pytest.mark.parametrize("text", ["80000", "taken"])
def test_a_port_that_make_serve_cannot_use_is_refused_with_its_own_command(
    port: int, text: str
) -> None:
    with pytest.raises(Problem, match=r"for example make serve PORT=\d+"):
        if text == "taken":
            ports.refuse_taken(port, "make serve")
        else:
            ports.port_number(text, "PORT", "make serve")


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
