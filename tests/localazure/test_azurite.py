"""Azurite as a managed process: found again, told apart from strangers, stopped cleanly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localazure.azurite import Azurite, answers_as_azurite
from localazure.errors import LocalAzureError
from tests.conftest import free_port


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
    with pytest.raises(ProcessLookupError):
        os.kill(status.pid, 0)
    assert not own.stop()


def test_a_second_start_finds_the_first(own: Azurite) -> None:
    assert own.start().pid == Azurite(own.home, own.port).start().pid


def test_a_pid_file_of_a_dead_process_is_recognised_and_mended(own: Azurite) -> None:
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
        (own.home / "azurite.json").write_text(json.dumps({"pid": stranger.pid, "port": own.port}))
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
        Azurite(own.home, own.port + 1).start()


def test_the_log_of_the_run_before_is_kept(own: Azurite) -> None:
    own.start()
    own.stop()
    first = own.log.read_text()
    own.start()
    assert own.log.with_name("azurite.log.1").read_text() == first


def test_a_start_that_fails_says_what_node_said_and_leaves_nothing(
    own: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = own.home / "broken.js"
    broken.write_text("throw new Error('no disk today');")
    monkeypatch.setattr("localazure.azurite.MAIN", broken)
    with pytest.raises(LocalAzureError, match=r"did not answer on .* Its log is"):
        own.start()
    assert own.status().state == "stopped"


def test_the_world_known_account_is_never_served(own: Azurite) -> None:
    own.start()
    served = (own.home / "accounts").read_text()
    assert "devstoreaccount1" not in served
    assert (own.home / "accounts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("port", ["zero", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_by_name(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAZURE_BLOB_PORT", port)
    with pytest.raises(LocalAzureError, match=f"LOCALAZURE_BLOB_PORT is '{port}'"):
        Azurite.from_environment()
