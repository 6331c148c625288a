"""Files of the state folder are private, are replaced whole or not at all, and are read safely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localazure.errors import LocalAzureError
from localazure.state_dir import (
    Damaged,
    locked,
    read_json,
    read_text,
    state_dir,
    write_json,
    write_private,
)
from tests.conftest import ROOT


def test_the_folder_and_its_files_are_for_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "deep" / "home"))
    home = state_dir()
    write_private(home / "sub" / "key", "secret")
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "sub").stat().st_mode & 0o777 == 0o700
    assert (home / "sub" / "key").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_text_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "state.json"
    write_json(target, {"old": True})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(target, {"new": True})
    assert target.read_text() == '{\n  "old": true\n}\n'
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_that_is_held_is_not_waited_for_when_told_so(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path) as first, locked(path, wait=False) as second:
        assert (first, second) == (True, False)
    with locked(path, wait=False) as third:
        assert third


@pytest.mark.parametrize("text", ["", " \n", "[", "[]", "1", "[" * 100_000, "\x00"])
def test_what_is_no_json_object_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Damaged, match=r"x\.json .*make down"):
        read_json(tmp_path / "x.json")


def test_what_is_no_file_is_damage_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nothing").symlink_to(tmp_path / "gone")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits for the pipe"))
    signal.alarm(10)
    try:
        for path in list(tmp_path.iterdir()):
            with pytest.raises(Damaged, match=path.name):
                read_text(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert read_text(tmp_path / "none") is None


def test_a_lock_that_is_a_folder_is_damage(tmp_path: Path) -> None:
    (tmp_path / "x.lock").mkdir()
    with pytest.raises(Damaged, match=r"x\.lock is no lock file"), locked(tmp_path / "x.lock"):
        pass


def test_a_state_folder_that_is_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "home"))
    with pytest.raises(LocalAzureError, match="name another folder in LOCALAZURE_HOME"):
        state_dir()


def test_a_writer_that_is_killed_leaves_the_old_text_and_its_half_is_swept_up(
    tmp_path: Path,
) -> None:
    target = tmp_path / "key"
    write_private(target, "old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from localazure.state_dir import write_private\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_private(Path(sys.argv[1]), 'new')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], cwd=ROOT, check=False)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write_private(target, "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert target.read_text() == "newer"


def test_the_text_and_the_folder_are_on_the_disk_before_a_write_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    rename, sync = Path.replace, os.fsync

    def synced(descriptor: int) -> None:
        done.append("folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "text")  # noqa: PTH112
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_private(tmp_path / "x", "text")
    assert done == ["text", "rename", "folder"]
