"""The site as production runs it: under gunicorn, behind a proxy that terminates TLS."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts.certificate import certificate_in
from tests.app.conftest import site_environment
from tests.conftest import ROOT, free_port
from tests.hosting.proxy import TLSProxy
from tests.site import inherited

PATIENCE_SECONDS = 60


@dataclass
class Hosted:
    """A running site. `origin` is the proxy's, with https and the site's own name; `upstream` is
    gunicorn's address."""

    origin: str
    upstream: str
    certificate: Path
    log: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str] = field(repr=False)

    def get(self, path: str, **more: object) -> requests.Response:
        """A page by the site's name, which no DNS has: the connection is to this machine."""
        name = self.origin.removeprefix("https://")
        headers: Any = more.pop("headers", {})
        return requests.get(
            f"https://127.0.0.1:{name.rpartition(':')[2]}{path}",
            headers={"Host": name, **headers},
            verify=str(self.certificate),
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
            **more,  # type: ignore[arg-type]
        )

    def logged(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def proxied(upstream_port: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """A TLS proxy in a thread, for the body: its port and certificate."""
    certificate = certificate_in(folder)
    loop = asyncio.new_event_loop()
    proxy = TLSProxy(0, upstream_port, certificate)
    server = loop.run_until_complete(proxy.start())
    thread = threading.Thread(target=loop.run_forever, name="tls-proxy")
    thread.start()
    try:
        yield proxy.port, certificate
    finally:

        async def stop() -> None:
            server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def hosted(
    command: list[str],
    app: Path,
    environment: dict[str, str],
    folder: Path,
    name: str = "127.0.0.1",
) -> Iterator[Hosted]:
    """The site under this command and name, in the folder `app`, until the body ends."""
    port = free_port()
    log = folder / f"server-{port}.log"
    with proxied(port, folder / "tls") as (tls_port, certificate):
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=app,
                env={**environment, "HOST": "127.0.0.1", "PORT": str(port)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        site = Hosted(
            f"https://{name}:{tls_port}",
            f"http://127.0.0.1:{port}",
            certificate,
            log,
            process,
            environment,
        )
        try:
            _wait(site)
            yield site
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _wait(site: Hosted) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and site.process.poll() is None:
        try:
            if site.get("/healthz").status_code == 200:
                return
        except (requests.RequestException, ssl.SSLError):
            pass
        time.sleep(0.1)
    pytest.fail(f"The site did not become healthy:\n{site.logged()}")


def production(azure_env: dict[str, str], folder: Path) -> dict[str, str]:
    """The variables that a host sets for the site."""
    return {
        **inherited(),
        **site_environment(azure_env, folder),
        "DJANGO_DEBUG": "false",
        "DJANGO_BEHIND_PROXY": "true",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="module")
def site(
    azure_env: dict[str, str], prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("hosted")
    environment = production(azure_env, folder)
    shutil.copy(prepared, folder)
    command = [sys.executable, "-m", "gunicorn", "backend.wsgi"]
    with hosted(command, ROOT / "app", environment, folder) as running:
        yield running
