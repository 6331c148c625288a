"""Azurite as a managed process: found again, never confused with another program, stopped."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from localazure.azurite import NODE_DIR, Azurite, Status, answers_as_azurite, find_node
from localazure.blobs import Blobs
from localazure.errors import LocalAzureError
from tests.conftest import ROOT, free_port, has_ended

# Azurite's own, from its documentation.
WORLD_KNOWN_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path, free_port())
    yield azurite
    azurite.stop()


def test_it_starts_answers_and_stops_and_leaves_no_process(own: Azurite) -> None:
    status = own.start()
    assert status.pid is not None
    assert answers_as_azurite(own.port)
    assert own.status() == status
    assert own.stop()
    assert own.status().state == "stopped"
    assert not answers_as_azurite(own.port)
    assert has_ended(status.pid)
    assert not own.stop()


@pytest.mark.parametrize("package", ["sequelize", "applicationinsights"])
def test_it_starts_without_a_package_that_it_never_calls(package: str) -> None:
    check = (
        "require('azurite/dist/src/blob/BlobServerFactory');"
        f"const part = '/node_modules/{package}/';"
        "if (Object.keys(require.cache).some(file => file.includes(part))) process.exit(3);"
    )
    command = [find_node(), "--require", "./unused.cjs", "-e", check]
    assert subprocess.run(command, cwd=NODE_DIR, check=False).returncode == 0


def test_a_second_start_finds_the_first(own: Azurite) -> None:
    assert own.start().pid == Azurite(own.state_dir, own.port).start().pid


def test_a_pid_file_of_a_dead_process_is_recognised_and_replaced(own: Azurite) -> None:
    first = own.start()
    assert first.pid is not None
    os.kill(first.pid, 9)
    deadline = time.monotonic() + 5
    while own.status().state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert own.status().state == "stale"
    assert own.start().pid != first.pid


def test_a_pid_that_belongs_to_a_stranger_is_not_ours_and_is_not_killed(own: Azurite) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (own.state_dir / "azurite.json").write_text(
            json.dumps({"pid": stranger.pid, "port": own.port})
        )
        assert own.status().state == "stale"
        own.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_taken_port_is_named_with_another_to_try(own: Azurite) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.port))
        taken.listen()
        with pytest.raises(LocalAzureError) as caught:
            own.start()
    assert f"Port {own.port} is taken by another program" in str(caught.value)
    assert f"BLOB_PORT={own.port + 1}" in str(caught.value)


def test_another_azurite_on_the_port_is_told_apart(own: Azurite, tmp_path: Path) -> None:
    own.start()
    with pytest.raises(LocalAzureError, match="taken by another Azurite"):
        Azurite(tmp_path / "elsewhere", own.port).start()


def test_a_running_one_is_not_moved_to_another_port_in_silence(own: Azurite) -> None:
    own.start()
    with pytest.raises(LocalAzureError, match=rf"runs on port {own.port} already"):
        Azurite(own.state_dir, own.port + 1).start()


def test_the_log_of_the_run_before_is_kept(own: Azurite) -> None:
    own.start()
    own.stop()
    first = own.log.read_text()
    own.start()
    assert own.log.with_name("azurite.log.1").read_text() == first


def test_a_start_that_fails_says_what_node_said_and_leaves_nothing(
    own: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = own.state_dir / "broken.js"
    broken.write_text("throw new Error('no disk today');")
    monkeypatch.setattr("localazure.azurite.MAIN", broken)
    with pytest.raises(LocalAzureError, match=r"did not answer on .* Its log is"):
        own.start()
    assert own.status().state == "stopped"


def test_the_world_known_account_is_never_served(own: Azurite) -> None:
    own.start()
    served = (own.state_dir / "accounts").read_text()
    assert "devstoreaccount1" not in served
    assert (own.state_dir / "accounts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("port", ["zero", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_by_name(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAZURE_BLOB_PORT", port)
    with pytest.raises(LocalAzureError, match=f"LOCALAZURE_BLOB_PORT is '{port}'"):
        Azurite.from_environment()


@pytest.mark.parametrize("note", [None, "", "garbage", "[1]", '{"pid": true, "port": "x"}', "gone"])
def test_one_that_runs_is_found_without_its_pid_file(own: Azurite, note: str | None) -> None:
    """What starts it may be killed before it writes the file."""
    pid = own.start().pid
    file = own.state_dir / "azurite.json"
    if note is None:
        file.unlink()
    else:
        file.write_text('{"pid": 999999999, "port": 1}' if note == "gone" else note)
    assert own.status() == Status("running", pid, own.port)
    assert own.start().pid == pid
    assert json.loads(file.read_text()) == {"pid": pid, "port": own.port}
    file.unlink()
    assert own.stop()
    assert not answers_as_azurite(own.port)


def test_a_start_that_is_killed_at_once_leaves_one_that_the_next_finds(own: Azurite) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from localazure import azurite\n"
        "azurite.Azurite._note = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "azurite.Azurite(Path(sys.argv[1]), int(sys.argv[2])).start()\n"
    )
    command = [sys.executable, "-c", code, str(own.state_dir), str(own.port)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
    assert not (own.state_dir / "azurite.json").exists()
    # While Linux replaces the process by Node, it shows an empty command line for a moment.
    deadline = time.monotonic() + 10
    while (left := own.status()).state != "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left.state == "running"
    assert own.start() == left
    own.stop()
    assert own.status().state == "stopped"


def test_no_second_one_is_started_on_the_same_data(
    own: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.start()
    other = Azurite(own.state_dir, free_port())
    # As in a container of its own, whose processes are not seen from here.
    with monkeypatch.context() as blind:
        blind.setattr("localazure.azurite._command_line", lambda _: "")
        blind.setattr("localazure.azurite._processes", lambda: iter(()))
        with pytest.raises(LocalAzureError, match=r"Another Azurite is at work on .*end it there"):
            other.start()
    assert not answers_as_azurite(other.port)
    assert answers_as_azurite(own.port)


def test_a_process_that_only_names_the_folder_is_not_ours(own: Azurite) -> None:
    own.state_dir.mkdir(exist_ok=True)
    code = "import time; time.sleep(60)"
    folder = str(own.state_dir / "azurite")
    stranger = subprocess.Popen([sys.executable, "-c", code, "--location", folder])
    try:
        (own.state_dir / "azurite.json").write_text(
            json.dumps({"pid": stranger.pid, "port": own.port})
        )
        assert own.status().state == "stale"
        own.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("damage", ["", "garbage", "[1]", "{}"])
def test_a_damaged_database_is_not_taken_for_an_empty_one(own: Azurite, damage: str) -> None:
    own.start()
    own.stop()
    database = own.databases()[0]
    database.write_text(damage)
    with pytest.raises(LocalAzureError, match=rf"{database.name} .*make down"):
        own.start()
    assert database.read_text() == damage


def test_a_missing_package_is_named_and_not_nodes_version(
    own: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = own.state_dir / "broken.js"
    broken.write_text("require('no-such-package');")
    monkeypatch.setattr("localazure.azurite.MAIN", broken)
    with pytest.raises(
        LocalAzureError, match=r"part of Azurite is missing \(no-such-package\): run 'make setup'"
    ):
        own.start()


def test_an_error_of_node_is_told_and_not_its_version(
    own: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = own.state_dir / "broken.js"
    broken.write_text("throw new Error('no disk today');")
    monkeypatch.setattr("localazure.azurite.MAIN", broken)
    with pytest.raises(LocalAzureError, match=r"It said: Error: no disk today"):
        own.start()


@pytest.mark.parametrize("damage", ["", "garbage", "a:b:c:d", "gone", "folder"])
def test_a_damaged_accounts_file_serves_nobody_and_not_the_world_known_account(
    own: Azurite, damage: str
) -> None:
    key = base64.b64encode(b"k" * 64).decode()
    own.serve_accounts({"mine": (key,)})
    own.start()
    file = own.state_dir / "accounts"
    if damage in ("gone", "folder"):
        file.unlink()
        if damage == "folder":
            file.mkdir()
    else:
        file.write_text(damage)
    known = BlobServiceClient(
        own.endpoint("devstoreaccount1").rstrip("/"),
        credential={"account_name": "devstoreaccount1", "account_key": WORLD_KNOWN_KEY},
        retry_total=0,
    )
    with known, pytest.raises(HttpResponseError):
        list(known.list_containers())
    if damage != "folder":
        own.serve_accounts({"mine": (key,)})
        assert file.read_text() == f"mine:{key}"


@pytest.mark.parametrize("exceptions", ["", "example.com", "10.0.0.0/8,127.0.0.0/8"])
def test_loopback_never_goes_through_a_proxy(
    own: Azurite, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, dead)
        monkeypatch.setenv(name.lower(), dead)
    monkeypatch.setenv("NO_PROXY", exceptions)
    monkeypatch.setenv("no_proxy", exceptions)
    key = base64.b64encode(b"k" * 64).decode()
    own.serve_accounts({"mine": (key,)})
    first = own.start()
    assert own.start() == first  # a running one is not taken for a dead one and ended
    blobs = Blobs(own, "mine", key)
    blobs.create_container("assets", "None")
    assert blobs.container_names() == ["assets"]
