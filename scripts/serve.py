"""`make serve`: the site on this machine as production runs it, under gunicorn and behind TLS."""

from __future__ import annotations

import argparse
import contextlib
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts import engine, process, setup, site
from scripts.console import Problem, entry, paint, say, step
from scripts.paths import APP, ROOT, VENV_PYTHON, env_file, log_file, shown, state_dir
from scripts.ports import HOST, free_port, port_number, refuse_taken
from scripts.terminal import foreground_process_group
from scripts.up import prepare, start_azurite

_START_SECONDS = 60.0
# gunicorn lets requests in flight end for graceful_timeout seconds.
_STOP_SECONDS = 30.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make serve")
    parser.add_argument("--port", default="8000")
    options = parser.parse_args(arguments)
    return entry(lambda: serve(port_number(options.port, "PORT")))


def serve(port: int) -> int:
    """Serve until Ctrl-C. Raises Problem."""
    if not env_file().exists():
        raise Problem(
            f"{shown(env_file())} does not exist: make up writes it for the stack on this machine, "
            "make env STACK=dev for another one"
        )
    refuse_taken(port)
    setup.ensure()
    if f"http://{HOST}" in env_file().read_text(encoding="utf-8"):
        with step("Azurite") as current:
            current.text = start_azurite(engine.engine_environment(None))
    upstream_port = free_port()
    environment = {**site.site_environment(()), **_production(upstream_port)}
    prepare("", environment)
    origin = f"https://{HOST}:{port}"
    with (
        foreground_process_group(),
        _running(["-m", "gunicorn", "backend.wsgi"], APP, environment, "server") as server,
        _running(
            ["-m", "scripts.tls_proxy", port, upstream_port, state_dir() / "tls"],
            ROOT,
            process.clean_environment(),
            "tls-proxy",
        ),
    ):
        with step(f"Site on {origin}/"):
            _wait_until_it_answers(origin, server)
        say()
        say(f"  {paint('36', f'{origin}/')}")
        say()
        say("The certificate is self-signed, so the browser asks before it opens the page.")
        say(f"Requests are logged in {shown(log_file('server'))}. Ctrl-C ends the site.")
        with contextlib.suppress(KeyboardInterrupt):
            while server.poll() is None:
                time.sleep(0.2)
            raise Problem(f"The site ended by itself. Its log is {shown(log_file('server'))}")
    return 0


def _production(upstream_port: int) -> dict[str, str]:
    """The variables that a host sets."""
    return {
        "DJANGO_DEBUG": "false",
        "DJANGO_BEHIND_PROXY": "true",
        "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
        "HOST": HOST,
        "PORT": str(upstream_port),
    }


@contextlib.contextmanager
def _running(
    arguments: list[str | int | Path], folder: Path, environment: Mapping[str, str], log: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the body, which ends with SIGTERM. Its output goes to the log of that name."""
    descriptor = os.open(log_file(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    process = subprocess.Popen(
        [str(VENV_PYTHON), *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=descriptor,
        stderr=subprocess.STDOUT,
        # Out of reach of the terminal's Ctrl-C: it is ended here, once and in order.
        start_new_session=True,
    )
    os.close(descriptor)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(origin: str, server: subprocess.Popen[bytes]) -> None:
    """Raises Problem with the end of the server's log."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _is_healthy(origin):
            return
        time.sleep(0.1)
    said = log_file("server").read_text(errors="replace").splitlines()[-15:]
    lines = "\n".join(f"    {line}" for line in said) or "    nothing"
    raise Problem(
        f"The site did not start on {origin}/. It said\n{lines}\n"
        f"The whole log is {shown(log_file('server'))}"
    )


def _is_healthy(origin: str) -> bool:
    unverified = ssl._create_unverified_context()  # noqa: S323 - this machine's own certificate
    try:
        with urllib.request.urlopen(f"{origin}/healthz", timeout=5, context=unverified) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False
