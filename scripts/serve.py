"""`make serve`: the site on this machine as production runs it, under gunicorn and with TLS."""

from __future__ import annotations

import argparse
import contextlib

from scripts import engine, process, setup, site
from scripts.console import Problem, foreground_process_group, paint, say, step
from scripts.paths import VENV_PYTHON, env_file, shown, state_dir
from scripts.ports import HOST, port_number, refuse_taken
from scripts.process import clean_environment, report_failure
from scripts.up import publishing, start_azurite

# gunicorn lets requests in flight end for graceful_timeout seconds.
_STOP_SECONDS = 30.0


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C. Raises Problem."""
    parser = argparse.ArgumentParser(prog="make serve")
    parser.add_argument("--port", default="8000")
    port = port_number(parser.parse_args(arguments).port, "PORT", "make serve")
    if not env_file().exists():
        raise Problem(
            f"{shown(env_file())} does not exist: make up writes it for the stack on this machine, "
            "make env STACK=dev for another one"
        )
    refuse_taken(port, "make serve")
    setup.ensure()
    if f"http://{HOST}" in env_file().read_text(encoding="utf-8"):
        start_azurite(engine.engine_environment())
    environment = {
        **clean_environment(),
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
        with step("Database"), report_failure("Preparing the database"):
            site.prepare_database(environment, demo_login=False)
        published()
    with report_failure("Creating the certificate"):
        certify = (VENV_PYTHON, "-m", "scripts.certificate", state_dir() / "tls")
        certificate = process.run(certify, "server").strip()
    origin = f"https://{HOST}:{port}"
    gunicorn = (VENV_PYTHON, "-m", "gunicorn", "--certfile", certificate, "backend.wsgi")
    with (
        foreground_process_group(),
        site.background(gunicorn, environment, _STOP_SECONDS) as server,
    ):
        site.wait_until_healthy(server, origin)
        say()
        say(f"  {paint('36', f'{origin}/')}")
        say()
        say("The certificate is self-signed, so the browser asks before it opens the page.")
        with contextlib.suppress(KeyboardInterrupt):
            site.wait_for_its_end(server)
    return 0
