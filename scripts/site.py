"""The Django site on this machine: its preparation, its server, and the server's pid file."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts import process
from scripts.console import Problem, say, step
from scripts.files import read_text, write_atomically
from scripts.paths import APP, ROOT, VENV_PYTHON, log_file, shown, state_dir
from scripts.ports import HOST

MANAGE = APP / "manage.py"
# $0 is the pid file, the rest the server's command.
_WRITE_PID_AND_RUN = """printf '{"pid": %d}' "$$" > "$0.new" && mv "$0.new" "$0" && exec "$@" """
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Running:
    """A running server that an earlier `make up` started."""

    pid: int
    port: int
    file: Path


@dataclass(frozen=True)
class Database:
    """The prepared database. `login` is what database.py says about the demo login, whose password
    this is; `debug` is the site's DEBUG."""

    password: str = field(repr=False)
    login: str
    debug: bool


def site_environment(outputs: Iterable[str]) -> dict[str, str]:
    """This environment without the stack's names.

    A variable takes precedence over app/.env: an AZURE_ACCOUNT_KEY left in a shell would send the
    site to another account than the one just deployed.
    """
    dropped = set(outputs)
    return {k: v for k, v in process.clean_environment().items() if k not in dropped}


def manage(arguments: list[str], environment: dict[str, str], log: str) -> str:
    """Run manage.py and return its output, which is logged too. Raises ProcessFailed."""
    return process.run([VENV_PYTHON, MANAGE, *arguments], log, env=environment, cwd=APP)


def prepare_database(environment: dict[str, str], *, demo_login: bool) -> Database:
    """Migrate the database, and create the demo login if asked to. Raises ProcessFailed."""
    password = _demo_password() if demo_login else ""
    file = state_dir() / "demo-admin.verified"
    verified = (read_text(file) or "").strip()
    if not verified.isalnum():
        verified = ""
    output = process.run(
        [VENV_PYTHON, ROOT / "scripts" / "database.py"],
        "database",
        env={**environment, "DEMO_ADMIN_PASSWORD": password, "DEMO_ADMIN_VERIFIED": verified},
        cwd=APP,
    )
    said = json.loads(output.splitlines()[-1])
    if said["verified"] not in ("", verified):
        write_atomically(file, said["verified"])
    return Database(password, said["login"], said["debug"])


def _demo_password() -> str:
    """The password of the demo login, which is generated once."""
    file = state_dir() / "demo-admin"
    password = (read_text(file) or "").strip()
    if not password:
        password = secrets.token_urlsafe(9)
        write_atomically(file, password)
    elif not password.isprintable():
        raise Problem(
            f"{shown(file)} does not hold a password in one line: remove it, and the next "
            "'make up' makes one"
        )
    return password


@contextlib.contextmanager
def serving(port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start Django's own server on the port, and stop it at the end of the block."""
    file = _pid_file(port)
    command: list[str | Path] = [
        # The process that becomes the server writes the pid file, so that a running server always
        # has one, even if this process is killed.
        *("/bin/sh", "-c", _WRITE_PID_AND_RUN, file),
        *(VENV_PYTHON, MANAGE, "runserver", "--nostatic", "--noreload", f"{HOST}:{port}"),
    ]
    try:
        with background(command, environment, _STOP_SECONDS) as server:
            yield server
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def background(
    command: Sequence[str | Path], environment: Mapping[str, str], stop_seconds: float
) -> Iterator[subprocess.Popen[bytes]]:
    """A server for the block. SIGTERM stops it, SIGKILL if it still runs after `stop_seconds`."""
    descriptor = os.open(log_file("server"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    started = subprocess.Popen(
        command,
        cwd=APP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=descriptor,
        stderr=subprocess.STDOUT,
        # The terminal's Ctrl-C does not reach it: it is stopped here, once and in order.
        start_new_session=True,
    )
    os.close(descriptor)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], origin: str) -> None:
    """Wait until /healthz answers 200; raises Problem with the end of the server's log."""
    log = log_file("server")
    deadline = time.monotonic() + _START_SECONDS
    health = "no answer"
    with step(f"Site on {origin}/"):
        while time.monotonic() < deadline and server.poll() is None:
            health = _health(origin)
            if health == "ok":
                return
            time.sleep(0.1)
        raise Problem(
            f"The site did not come up on {origin}/ (healthz: {health}). It said\n"
            f"{process.tail(log.read_text(errors='replace'))}\nThe whole log is {shown(log)}"
        )


def wait_for_its_end(server: subprocess.Popen[bytes]) -> None:
    """Wait until Ctrl-C; raises Problem if the server ends by itself."""
    log = shown(log_file("server"))
    say(f"Requests are logged in {log}. Ctrl-C ends the site.")
    # Not server.wait(): a Ctrl-C that comes just before it blocks would be handled only with the
    # next one.
    while server.poll() is None:
        time.sleep(0.2)
    raise Problem(f"The site ended by itself. Its log is {log}")


def static_file(container: str) -> str:
    """The address of the admin's stylesheet, whose name in the container holds a digest."""
    name = "admin/css/base.css"
    try:
        with fetch(f"{container}staticfiles.json", 5) as answer:
            return container + str(json.load(answer)["paths"][name])
    except (OSError, ValueError, KeyError, TypeError):  # the site runs: no reason to fail
        return f"{container}staticfiles.json"


def fetch(url: str, seconds: float) -> Any:
    """Open the URL. A request to this machine never goes through a proxy, and accepts the
    self-signed certificate of `make serve`."""
    handlers: list[urllib.request.BaseHandler] = []
    if urlsplit(url).hostname in (HOST, "localhost", "::1"):
        https = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323
        handlers = [urllib.request.ProxyHandler({}), https]
    return urllib.request.build_opener(*handlers).open(url, timeout=seconds)


def running() -> list[Running]:
    """The servers that earlier runs left; pid files of ended ones are removed."""
    found = []
    for file in sorted((state_dir() / "sites").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            one = Running(int(json.loads(file.read_text())["pid"]), int(file.stem), file)
            if _is_ours(one):
                found.append(one)
                continue
        with contextlib.suppress(OSError):  # a folder does no harm
            file.unlink()
    return found


def stop(site: Running) -> None:
    """Stop a server that an earlier run left, and wait until it has ended."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if not _is_ours(site):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(site.pid, sign)
        deadline = time.monotonic() + _STOP_SECONDS
        while _is_ours(site) and time.monotonic() < deadline:
            time.sleep(0.05)
    site.file.unlink(missing_ok=True)


def _health(origin: str) -> str:
    """`ok`, or what is wrong according to /healthz."""
    try:
        with fetch(f"{origin}/healthz", 5) as answer:
            return "ok" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as error:
        body = error.read(500).decode(errors="replace")
        return f"status {error.code}: {body.splitlines()[0] if body else ''}"
    except OSError:
        return "no answer"


def _pid_file(port: int) -> Path:
    folder = state_dir() / "sites"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{port}.json"


def _is_ours(site: Running) -> bool:
    """Whether the pid still belongs to our server, and not to another process that got it since."""
    proc = Path(f"/proc/{site.pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            line = proc.read_text(errors="replace").replace("\0", " ")
        except OSError:
            return False
    else:
        command = ["ps", "-ww", "-o", "command=", "-p", str(site.pid)]
        line = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return f"{MANAGE} runserver" in line and f"{HOST}:{site.port}" in line
