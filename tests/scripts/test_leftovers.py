"""What an interrupted or damaged run leaves is found, put right, or named with the way out."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localazure.azurite import Azurite
from scripts import down, process, site, up
from scripts.console import Problem
from scripts.rotate import _resumed
from tests.conftest import free_port
from tests.scripts.conftest import ROOT, Clone, fake_venv

# `make up` that is killed as soon as the server's process exists.
KILLED_UP = """\
import os, signal, subprocess, sys
from scripts import site

real = subprocess.Popen

def start_and_die(*arguments, **options):
    real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

subprocess.Popen = start_and_die
with site.serving(int(sys.argv[1]), dict(os.environ)):
    pass
"""
# Stands in for localazure, with an Azurite that lacks a part the first time.
FAKE_LOCALAZURE = """\
import pathlib, sys
tried = pathlib.Path(__file__).with_name("tried")
if sys.argv[1] != "up":
    sys.exit("error: this far and no further")
if not tried.exists():
    tried.touch()
    sys.exit("error: A part of Azurite is missing (x): run 'make setup', which installs it again")
print('{"AZURE_BLOB_ENDPOINT": "http://127.0.0.1:10000/account/"}')
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def azurite(home: Path) -> Iterator[Azurite]:
    made = Azurite(home, free_port())
    yield made
    made.stop()


def test_a_server_is_found_whose_up_died_before_its_pid_file_was_written(
    home: Path, tmp_path: Path
) -> None:
    port = free_port()
    # A server that starts needs storage; one that waits for its first word does not.
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    code = f"import scripts.site, pathlib\nscripts.site.VENV_PYTHON = pathlib.Path({str(slow)!r})\n"
    died = subprocess.run(
        [sys.executable, "-c", code + KILLED_UP, str(port)], cwd=ROOT, check=False
    )
    assert died.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while not (found := site.running()) and time.monotonic() < deadline:
        time.sleep(0.05)
    (one,) = found
    assert one.port == port
    site.stop(one)
    assert site.running() == []
    assert list((home / "sites").iterdir()) == []


@pytest.mark.parametrize("content", ["", "\n", " \t\n"])
def test_an_empty_demo_admin_gets_a_new_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    given: list[str] = []

    def made(*_: object, env: dict[str, str], **__: object) -> str:
        given.append(env["DEMO_ADMIN_PASSWORD"])
        return 'migrated\n{"login": "created", "verified": "d1", "debug": true}\n'

    monkeypatch.setattr(process, "run", made)
    home.mkdir()
    (home / "demo-admin").write_text(content)
    login = up._login(site.prepare_database({}, demo_login=True))
    password = (home / "demo-admin").read_text()
    assert len(password) >= 12
    assert (login, given) == (f"admin / {password}", [password])


NOTE = {"old": "key1", "new": "key2", "done": 2, "handed_over": 0.0}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        "[" * 100_000,
        json.dumps({**NOTE, "new": "key1"}),
        json.dumps({**NOTE, "old": ["key1"]}),
        json.dumps({**NOTE, "done": 4}),
        json.dumps({**NOTE, "done": "2"}),
        json.dumps({**NOTE, "handed_over": None}),
        json.dumps({key: NOTE[key] for key in ("old", "new", "done")}),
    ],
)
def test_a_damaged_note_of_a_rotation_is_told_with_the_way_out(
    tmp_path: Path, content: str
) -> None:
    note = tmp_path / "rotation-local.json"
    note.write_text(json.dumps(NOTE))
    assert _resumed(note, "key1") == NOTE
    note.write_text(content)
    with pytest.raises(Problem, match=r"rotation-local\.json does not say .*remove the file"):
        _resumed(note, "key1")
    assert note.read_text() == content


def test_down_takes_another_port_where_azurites_is_taken(home: Path, azurite: Azurite) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = up.start_azurite(
            {**process.clean_environment(), "LOCALAZURE_BLOB_PORT": port}, on_any_port=True
        )
    status = azurite.status()
    assert status.state == "running"
    assert environment["LOCALAZURE_BLOB_PORT"] == str(status.port) != port


def test_down_says_where_the_files_are_that_damage_moved_aside(
    home: Path, azurite: Azurite, capsys: pytest.CaptureFixture[str]
) -> None:
    azurite.start()
    azurite.stop()
    (home / "cloud.json").write_text("{")
    assert down.down("local") == 0
    (aside,) = home.glob("damaged-*")
    assert (aside / "azurite" / "__azurite_db_blob__.json").exists()
    said = capsys.readouterr().out
    assert f"The uploaded files are in {aside}/azurite," in said
    assert "are gone" not in said


def test_down_names_what_is_left_of_a_stack_whose_state_was_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    group = {"name": "Group", "location": "westeurope"}
    (home / "cloud.json").write_text(json.dumps({"groups": {"group": group}, "accounts": {}}))
    assert down.down("local") == 0
    said = capsys.readouterr().out
    assert "in the state of no stack here: resource group Group." in said
    assert f"make down, then mv {home} {home}.old" in said
    assert "uploaded files" not in said


def test_down_without_a_venv_installs_nothing_where_nothing_is_up(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".venv")
    result = clone.make("down")
    assert (result.status, result.out) == (0, "Nothing was running.\n"), result.err
    assert clone.calls() == []


def test_down_without_a_venv_says_that_azurite_may_run(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".venv")
    (clone.root / ".localazure").mkdir()
    (clone.root / ".localazure" / "azurite.json").write_text('{"pid": 1, "port": 10000}')
    result = clone.make("down")
    assert result.status != 0
    assert "Azurite may still run, but .venv is gone: make setup, then make down" in result.err
    assert clone.calls() == []


def test_down_without_a_venv_sets_up_what_deletes_the_stack(clone: Clone, fresh_venv: Path) -> None:
    fake_venv(clone, fresh_venv)
    shutil.rmtree(clone.root / ".venv")
    (clone.root / ".localazure" / "stacks").mkdir(parents=True)
    (clone.root / ".localazure" / "stacks" / "local.json").write_text('{"resources": [1]}')
    script = clone.root / "localazure" / "__main__.py"
    script.write_text(FAKE_LOCALAZURE)
    result = clone.make("down")
    assert "this far and no further" in result.err
    assert "Traceback" not in result.err
    calls = clone.calls()
    assert any(call.startswith("uv ") for call in calls)
    assert "npm ci" in calls


def test_up_installs_a_missing_part_of_azurite_again_and_goes_on(ready: Clone) -> None:
    (ready.root / "localazure" / "__main__.py").write_text(FAKE_LOCALAZURE)
    (ready.root / "app" / "manage.py").write_text("raise SystemExit('this far and no further')")
    result = ready.make("up", f"PORT={free_port()}")
    assert "A part of Azurite is missing: it is installed again." in result.out
    assert ready.calls() == ["npm ci"]
    assert "Azurite on http://127.0.0.1:10000" in result.out
    assert "this far and no further" in result.err, "it went on to the stack"
