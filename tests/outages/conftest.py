"""The site under gunicorn, and a proxy between it and its storage that fails by rule."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from localazure.azurite import Azurite
from tests.app.conftest import site_environment
from tests.conftest import ROOT, free_port
from tests.direct.conftest import picture, put
from tests.faults import FaultProxy
from tests.site import MANAGE, inherited, manage

BASE = "/pictures/upload/"
THREADS = 8
HOST = "site.example"


@dataclass
class Answer:
    status: int
    seconds: float
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A running server; each call is a visitor's request, on a connection of its own."""

    port: int
    log: Path
    secrets: tuple[str, ...] = field(repr=False)
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, host: str = HOST, **more: Any) -> Answer:
        begin = time.monotonic()
        headers = {"Host": host, "Accept": "text/html", **more.pop("headers", {})}
        if "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"]
        with requests.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            headers=headers,
            cookies=self.cookies,
            allow_redirects=False,
            timeout=120,
            **more,
        ) as answer:
            self.cookies.update({c.name: c.value or "" for c in answer.cookies})
            seconds = time.monotonic() - begin
            return Answer(answer.status_code, seconds, answer.text, dict(answer.headers))

    def get(self, path: str, **more: Any) -> Answer:
        return self.ask("GET", path, **more)

    def step(self, name: str, **body: Any) -> Answer:
        return self.ask("POST", f"{BASE}{name}/", json=body)

    def uploaded(self, name: str = "cat.png") -> str:
        """The id of an upload that has arrived."""
        body = picture()
        [grant] = json.loads(self.step("begin", files=[{"name": name, "size": len(body)}]).text)[
            "files"
        ]
        assert put(grant["url"], body, grant["headers"]) == (201, "")
        return str(grant["id"])

    def token(self, name: str = "cat.png") -> str:
        answer = self.step("finish", id=self.uploaded(name))
        assert answer.status == 200, answer
        return str(json.loads(answer.text)["token"])

    def said(self) -> str:
        """The server's log; fails if there is a traceback or a secret in it."""
        text = self.log.read_text(errors="replace")
        assert "Traceback" not in text, text[-5000:]
        assert "sig=" not in text
        assert not any(secret in text for secret in self.secrets)
        return text


@dataclass
class Place:
    """Where sites of one test module run: a database, published files, and the proxy."""

    environment: dict[str, str] = field(repr=False)
    proxy: FaultProxy
    folder: Path

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator[Site]:
        """The site under gunicorn with these arguments; one process unless they say otherwise."""
        port = free_port()
        log = self.folder / f"server-{port}.log"
        command = [
            sys.executable, "-m", "gunicorn", "backend.wsgi",
            "--bind", f"127.0.0.1:{port}", "--threads", str(THREADS), "--workers", "1",
            "--timeout", "120", "--no-control-socket", *arguments,
        ]  # fmt: skip
        with log.open("w") as output:
            server = subprocess.Popen(
                command,
                cwd=ROOT / "app",
                env={**self.environment, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            site = Site(port, log, (self.environment["AZURE_ACCOUNT_KEY"],))
            _until_it_listens(site, server)
            yield site
        finally:
            server.terminate()
            server.wait(20)

    def manage(self, *command: str) -> None:
        manage(self.environment, *command)


def _until_it_listens(site: Site, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        try:
            # Needs no storage: a site may be started while there is none.
            connection.request("GET", "/no-such-page", headers={"Host": HOST})
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(f"The site did not start:\n{site.log.read_text()}")


@pytest.fixture(scope="module")
def place(
    azure_env: dict[str, str],
    azurite: Azurite,
    prepared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("outages")
    shutil.copy(prepared, folder)
    environment = {
        **inherited(),
        **site_environment(azure_env, folder),
        "DJANGO_DEBUG": "false",
        "DJANGO_ALLOWED_HOSTS": HOST,
        "DJANGO_SETTINGS_MODULE": "tests.outages.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'app'}",
        "PYTHONUNBUFFERED": "1",
    }
    assert MANAGE.exists()
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(azurite.port))
        account = azure_env["AZURE_ACCOUNT_NAME"]
        made = Place(environment, proxy, folder)
        environment["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{proxy.port}/{account}/"
        yield made


@pytest.fixture
def heal(place: Place) -> Iterator[Callable[[], None]]:
    """Storage works again: for the body of a test, and after it."""

    def healed() -> None:
        place.proxy.rules = []
        place.proxy.restore()

    yield healed
    healed()
