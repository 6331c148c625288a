"""`make up` and `make down` as a user types them; another site may be running at the same time."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.scripts.conftest import ROOT, Clone, Result, bare_environment, run

UP_SECONDS = 60.0
# Makes standard input the terminal that Ctrl-C comes from, then becomes the command.
ON_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)


class Terminal:
    """A command on a terminal of its own, as a shell would start it."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path = ROOT) -> None:
        self.text = ""
        self._descriptor, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *command],
            cwd=folder,
            env=env,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self.pid = self._process.pid

    def read_until(self, words: str, seconds: float = UP_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < deadline, self.text
            if not self._read():
                pytest.fail(f"it ended without saying {words!r}:\n{self.text}")

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def status(self) -> int:
        """Read to the end, and the exit status."""
        deadline = time.monotonic() + UP_SECONDS
        while self._read():
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        return self._process.wait()

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self) -> bool:
        """False once the other side has gone."""
        ready, _, _ = select.select([self._descriptor], [], [], 0.5)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


class Machine:
    """A state folder, a database and ports that nobody else has, without the Pulumi CLI."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.env_file = folder / "site.env"
        self.port, self.blob_port = free_port(), free_port()
        path = [part for part in os.environ["PATH"].split(":") if not Path(part, "pulumi").exists()]
        self.env = bare_environment(
            PATH=":".join(path),
            TERM="xterm",
            LOCALAZURE_HOME=str(self.home),
            DJANGO_ENV_FILE=str(self.env_file),
            DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
            # Left in a shell, they must not send the site to another account.
            AZURE_ACCOUNT_NAME="someoneelse",
            AZURE_ACCOUNT_KEY="bm90IHRoZSBrZXk=",
        )

    def command(self, *arguments: str) -> list[str]:
        return ["make", *arguments, f"PYTHON={sys.executable}"]

    def up(self) -> Terminal:
        ports = (f"PORT={self.port}", f"BLOB_PORT={self.blob_port}")
        return Terminal(self.command("up", *ports), self.env)

    def make(self, *arguments: str) -> Result:
        return run(self.command(*arguments), ROOT, self.env)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    yield made
    made.make("down")  # whatever a failed test left, too


def fetch(address: str) -> tuple[int, str]:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.status, answer.headers.get("Content-Type", "")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_up_serves_the_site_until_ctrl_c_and_ends_well(machine: Machine) -> None:
    terminal = machine.up()
    terminal.read_until("Ctrl-C ends the site.")
    assert "localazure (there is no pulumi on PATH)" in terminal.text
    assert re.search(r"admin / \S+", terminal.text)
    for address in re.findall(r"http://\S+", terminal.text):
        if not address.endswith(f":{machine.blob_port}"):  # Azurite's own root has no page
            assert fetch(address)[0] == 200, address
    blob = re.search(rf"http://127\.0\.0\.1:{machine.blob_port}/\S+\.css", terminal.text)
    assert blob is not None
    assert fetch(blob[0])[1].startswith("text/css")

    second = machine.make("up", f"PORT={machine.port}")
    assert f"runs already on http://127.0.0.1:{machine.port}/" in second.err
    terminal.type(b"\x03")
    assert terminal.status() == 0, terminal.text
    assert "The site has ended. Azurite and its blobs stay" in terminal.text
    assert "Error" not in terminal.text
    assert not is_listening(machine.port)
    terminal.close()


def test_the_second_up_changes_nothing(machine: Machine) -> None:
    settings = machine.env_file.read_text()
    assert stat.S_IMODE(machine.env_file.stat().st_mode) == 0o600
    terminal = machine.up()
    terminal.read_until("Ctrl-C ends the site.")
    assert machine.env_file.read_text() == settings
    assert "(unchanged)" in terminal.text
    terminal.type(b"\x03")
    assert terminal.status() == 0, terminal.text
    terminal.close()


def test_each_step_of_up_is_one_process(machine: Machine) -> None:
    logs = {log.stem: log.read_text() for log in (machine.home / "logs").iterdir()}
    started = {name: len(re.findall(r"^\$ ", text, re.M)) for name, text in logs.items()}
    assert started == {"stack": 1, "database": 1, "static": 1, "server": 0}


def test_a_site_without_debug_is_served_after_the_static_files(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a site reads the manifest once. Damaged settings of an earlier run do not matter."""
    settings = machine.env_file.read_text()
    machine.env_file.write_text(settings.replace("AZURE_BLOB_ENDPOINT=", "AZURE_BLOB_ENDPOINT=x"))
    monkeypatch.setitem(machine.env, "DJANGO_DEBUG", "false")
    monkeypatch.setitem(machine.env, "DJANGO_ALLOWED_HOSTS", "127.0.0.1")
    terminal = machine.up()
    terminal.read_until("Ctrl-C ends the site.")
    assert terminal.text.index("Static files:") < terminal.text.index("Site on")
    assert (machine.home / "logs" / "database.log").read_text().count("$ ") == 2
    terminal.type(b"\x03")
    assert terminal.status() == 0, terminal.text
    terminal.close()


def test_ctrl_c_before_the_site_is_up_ends_all_that_was_begun(machine: Machine) -> None:
    terminal = machine.up()
    terminal.read_until("Settings in")
    terminal.type(b"\x03")
    assert terminal.status() != 0
    assert "Stopped. Run it again to go on from here." in terminal.text
    assert "Traceback" not in terminal.text
    assert not is_listening(machine.port)
    terminal.close()


def test_env_writes_the_file_anew_and_keeps_the_secret_key(machine: Machine) -> None:
    before = machine.env_file.read_text()
    machine.env_file.write_text(before.replace("AZURE_ACCOUNT_NAME=", "AZURE_ACCOUNT_NAME=wrong"))
    result = machine.make("env")
    assert "9 outputs of stack 'local' on this machine (localazure)" in result.out
    assert machine.env_file.read_text() == before


def test_down_ends_a_site_that_a_killed_up_left_and_then_all_else(machine: Machine) -> None:
    terminal = machine.up()
    terminal.read_until("Ctrl-C ends the site.")
    # As when the terminal's window is closed by force: no process gets a signal that it can handle.
    for pid in descendants(terminal.pid, session=terminal.pid):
        with contextlib.suppress(ProcessLookupError):  # it ended with the one before
            os.kill(pid, signal.SIGKILL)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.status()
    terminal.close()
    assert is_listening(machine.port)
    result = machine.make("down")
    assert result.status == 0, result.err
    assert f"Site on port {machine.port} stopped" in result.out
    assert "Stack 'local' destroyed by localazure" in result.out
    assert not is_listening(machine.port)
    assert not is_listening(machine.blob_port)
    assert machine.make("down").out == "Nothing was running.\n"


def test_no_secret_is_in_any_log(machine: Machine) -> None:
    values = dict(
        line.split("=", 1) for line in machine.env_file.read_text().splitlines() if "=" in line
    )
    secrets = [values["AZURE_ACCOUNT_KEY"], values["DJANGO_SECRET_KEY"]]
    secrets.append((machine.home / "demo-admin").read_text())
    logs = list((machine.home / "logs").iterdir())
    assert logs
    for log in logs:
        assert not [secret for secret in secrets if secret in log.read_text()], log.name


def test_env_without_a_stack_says_what_to_do(machine: Machine) -> None:
    machine.make("down")
    result = machine.make("env")
    assert result.status != 0
    assert "Stack 'local' is not up: make up" in result.err


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80 80"])
def test_what_is_no_port_is_refused_with_an_example(clone: Clone, value: str) -> None:
    result = clone.make("up", f"PORT={value}")
    assert f"PORT is '{value}', which is not a port" in result.err
    assert "make up PORT=8001" in result.err


def test_a_taken_port_is_told_before_anything_is_installed(clone: Clone) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = clone.make("up", f"PORT={port}")
    assert f"Port {port} is taken by another program" in result.err
    assert f"make up PORT={port + 1}" in result.err
    assert "Traceback" not in result.err
    assert clone.calls() == []


def test_a_taken_blob_port_is_told_in_a_sentence(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = machine.make("up", f"PORT={free_port()}", f"BLOB_PORT={port}")
    assert f"Port {port} is taken by another program" in result.err
    assert "BLOB_PORT=" in result.err
    assert "Traceback" not in result.err


def descendants(pid: int, *, session: int) -> list[int]:
    """The processes below it in its session: not the server, not Azurite, which have their own."""
    found = []
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat_file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        child, parent, own_session = int(stat_file.parent.name), int(fields[1]), int(fields[3])
        if parent == pid and own_session == session:
            found += [*descendants(child, session=session), child]
    return found
