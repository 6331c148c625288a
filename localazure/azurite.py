"""Azurite as a managed process: one for a state folder, found again by its pid file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from localazure.errors import LocalAzureError
from localazure.home import DEFAULT_BLOB_PORT, ROOT, home_dir, locked, write_json, write_private

NODE_DIR = ROOT / "localazure" / "node"
MAIN = NODE_DIR / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
MINIMUM_NODE = 20
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Status:
    """`state` is `running`, `stopped` or `stale` (a pid file whose process is gone)."""

    state: str
    pid: int | None
    port: int


class Azurite:
    """The blob service on loopback.

    `home` holds its data (`azurite/`), its log, its pid file and the accounts that it serves.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.log = home / "azurite.log"
        self._pid_file = home / "azurite.json"
        self._accounts_file = home / "accounts"

    @classmethod
    def from_environment(cls) -> Azurite:
        """LOCALAZURE_HOME and LOCALAZURE_BLOB_PORT; without the latter a running one's own port."""
        home = home_dir()
        asked = os.environ.get("LOCALAZURE_BLOB_PORT", "")
        if not asked:
            running = cls(home, DEFAULT_BLOB_PORT).status()
            return cls(home, running.port)
        if not asked.isdecimal() or not 0 < int(asked) < 65536:
            raise LocalAzureError(
                f"LOCALAZURE_BLOB_PORT is '{asked}', which is no port: a number from 1 to 65535, "
                "for example LOCALAZURE_BLOB_PORT=10001"
            )
        return cls(home, int(asked))

    def endpoint(self, account: str) -> str:
        """The account's blob endpoint, path-style, ending in a slash.

        Path-style because `account.localhost` does not resolve everywhere.
        """
        return f"http://{HOST}:{self.port}/{account}/"

    def status(self) -> Status:
        try:
            record = json.loads(self._pid_file.read_text())
            pid, port = int(record["pid"]), int(record["port"])
        except FileNotFoundError:
            return Status("stopped", None, self.port)
        except (ValueError, KeyError, TypeError):
            return Status("stale", None, self.port)
        return Status("running" if self._is_ours(pid) else "stale", pid, port)

    def start(self) -> Status:
        """Start it unless it runs, and wait until it answers (a second or two).

        Raises LocalAzureError on a taken port, a missing Node or Azurite, or a start that fails.
        """
        with locked(self.home / "azurite.lock"):
            status = self.status()
            if status.state == "running" and status.pid:
                if status.port != self.port:
                    raise LocalAzureError(
                        f"Azurite for {self.home} runs on port {status.port} already, not on "
                        f"{self.port}: stop it first (make down), or use BLOB_PORT={status.port}"
                    )
                self._wait(status.pid)
                return status
            # A process that was just killed may hold the port for a moment longer.
            self._refuse_taken_port(patience=2.0 if status.state == "stale" else 0.0)
            self._pid_file.unlink(missing_ok=True)
            if not self._accounts_file.exists():
                self.serve_accounts({})
            pid = self._spawn()
            self._wait(pid)
            return Status("running", pid, self.port)

    def stop(self) -> bool:
        """End it; True if it ran. Its data stay."""
        with locked(self.home / "azurite.lock"):
            status = self.status()
            if status.state == "running" and status.pid:
                self._end(status.pid)
            self._pid_file.unlink(missing_ok=True)
            return status.state == "running"

    def serve_accounts(self, accounts: dict[str, tuple[str, ...]]) -> None:
        """Name the accounts (name to one or two base64 keys) served from the next request on.

        An account of a random name stands in for none: without any Azurite would fall back to
        `devstoreaccount1`, whose key the whole world knows.
        """
        known = accounts or {
            f"none{secrets.token_hex(4)}": (b64encode(secrets.token_bytes(32)).decode(),)
        }
        write_private(
            self._accounts_file, ";".join(":".join([name, *keys]) for name, keys in known.items())
        )

    def _spawn(self) -> int:
        node, main = find_node(), MAIN
        if not main.exists():
            raise LocalAzureError("Azurite is not installed: run 'make setup'")
        data = self.home / "azurite"
        data.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # who asks why it died finds the last words
            self.log.replace(self.log.with_name("azurite.log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        environment = {
            **{
                k: v for k, v in os.environ.items() if k not in ("AZURITE_ACCOUNTS", "NODE_OPTIONS")
            },
            "LOCALAZURE_ACCOUNTS": str(self._accounts_file),
        }
        try:
            process = subprocess.Popen(
                # The API version check would refuse an SDK newer than this Azurite.
                [
                    node,
                    "--require",
                    str(NODE_DIR / "accounts.cjs"),
                    str(main),
                    "--blobHost",
                    HOST,
                    "--blobPort",
                    str(self.port),
                    "--location",
                    str(data),
                    "--skipApiVersionCheck",
                    "--disableTelemetry",
                ],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.home,
                start_new_session=True,  # outlives the command that starts it, and its Ctrl-C
            )
        finally:
            os.close(descriptor)
        process.returncode = 0  # it is to outlive this command: spare the warning that it does
        write_json(self._pid_file, {"pid": process.pid, "port": self.port})
        return process.pid

    def _wait(self, pid: int, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answers_as_azurite(self.port):
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # reap it if it is our child and has died
            if not _alive(pid):
                break
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)
        lines = (
            self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        )
        said = f" It said: {lines[-1]}" if lines else ""
        raise LocalAzureError(
            f"Azurite did not answer on {HOST}:{self.port}.{said} Its log is {self.log}"
        )

    def _end(self, pid: int) -> None:
        for sign, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                if not _alive(pid):
                    return
                time.sleep(0.02)

    def _is_ours(self, pid: int) -> bool:
        """A pid can be given again to a stranger: only one that runs our Azurite counts."""
        return _alive(pid) and str(self.home / "azurite") in _command_line(pid)

    def _refuse_taken_port(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not _silent(self.port) and time.monotonic() < deadline:
            time.sleep(0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except PermissionError:
                raise LocalAzureError(
                    f"Port {self.port} may not be opened by this user: take one above 1023, "
                    f"for example 'make up BLOB_PORT={DEFAULT_BLOB_PORT}'"
                ) from None
            except OSError:
                who = "another Azurite" if answers_as_azurite(self.port) else "another program"
                raise LocalAzureError(
                    f"Port {self.port} is taken by {who}: free it, or choose another, "
                    f"for example 'make up BLOB_PORT={self.port + 1}'"
                ) from None


def find_node() -> str:
    """Node for Azurite: the one beside this Python, else on PATH; at least version 20."""
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise LocalAzureError("Node is missing: run 'make setup', which installs it")
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    if not version or int(version[1]) < MINIMUM_NODE:
        raise LocalAzureError(
            f"{found} is Node '{answer.stdout.strip()}', Azurite needs {MINIMUM_NODE} or newer: "
            "run 'make setup', which installs one"
        )
    return found


def answers_as_azurite(port: int) -> bool:
    """Whether an Azurite answers on the port (any status: its Server header tells it)."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=2) as answer:
            server = answer.headers.get("Server", "")
    except urllib.error.HTTPError as error:
        server = error.headers.get("Server", "")
    except OSError:
        return False
    return str(server).startswith("Azurite")


def _silent(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) != 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> str:
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.exists():
        return proc.read_text(errors="replace").replace("\0", " ")
    answer = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout
