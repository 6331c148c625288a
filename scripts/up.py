"""`make up`: from any state of the clone to a site that serves its files from blob storage."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from scripts import engine, envfile, process, setup, site
from scripts.console import Problem, foreground_process_group, paint, say, step
from scripts.database import USER
from scripts.engine import LOCAL_STACK, Engine
from scripts.paths import VENV_PYTHON, env_file, log_file, shown
from scripts.ports import HOST, free_port, port_number, refuse_taken
from scripts.process import ProcessFailed, report_failure


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C. Raises Problem; the next run goes on from there."""
    parser = argparse.ArgumentParser(prog="make up")
    parser.add_argument("--port", default="8000")
    parser.add_argument("--blob-port", default="", help="default: a running Azurite's, or 10000")
    parser.add_argument("--stack", default=LOCAL_STACK)
    options = parser.parse_args(arguments)
    port = port_number(options.port, "PORT")
    blob_port = port_number(options.blob_port, "BLOB_PORT") if options.blob_port else None
    for running in site.running():
        if running.port == port:
            raise Problem(
                f"The site runs already on http://{HOST}:{port}/ : open it, end it with make down, "
                f"or serve a second one: make up PORT={port + 1}"
            )
    refuse_taken(port)
    environment = engine.engine_environment(blob_port)
    chosen = engine.choose(options.stack, environment)
    setup.ensure()
    for name in ("azurite-start", "stack", "database", "static"):
        log_file(name).unlink(missing_ok=True)
    with preparing_database(demo_login=options.stack == LOCAL_STACK) as prepared_database:
        outputs = deploy(chosen)
        with step(f"Settings in {shown(env_file())}") as current:
            if not envfile.write(env_file(), outputs, envfile.local_defaults(local=True)):
                current.text += " (unchanged)"
        environment = site.site_environment(outputs)
        with foreground_process_group(), publishing(environment) as published:
            database = prepared_database(environment)
            if not database.debug:
                published()  # a server with DEBUG off reads the manifest once
            return _serve(port, environment, outputs, _login(database), published)


def start_azurite(environment: dict[str, str], *, on_any_port: bool = False) -> dict[str, str]:
    """Start Azurite unless it runs, and return the environment, which may have another port for it
    if `on_any_port`. Raises Problem."""
    with step("Azurite") as current:
        try:
            output = localazure("Starting Azurite", environment, "azurite", "start")
        except Problem as problem:
            if not on_any_port or "is taken by" not in str(problem):
                raise
            environment = {**environment, "LOCALAZURE_BLOB_PORT": str(free_port())}
            output = localazure("Starting Azurite", environment, "azurite", "start")
        address = next((word for word in output.split() if word.startswith("http")), "")
        current.text += f" on {address}" if address else ""
    return environment


def localazure(what: str, environment: dict[str, str], *arguments: str) -> str:
    """Run a command of localazure and return its output. Raises Problem with its own message."""
    command: list[str | Path] = [VENV_PYTHON, "-m", "localazure", *arguments]
    try:
        return process.run(command, "azurite-start", env=environment)
    except ProcessFailed as failure:
        last = failure.line()
        if last.startswith("error: "):
            raise Problem(last.removeprefix("error: ")) from None
        raise failure.problem(what) from None


def deploy(chosen: Engine) -> dict[str, str]:
    """Start Azurite and deploy the stack; its outputs. If a part of Azurite is missing, it is
    installed again first. Raises Problem."""
    try:
        return _deploy(chosen)
    except Problem as problem:
        if "run 'make setup'" not in str(problem):
            raise
        say("  A part of Azurite is missing: it is installed again.")
        setup.repair_node()
        return _deploy(chosen)


def _deploy(chosen: Engine) -> dict[str, str]:
    if not chosen.starts_azurite:
        start_azurite(chosen.environment)
    with step(f"Stack by {chosen.name} ({chosen.why})") as current:
        try:
            outputs = chosen.up()
        except ProcessFailed as failure:
            lines = failure.output.strip().splitlines()
            # A single line says why localazure did not even begin to deploy.
            if chosen.starts_azurite and len(lines) == 1 and lines[0].startswith("error: "):
                raise Problem(lines[0].removeprefix("error: ")) from None
            raise failure.problem("Deploying the stack") from None
        if chosen.starts_azurite:
            blobs = urlsplit(outputs.get("AZURE_BLOB_ENDPOINT", ""))
            current.text += f", Azurite on {blobs.scheme}://{blobs.netloc}"
    return outputs


@contextlib.contextmanager
def publishing(environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Publish the static files while the block runs. The function waits until that is done, and
    raises Problem if they cannot be published."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        result = executor.submit(site.manage, ["collectstatic", "--noinput"], environment, "static")

        @functools.cache
        def published() -> None:
            with step("Static files") as current, report_failure("Publishing the static files"):
                lines = [line.strip() for line in result.result().splitlines() if line.strip()]
                current.text += f": {lines[-1].rstrip('.')}" if lines else ""

        yield published


@contextlib.contextmanager
def preparing_database(*, demo_login: bool) -> Iterator[Callable[[dict[str, str]], site.Database]]:
    """Prepare the database while the block runs, if the settings of an earlier run are there: it
    does not depend on the stack, and the site's settings only have to be complete.

    The function returns the prepared database, and raises Problem if it cannot be prepared.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        begun: Future[site.Database] | None = None
        if env_file().exists():
            # As for the server, the file has the stack's names, and not this environment.
            own = site.site_environment(name for name in os.environ if name.startswith("AZURE_"))
            begun = executor.submit(site.prepare_database, own, demo_login=demo_login)

        def prepared(environment: dict[str, str]) -> site.Database:
            with step("Database"), report_failure("Preparing the database"):
                # If it failed, then perhaps because of settings that have been written again since.
                with contextlib.suppress(ProcessFailed, Problem):
                    if begun is not None:
                        return begun.result()
                return site.prepare_database(environment, demo_login=demo_login)

        yield prepared


def _login(database: site.Database) -> str:
    """The line that describes the demo login; empty if there is none."""
    if database.login == "changed":
        return f"{USER}, with your own password; another: app/manage.py changepassword {USER}"
    return f"{USER} / {database.password}" if database.login in ("created", "unchanged") else ""


def _serve(
    port: int,
    environment: dict[str, str],
    outputs: dict[str, str],
    login: str,
    published: Callable[[], None],
) -> int:
    """Run the server until Ctrl-C, or until it ends by itself: a Problem."""
    origin = f"http://{HOST}:{port}"
    with site.serving(port, environment) as server:
        site.wait_until_healthy(server, origin)
        published()
        try:
            _say_addresses(origin, outputs, login)
            site.wait_for_its_end(server)
        except KeyboardInterrupt:
            say("\nThe site has ended. Azurite and its blobs stay for the next 'make up';")
            say("'make down' deletes the stack and stops Azurite.")
    return 0


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
