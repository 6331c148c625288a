"""`make serve`: the site on this machine as production runs it, under gunicorn and with TLS."""

from __future__ import annotations

import argparse
import contextlib
import time

from scripts import engine, process, setup, site
from scripts.console import Problem, paint, say, step
from scripts.paths import APP, VENV_PYTHON, env_file, log_file, shown, state_dir
from scripts.ports import HOST, port_number, refuse_taken
from scripts.process import report_failure
from scripts.terminal import foreground_process_group
from scripts.up import prepare_database, publishing, start_azurite

# gunicorn lets requests in flight end for graceful_timeout seconds.
_STOP_SECONDS = 30.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make serve")
    parser.add_argument("--port", default="8000")
    options = parser.parse_args(arguments)
    return serve(port_number(options.port, "PORT", "make serve"))


def serve(port: int) -> int:
    """Serve until Ctrl-C. Raises Problem."""
    if not env_file().exists():
        raise Problem(
            f"{shown(env_file())} does not exist: make up writes it for the stack on this machine, "
            "make env STACK=dev for another one"
        )
    refuse_taken(port, "make serve")
    setup.ensure()
    if f"http://{HOST}" in env_file().read_text(encoding="utf-8"):
        with step("Azurite") as current:
            current.text = start_azurite(engine.engine_environment(None))
    environment = {
        **site.site_environment(()),
        # The variables that a host sets.
        "DJANGO_DEBUG": "false",
        # gunicorn terminates TLS itself, so there is no proxy whose headers say that it was used.
        "DJANGO_BEHIND_PROXY": "false",
        "FORWARDED_ALLOW_IPS": "",
        "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
        "HOST": HOST,
        "PORT": str(port),
    }
    with publishing(environment) as published:
        prepare_database(environment, demo_login=False)
        published()
    with report_failure("Creating the certificate"):
        certify = (VENV_PYTHON, "-m", "scripts.certificate", state_dir() / "tls")
        certificate = process.run(certify, log_file("server")).strip()
    origin = f"https://{HOST}:{port}"
    gunicorn = (VENV_PYTHON, "-m", "gunicorn", "--certfile", certificate, "backend.wsgi")
    with (
        foreground_process_group(),
        site.background(gunicorn, APP, environment, "server", _STOP_SECONDS) as server,
    ):
        with step(f"Site on {origin}/"):
            site.wait_until_healthy(server, origin)
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
