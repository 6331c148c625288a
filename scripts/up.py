"""`make up`: from any state of the clone to a site that serves its files from blob storage."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts import engine, envfile, process, setup, site
from scripts.console import Problem, paint, say, step
from scripts.demo_admin import USER
from scripts.engine import LOCAL_STACK, Engine
from scripts.paths import VENV_PYTHON, env_file, log_file, shown
from scripts.ports import HOST, port_number, refuse_taken
from scripts.process import ProcessFailed, report_failure
from scripts.terminal import foreground_process_group


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make up")
    parser.add_argument("--port", default="8000")
    parser.add_argument("--blob-port", default="", help="default: a running Azurite's, or 10000")
    parser.add_argument("--stack", default=LOCAL_STACK)
    options = parser.parse_args(arguments)
    port = port_number(options.port, "PORT")
    blob_port = port_number(options.blob_port, "BLOB_PORT") if options.blob_port else None
    return up(port, blob_port, options.stack)


def up(port: int, blob_port: int | None, stack: str) -> int:
    """Serve until Ctrl-C. Raises Problem; the next run goes on from there."""
    for running in site.running():
        if running.port == port:
            raise Problem(
                f"The site runs already on http://{HOST}:{port}/ : open it, end it with make down, "
                f"or serve a second one: make up PORT={port + 1}"
            )
    refuse_taken(port)
    environment = engine.engine_environment(blob_port)
    chosen = engine.choose(stack, environment)
    setup.ensure()
    for name in ("azurite-start", "stack", "database", "static"):
        log_file(name).unlink(missing_ok=True)
    _start_azurite(environment)
    outputs = deploy(chosen)
    with step(f"Settings in {shown(env_file())}") as current:
        if not envfile.write(env_file(), outputs, envfile.local_defaults(local=True)):
            current.text += " (unchanged)"
    site_environment = site.site_environment(outputs)
    login = prepare(stack, site_environment)
    with foreground_process_group():
        return _serve(port, site_environment, outputs, login)


def _start_azurite(environment: dict[str, str]) -> None:
    """Start Azurite; if a part of it is missing, install it again first. Raises Problem."""
    try:
        with step("Azurite") as current:
            current.text = start_azurite(environment)
    except Problem as problem:
        if "run 'make setup'" not in str(problem):
            raise
        say("  A part of Azurite is missing: it is installed again.")
        setup.repair_node()
        with step("Azurite") as current:
            current.text = start_azurite(environment)


def start_azurite(environment: dict[str, str]) -> str:
    """Start Azurite unless it runs, and return the step's text. Raises Problem."""
    output = localazure("Starting Azurite", environment, "azurite", "start")
    address = next((word for word in output.split() if word.startswith("http")), "")
    return f"Azurite on {address}" if address else "Azurite"


def localazure(what: str, environment: dict[str, str], *arguments: str) -> str:
    """Run a command of localazure and return its output. Raises Problem with its own message."""
    command: list[str | Path] = [VENV_PYTHON, "-m", "localazure", *arguments]
    try:
        return process.run(command, log_file("azurite-start"), env=environment)
    except ProcessFailed as failure:
        last = failure.last_line()
        if last.startswith("error: "):
            raise Problem(last.removeprefix("error: ")) from None
        raise failure.problem(what) from None


def deploy(chosen: Engine) -> dict[str, str]:
    """Deploy and read the outputs; raises Problem."""
    with step(f"Stack by {chosen.name}") as current, report_failure("Deploying the stack"):
        current.text += f" ({chosen.why})"
        chosen.up()
        return chosen.outputs()


def prepare(stack: str, environment: dict[str, str]) -> str:
    """Migrate, create the demo login and publish; the login's line. Raises Problem."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        # Publishing needs no database, so it runs at the same time as what does: most of it is
        # Django starting.
        publishing = executor.submit(
            site.manage, ["collectstatic", "--noinput"], environment, "static"
        )
        with step("Database"), report_failure("Migrating the database"):
            site.manage(["migrate", "--noinput"], environment, "database")
        login = _login(stack, environment)
        with step("Static files") as current, report_failure("Publishing the static files"):
            lines = [line.strip() for line in publishing.result().splitlines() if line.strip()]
            current.text += f": {lines[-1].rstrip('.')}" if lines else ""
    return login


def _login(stack: str, environment: dict[str, str]) -> str:
    """The line that describes the login; empty if there is none."""
    if stack != LOCAL_STACK:
        return ""
    with step("Demo login"), report_failure("Creating the demo login"):
        password, state = site.demo_admin(environment)
    if state == "elsewhere":
        return ""
    if state == "changed":
        return f"{USER}, with your own password; another: app/manage.py changepassword {USER}"
    return f"{USER} / {password}"


def _serve(port: int, environment: dict[str, str], outputs: dict[str, str], login: str) -> int:
    """Run the server until Ctrl-C, or until it ends by itself: a Problem."""
    origin = f"http://{HOST}:{port}"
    with site.serving(port, environment) as server:
        with step(f"Site on {origin}/"):
            site.wait_until_healthy(server, origin)
        try:
            _say_addresses(origin, outputs, login)
            # Not server.wait(): a Ctrl-C that comes just before it blocks would be handled only
            # with the next one.
            while server.poll() is None:
                time.sleep(0.2)
        except KeyboardInterrupt:
            say("\nThe site has ended. Azurite and its blobs stay for the next 'make up';")
            say("'make down' deletes the stack and stops Azurite.")
            return 0
    raise Problem(f"The site ended by itself. Its log is {shown(log_file('server'))}")


def _say_addresses(origin: str, outputs: dict[str, str], login: str) -> None:
    endpoint = outputs.get("AZURE_BLOB_ENDPOINT", "")
    container = f"{endpoint}{outputs.get('AZURE_STATIC_CONTAINER', 'static')}/"
    rows = [
        ("Gallery", f"{origin}/"),
        ("Admin", f"{origin}/admin/" + (f"  ({login})" if login else "")),
        ("A static file", site.static_file(container)),
        ("Health", f"{origin}/healthz"),
    ]
    say()
    for name, address in rows:
        say(f"  {name:<15}{paint('36', address)}")
    say()
    say(f"Requests are logged in {shown(log_file('server'))}. Ctrl-C ends the site.")
