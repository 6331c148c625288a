"""Azurite as a managed process: one for each state folder, found again by any command."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localazure.errors import LocalAzureError
from localazure.state_dir import (
    DEFAULT_BLOB_PORT,
    ROOT,
    Damaged,
    locked,
    make_folder,
    open_lock,
    read_json,
    read_text,
    state_dir,
    take_lock,
    write_json,
    write_private,
)

NODE_DIR = ROOT / "localazure" / "node"
MAIN = NODE_DIR / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
MINIMUM_NODE = 20
HOST = "127.0.0.1"
# What Node says if a package, or one of its files, is missing.
_MISSING = re.compile(r"Cannot find (?:module|package) '([^'\n]+)'")
_ERROR = re.compile(r"^(?:Uncaught )?[A-Z]\w*Error\b|^Error:|\berror:|EADDRINUSE|EACCES", re.I)
# The content of the accounts file if there are no accounts.
_NO_ACCOUNTS = re.compile(r"none[0-9a-f]{8}:[A-Za-z0-9+/=]+")


@dataclass(frozen=True)
class Status:
    """`state` is `running`, `stopped` or `stale` (it ended without being asked to)."""

    state: str
    pid: int | None
    port: int


class Azurite:
    """The blob service on loopback.

    `state_dir` holds its data (`azurite/`), its log, its pid file and the accounts that it serves.
    """

    def __init__(self, state_dir: Path, port: int) -> None:
        self.state_dir = state_dir
        self.port = port
        self.data = state_dir / "azurite"
        self.log = state_dir / "azurite.log"
        self._pid_file = state_dir / "azurite.json"
        self._accounts_file = state_dir / "accounts"
        self._loss_file = state_dir / "azurite.lost"
        self._previous_log = state_dir / "azurite.log.1"

    @classmethod
    def from_environment(cls) -> Azurite:
        """By LOCALAZURE_HOME and LOCALAZURE_BLOB_PORT, which defaults to a running one's port."""
        folder = state_dir()
        asked = os.environ.get("LOCALAZURE_BLOB_PORT", "")
        if not asked:
            running = cls(folder, DEFAULT_BLOB_PORT).status()
            return cls(folder, running.port)
        if not asked.isdecimal() or not 0 < int(asked) < 65536:
            raise LocalAzureError(
                f"LOCALAZURE_BLOB_PORT is '{asked}', which is no port: a number from 1 to 65535, "
                "for example LOCALAZURE_BLOB_PORT=10001"
            )
        return cls(folder, int(asked))

    def endpoint(self, account: str) -> str:
        """The account's blob endpoint, path-style, ending in a slash.

        Path-style because `account.localhost` does not resolve everywhere.
        """
        return f"http://{HOST}:{self.port}/{account}/"

    def status(self) -> Status:
        """Does not depend on the pid file, which may be damaged, or missing because the command
        that started Azurite was killed."""
        noted = self._noted()
        if noted and self._port_of(_command_line(noted[0])):
            return Status("running", *noted)
        for pid, command in _processes():
            port = self._port_of(command)
            if port:
                return Status("running", pid, port)
        if noted:
            return Status("stale", *noted)
        return Status("stale" if os.path.lexists(self._pid_file) else "stopped", None, self.port)

    def last_loss(self) -> str:
        """A mark that changes whenever Azurite may have lost confirmed writes.

        Azurite writes its database every few seconds, and when it is asked to end.
        """
        if self.status().state == "stale":
            return secrets.token_hex(8)
        return read_text(self._loss_file) or ""

    def start(self) -> Status:
        """Start it unless it runs, and wait until it answers (a second or two).

        Raises LocalAzureError on a taken port, a missing Node or Azurite, or a start that fails.
        """
        with locked(self.state_dir / "azurite.lock"):
            self._refuse_folders()
            status = self.status()
            if status.state == "running" and status.pid:
                if status.port != self.port:
                    raise LocalAzureError(
                        f"Azurite for {self.state_dir} runs on port {status.port} already, not on "
                        f"{self.port}: stop it first (make down), or use BLOB_PORT={status.port}"
                    )
                self._wait(status.pid)
                self._note(status.pid)
                return status
            make_folder(self.data)
            self.check_data()
            # A process that was just killed may hold the port for a moment longer.
            self._refuse_taken_port(patience=2.0 if status.state == "stale" else 0.0)
            if status.state == "stale" or not all(file.exists() for file in self.databases()):
                write_private(self._loss_file, secrets.token_hex(8))
            if not os.path.lexists(self._accounts_file):
                self.serve_accounts({})
            pid = self._spawn()
            self._wait(pid)
            return Status("running", pid, self.port)

    def stop(self) -> bool:
        """End it and keep its data. True if it ran."""
        with locked(self.state_dir / "azurite.lock"):
            status = self.status()
            if status.state == "running" and status.pid:
                self._end(status.pid)
            if not self._pid_file.is_dir():  # `repair` moves a folder aside
                self._pid_file.unlink(missing_ok=True)
            return status.state == "running"

    def serve_accounts(self, accounts: dict[str, tuple[str, ...]]) -> None:
        """Name the accounts (name to one or two base64 keys) served from the next request on.

        If there are none, a random name and key are served: otherwise Azurite would fall back to
        `devstoreaccount1`, whose key is public.
        """
        text = ";".join(":".join([name, *keys]) for name, keys in accounts.items())
        try:
            served = read_text(self._accounts_file)
        except Damaged:
            if self._accounts_file.is_dir():
                raise
            served = None  # it is written again
        if served is not None and (served == text or (not text and _NO_ACCOUNTS.fullmatch(served))):
            return
        no_accounts = f"none{secrets.token_hex(4)}:{b64encode(secrets.token_bytes(32)).decode()}"
        write_private(self._accounts_file, text or no_accounts)

    def databases(self) -> tuple[Path, ...]:
        """The files of Azurite's database."""
        return tuple(self.data / f"__azurite_db_{part}__.json" for part in ("blob", "blob_extent"))

    def check_data(self) -> None:
        """Raises Damaged: Azurite silently treats some damaged files as an empty database."""
        for file in self.databases():
            content = read_json(file)
            if content is not None and not isinstance(content.get("collections"), list):
                raise Damaged(file, "is not what Azurite wrote")

    def _refuse_folders(self) -> None:
        """Raises Damaged for a folder in the place of a file, which a rename cannot replace."""
        for file in (self._pid_file, self._loss_file, self.log, self._previous_log):
            if file.is_dir():
                raise Damaged(file, "is a folder and not a file")

    def _noted(self) -> tuple[int, int] | None:
        """The process and the port in the pid file."""
        try:
            record = read_json(self._pid_file) or {}
        except Damaged:
            return None
        pid, port = record.get("pid"), record.get("port")
        return (pid, port) if isinstance(pid, int) and isinstance(port, int) and pid > 0 else None

    def _note(self, pid: int) -> None:
        if self._noted() != (pid, self.port):
            write_json(self._pid_file, {"pid": pid, "port": self.port})

    def _claim_data(self) -> int:
        """A lock that Azurite's process inherits and so holds until it ends.

        Two processes with the same data would overwrite each other's writes.
        """
        descriptor = open_lock(self.state_dir / "azurite.inuse")
        deadline = time.monotonic() + 5.0  # a killed process takes a moment to end
        while not take_lock(descriptor, wait=False):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise LocalAzureError(
                    f"Another Azurite is at work on {self.data}, in a place that cannot be seen "
                    "from here (a container, another user's session): end it there, or name "
                    "another folder in LOCALAZURE_HOME"
                )
            time.sleep(0.05)
        return descriptor

    def _spawn(self) -> int:
        node, main = find_node(), MAIN
        if not main.exists():
            raise LocalAzureError("Azurite is not installed: run 'make setup'")
        claim = self._claim_data()
        with contextlib.suppress(FileNotFoundError):  # the last log may say why it ended
            self.log.replace(self._previous_log)
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
                    str(NODE_DIR / "unused.cjs"),
                    "--require",
                    str(NODE_DIR / "accounts.cjs"),
                    str(main),
                    "--blobHost",
                    HOST,
                    "--blobPort",
                    str(self.port),
                    "--location",
                    str(self.data),
                    "--skipApiVersionCheck",
                    "--disableTelemetry",
                ],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.state_dir,
                start_new_session=True,  # it outlives this command and its Ctrl-C
                pass_fds=(claim,),
            )
        finally:
            os.close(descriptor)
            os.close(claim)
        process.returncode = 0  # avoids a warning: it outlives this command
        self._note(process.pid)
        return process.pid

    def _wait(self, pid: int, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answers_as_azurite(self.port):
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # reaps a child that has ended
            if not _alive(pid):
                break
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)
        raise LocalAzureError(self._why_not())

    def _why_not(self) -> str:
        """Why it did not start, according to its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        missing = _MISSING.search(text)
        if missing:
            return (
                f"A part of Azurite is missing ({missing[1]}): run 'make setup', which installs "
                f"it again. Azurite's log is {self.log}"
            )
        # Node ends a report with its version, so the error is further up.
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR.search(line)]
        said = f" It said: {(errors[:1] or lines[-1:])[0]}" if lines else ""
        return f"Azurite did not answer on {HOST}:{self.port}.{said} Its log is {self.log}"

    def _end(self, pid: int) -> None:
        for sign, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                return
            except PermissionError:
                raise LocalAzureError(
                    f"Azurite for {self.state_dir} (process {pid}) belongs to another user: end it "
                    "as that user"
                ) from None
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                if not self._port_of(_command_line(pid)):  # a zombie has no command line
                    return
                time.sleep(0.02)

    def _port_of(self, command: str) -> int | None:
        """The port, if it is the command line of our Azurite.

        A pid may belong to another program now, which may have our folder in its arguments.
        """
        found = re.search(
            rf"--blobPort (\d+) --location {re.escape(str(self.data))} --skipApiVersionCheck",
            command,
        )
        return int(found[1]) if found else None

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
    """Node for Azurite: next to this Python or on PATH, version 20 or newer."""
    ours = Path(sys.executable).parent / "node"
    found = str(ours) if ours.exists() else shutil.which("node")
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
    """Whether an Azurite answers on the port; its Server header says so, whatever the status.

    `http.client` ignores HTTP_PROXY: loopback must not go through a proxy.
    """
    # Imported here for start-up time: it imports TLS and mail packages, and a preview does not ask.
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().getheader("Server", "").startswith("Azurite")
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _silent(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) != 0


def _processes() -> Iterator[tuple[int, str]]:
    """Every process of this machine with its command line."""
    proc = Path("/proc")
    if (proc / "self").exists():
        for entry in proc.iterdir():
            if entry.name.isdecimal():
                yield int(entry.name), _command_line(int(entry.name))
        return
    answer = subprocess.run(
        ["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    for line in answer.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return ""
    answer = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout
